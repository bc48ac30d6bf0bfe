import type { Listener } from './cutter.ts'
import { Line } from './line.ts'
import { LOAD } from './stanzas.ts'

/** Seconds without an expected stanza. */
const SILENCE_SECONDS_MAX = 30

/** Of one node. */
const SUBSCRIBERS_MAX = 100_000
const AT = Buffer.from(`@${LOAD}`)
const ZERO = '0'.charCodeAt(0)

/** @returns the number of the subscriber it is to, whose address has the first `@` of a notification. `undefined`: somebody else */
function subscriberOf(octets: Buffer, start: number): number | undefined {
  const end = octets.indexOf(AT, start)
  let number = 0
  let at = end - 1
  for (let place = 1; at > start; at -= 1, place *= 10) {
    const digit = (octets[at] as number) - ZERO
    if (digit < 0 || digit > 9) break
    number += digit * place
  }
  return at < end - 1 && number < SUBSCRIBERS_MAX ? number : undefined
}

/** What has come since some moment. */
export interface Count {
  /** @throws Error unless each of them has got so many since, and nobody else any */
  expect(notifications: number): void
}

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
  /** By the number of the subscriber. */
  readonly #receivedBy = new Uint32Array(SUBSCRIBERS_MAX)
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

  /** Begins to count what the first `n` subscribers get. */
  countOf(n: number): Count {
    const [total, by] = [this.received, this.#receivedBy.slice(0, n)]
    return {
      expect: (notifications) => {
        const off = [...by].map((before, index) => (this.#receivedBy[index] as number) - before - notifications)
        const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
        const missing = -sum(off.filter((each) => each < 0))
        const doubled = sum(off.filter((each) => each > 0))
        const astray = this.received - total - n * notifications + missing - doubled
        if (missing + doubled + astray === 0) return
        throw new Error(`of ${n * notifications} notifications ${missing} are missing, ${doubled} came again, ${astray} came to others`)
      },
    }
  }

  [Symbol.dispose](): void {
    this.#line?.[Symbol.dispose]()
  }

  #count(octets: Buffer, start: number, end: number): void {
    this.received += 1
    const subscriber = subscriberOf(octets, start)
    if (subscriber !== undefined) this.#receivedBy[subscriber] = (this.#receivedBy[subscriber] as number) + 1
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
