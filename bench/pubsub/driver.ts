import type { Listener } from './cutter.ts'
import { Line } from './line.ts'
import { LOAD } from './stanzas.ts'

/** Seconds without an expected stanza. */
const SILENCE_SECONDS_MAX = 30

interface Asked {
  resolve(answer: string): void
  reject(error: Error): void
}

/**
 * One component that is the publisher and all subscribers: what it hears is all that was sent. It counts notifications, and
 * parses none of them unless somebody asks to see them.
 */
export class Driver implements Disposable {
  /** Notifications so far. */
  received = 0
  /** Sees each notification, when there is somebody. */
  onNotification: ((text: string) => void) | undefined
  readonly #asked = new Map<string, Asked>()
  #line: Line | undefined
  #ids = 0
  #awaited = Number.POSITIVE_INFINITY
  #onAwaited = (_error?: Error) => {}

  private constructor() {}

  /** Through a server, as a component of it. */
  static async dial(port: number, secret: string): Promise<Driver> {
    return Driver.#over((listener) => Line.dial(port, LOAD, secret, listener))
  }

  /** Without a server: a component dials the driver itself. */
  static async listen(): Promise<{ port: number; driver: Promise<Driver> }> {
    let settle = (_port: number) => {}
    const port = new Promise<number>((resolve) => {
      settle = resolve
    })
    const driver = Driver.#over(async (listener) => {
      const listening = await Line.listen(listener)
      settle(listening.port)
      return listening.line
    })
    return { port: await port, driver }
  }

  static async #over(open: (listener: Listener) => Promise<Line>): Promise<Driver> {
    const driver = new Driver()
    driver.#line = await open({
      message: (octets, start, end) => driver.#count(octets, start, end),
      other: (text) => driver.#hear(text),
    })
    return driver
  }

  /** @throws Error with the answer, when that is an error */
  ask(from: string, to: string, payload: string): Promise<string> {
    this.#ids += 1
    const id = `q${this.#ids}`
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#line?.write(`<iq type='set' from='${from}' to='${to}' id='${id}'>${payload}</iq>`)
    })
  }

  /** Settles once so many notifications have come in all. One caller at a time. */
  async arrived(total: number): Promise<void> {
    if (this.received >= total) return
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        clearInterval(timer)
        this.#awaited = Number.POSITIVE_INFINITY
        if (error) reject(error)
        else resolve()
      }
      let before = this.received
      const timer = setInterval(() => {
        if (this.received === before) settle(new Error(`${total - this.received} notifications did not come`))
        before = this.received
      }, SILENCE_SECONDS_MAX * 1000)
      this.#awaited = total
      this.#onAwaited = settle
    })
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]()
  }

  #count(octets: Buffer, start: number, end: number): void {
    this.received += 1
    this.onNotification?.(octets.toString('utf8', start, end))
    if (this.received >= this.#awaited) this.#onAwaited()
  }

  #hear(text: string): void {
    if (!text.startsWith('<iq')) return
    const tag = text.slice(0, text.indexOf('>'))
    const [, id = ''] = /\sid=["']([^"']*)/.exec(tag) ?? []
    const [, type] = /\stype=["']([^"']*)/.exec(tag) ?? []
    // Without a server: what a component asks itself goes back to it.
    if (type === 'get' || type === 'set') return this.#line?.write(text)
    const asked = this.#asked.get(id)
    if (!asked) return
    this.#asked.delete(id)
    if (type === 'result') return asked.resolve(text)
    const error = new Error(text)
    asked.reject(error)
    this.#onAwaited(error)
  }
}
