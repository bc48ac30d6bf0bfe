/** What waits in queues: once, however many it waits for. Times are milliseconds since 1970. */
export interface QueuedMessage {
  /** Grows with each, over all nodes, and is never given again: the order of publication. */
  readonly id: number
  /** The name of the node. */
  readonly node: string
  readonly nodeId: number
  /** `retracted`: that there is no such item any more. */
  readonly kind: 'published' | 'retracted'
  readonly itemId: string
  /** The full JID that published the item. */
  readonly publisher: string
  readonly publishedMs: number
  /** Then nobody is told of it any more. */
  readonly expiresMs: number
  readonly routingKey: string | undefined
  /** XML as text; of what is gone, what it was. */
  readonly payload: string | undefined
}

/** What has been heard of a message that was handed over: it waits for an acknowledgement, or only for an error that may come back. */
export type Awaited = 'nothing' | 'acknowledgement' | 'error'

/** A message that waits for an account. */
export interface QueueEntry {
  /** A bare JID. */
  readonly account: string
  readonly message: QueuedMessage
  /** How often it was handed over. */
  readonly attempts: number
  /** How often that came to nothing, though somebody was there. */
  readonly failures: number
  /** 0: it is to be handed over. Until then it is not, for a pause, or for what it awaits. */
  readonly notBeforeMs: number
  /** The full JID it was handed to last. */
  readonly handedTo: string | undefined
  readonly awaits: Awaited
}

/** An entry that was given up. */
export interface DeadLetter {
  /** Grows with each, and is never given again. */
  readonly id: number
  readonly account: string
  readonly message: QueuedMessage
  readonly attempts: number
  /** A word of ours, or what came back: a condition of RFC 6120. */
  readonly reason: string
  readonly diedMs: number
}

/** How much waits for one account at one node. */
export interface QueueLength {
  /** To be handed over, now or after a pause. */
  readonly waiting: number
  /** Handed over, and not acknowledged yet. */
  readonly handed: number
  /** When the oldest of both was published. */
  readonly oldestMs: number | undefined
}
