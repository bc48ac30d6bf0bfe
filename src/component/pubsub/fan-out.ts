import { toBytestreamError } from '../../core/index.ts'
import type { Recipient } from '../../pubsub/index.ts'
import { type Header, type NotificationParts, writeNotification } from '../../xep/index.ts'

/** Where one recipient stands: of which node its subscription is, and what the ids of its notifications begin with. */
export interface Origin {
  /** 0 for what belongs to no subscription. */
  readonly nodeId: number
  readonly idPrefix: string
}

export interface FanOutInit {
  /** What happens to one node is told in its order. */
  readonly node: string
  readonly parts: NotificationParts
  /** Those it goes to, page by page; asked for the next page when the last one has been written. */
  readonly audience: Iterable<readonly Recipient[]>
  /** Where those stand who came by way of that collection, or (`undefined`) by none. */
  readonly originOf: (collection: string | undefined) => Origin
  /** Finds out what the audience depends on, when its turn has come; to be tried again where it fails. */
  readonly prepare?: (() => Promise<void>) | undefined
  /** Nothing more is asked of the audience. */
  readonly onOver: () => void
}

/** One message, and those it still goes to. It holds its text once, and a page of recipients. */
export class FanOut {
  readonly node: string
  /** Octets it holds, roughly. */
  readonly bytes: number
  readonly #parts: NotificationParts
  readonly #pages: Iterator<readonly Recipient[]>
  readonly #originOf: FanOutInit['originOf']
  readonly #origins = new Map<string | undefined, Origin>()
  readonly #onOver: () => void
  #prepare: (() => Promise<void>) | undefined
  #page: readonly Recipient[] = []
  #at = 0
  #isOver = false

  constructor({ node, parts, audience, originOf, prepare, onOver }: FanOutInit) {
    this.node = node
    this.#parts = parts
    this.bytes = parts.head.length + parts.body.length
    this.#pages = audience[Symbol.iterator]()
    this.#originOf = originOf
    this.#onOver = onOver
    this.#prepare = prepare
  }

  /** Whether those it goes to can be asked for. */
  get isReady(): boolean {
    return this.#prepare === undefined || this.#isOver
  }

  /** Makes it ready, or leaves it as it is. */
  async prepare(): Promise<void> {
    try {
      await this.#prepare?.()
      this.#prepare = undefined
    } catch (error) {
      if (toBytestreamError(error).code !== 'ERR_SESSION_CLOSED') throw error
    }
  }

  /** Whether everybody has been taken. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The next one it goes to. `undefined` when there is none at hand: a page has been looked for since, or it is over. */
  next(): Recipient | undefined {
    if (this.#at < this.#page.length) return this.#page[this.#at++]
    if (this.#isOver) return undefined
    const { done, value } = this.#pages.next()
    if (done) this.end()
    else [this.#page, this.#at] = [value, 0]
    return undefined
  }

  /** Those who were taken, and may not have got it, are the next again. */
  putBack(recipients: readonly Recipient[]): void {
    this.#page = [...recipients, ...this.#page.slice(this.#at)]
    this.#at = 0
    this.#isOver = false
  }

  /** Nobody else is taken. */
  end(): void {
    this.#page = []
    this.#isOver = true
    this.#onOver()
  }

  originOf(recipient: Recipient): Origin {
    const collection = typeof recipient === 'string' ? undefined : recipient.collection
    const known = this.#origins.get(collection)
    if (known) return known
    const origin = this.#originOf(collection)
    this.#origins.set(collection, origin)
    return origin
  }

  write(recipient: Recipient, id: string): string {
    if (typeof recipient === 'string') return writeNotification(this.#parts, recipient, id)
    const { jid, subids, collection } = recipient
    const headers: Header[] = collection === undefined ? [] : [{ name: 'Collection', value: collection }]
    headers.push(...subids.map((value) => ({ name: 'SubID', value })))
    return writeNotification(this.#parts, jid, id, headers)
  }
}
