import { attribute, type Element, NS, type PubsubEvent, parseEvent } from '../../src/xep/index.ts'
import { type Address, type Login, login, type RawStream } from './raw-client.ts'
import { PUBSUB } from './serve-pubsub.ts'

/** What a client hears as it comes, and not only where a test asks for it. */
interface Listener {
  readonly onAnswer?: (id: string, answer: Element) => void
  readonly onEvent?: (event: PubsubEvent) => void
}

/** A client of a service that says much at once: answers and events are read as they come. */
export class PubsubLine {
  readonly #stream: RawStream
  readonly #asked = new Map<string, { resolve: (answer: Element) => void; reject: (error: unknown) => void }>()
  #listener: Listener = {}
  #count = 0

  private constructor(stream: RawStream) {
    this.#stream = stream
    void this.#read()
  }

  static async enter(address: Address, account: Login, resource: string): Promise<PubsubLine> {
    const stream = await login(address, account, resource)
    stream.send('<presence/>')
    return new PubsubLine(stream)
  }

  get jid(): string {
    return this.#stream.jid
  }

  get account(): string {
    return this.jid.slice(0, this.jid.indexOf('/'))
  }

  /** Instead of whoever listened. */
  listen(listener: Listener): void {
    this.#listener = listener
  }

  /** Asks, and does not wait: `onAnswer` tells, if anything does. */
  say(id: string, type: 'get' | 'set', payload: string): void {
    this.#stream.send(`<iq type='${type}' id='${id}' to='${PUBSUB}'>${payload}</iq>`)
  }

  /** @returns the answer: everything that was on its way before it has been heard */
  ask(type: 'get' | 'set', payload: string): Promise<Element> {
    const id = `asked-${++this.#count}`
    return new Promise<Element>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.say(id, type, payload)
    })
  }

  close(): void {
    this.#stream.destroy()
  }

  async #read(): Promise<void> {
    for (;;) {
      const element = await this.#stream.next().catch((error: unknown) => {
        for (const { reject } of this.#asked.values()) reject(error)
        return undefined
      })
      if (!element) return
      const id = attribute(element, 'id') ?? ''
      const event = element.name === 'message' ? element.getChild('event', NS.pubsubEvent) : undefined
      const parsed = event && parseEvent(event)
      if (parsed) this.#listener.onEvent?.(parsed)
      if (element.name !== 'iq') continue
      const asked = this.#asked.get(id)
      this.#asked.delete(id)
      if (asked) asked.resolve(element)
      else this.#listener.onAnswer?.(id, element)
    }
  }
}
