import { abortError, BytestreamError, tryPrepareJid } from '../core/index.ts'
import type { Session, SessionEvents } from '../session/index.ts'
import { type Notification, parseNotification } from '../xep/index.ts'

/** What is listened to. */
export interface EventsInit {
  /** Default: every node. What comes by way of a collection counts for both. */
  readonly node?: string | undefined
  /** Ends the iteration, which fails with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Events that may wait for whoever iterates. Default 1,000. */
  readonly waitingMax?: number | undefined
}

const WAITING_MAX = 1_000

/**
 * The events of a service, from the moment this was called on. They end when the session is over, and fail when one came
 * that finds no place: nobody misses one without being told.
 */
export class Notifications implements AsyncIterableIterator<Notification> {
  readonly #session: Session
  readonly #from: string
  readonly #init: EventsInit
  readonly #waiting: Notification[] = []
  #wake: (() => void) | undefined
  #isOver = false
  #error: BytestreamError | undefined

  constructor(session: Session, service: string, init: EventsInit) {
    this.#session = session
    this.#from = tryPrepareJid(service)
    this.#init = init
    session.on('message', this.#onMessage)
    session.once('ended', this.#onEnded)
    init.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (init.signal?.aborted) this.#onAbort()
    else if (session.end) this.#onEnded(session.end)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws BytestreamError `ERR_PUBSUB_LIMIT` when more came than may wait, `ERR_ABORTED`, or why the session is over */
  async next(): Promise<IteratorResult<Notification, undefined>> {
    for (;;) {
      const value = this.#waiting.shift()
      if (value) return { value, done: false }
      if (this.#error) throw this.#error
      if (this.#isOver) return { value: undefined, done: true }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async return(): Promise<IteratorResult<Notification, undefined>> {
    this.#waiting.length = 0
    this.#end(undefined)
    return { value: undefined, done: true }
  }

  readonly #onMessage = (message: SessionEvents['message'][0], stanza: SessionEvents['message'][1]) => {
    if (message.type === 'error' || tryPrepareJid(message.from ?? '') !== this.#from) return
    const notification = parseNotification(stanza)
    if (!notification || !this.#isWanted(notification)) return
    const { waitingMax = WAITING_MAX } = this.#init
    if (this.#waiting.length >= waitingMax) {
      this.#end(new BytestreamError('ERR_PUBSUB_LIMIT', `more than ${waitingMax} events have come that nobody has looked at`))
      return
    }
    this.#waiting.push(notification)
    this.#wake?.()
  }

  readonly #onEnded = ({ error }: SessionEvents['ended'][0]) => this.#end(error)

  readonly #onAbort = () => this.#end(abortError(this.#init.signal as AbortSignal))

  #isWanted({ event, collection }: Notification): boolean {
    const { node } = this.#init
    const about = event.kind === 'subscription' ? event.subscription.node : event.node
    return node === undefined || about === node || collection === node
  }

  #end(error: BytestreamError | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    this.#session.off('message', this.#onMessage)
    this.#session.off('ended', this.#onEnded)
    this.#init.signal?.removeEventListener('abort', this.#onAbort)
    this.#wake?.()
  }
}
