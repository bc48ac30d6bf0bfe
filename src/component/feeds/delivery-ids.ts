import { createHash } from 'node:crypto'
import type { QueuedMessage } from '../../pubsub/index.ts'

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-([0-9a-f]{12})$/

/**
 * The id of the stanza that delivers a message: the same whenever and to whomever it goes, also by another process, so that clients that
 * got it twice show it once. From a receipt or an error that has it the message can be read: nothing has to be remembered of what was
 * sent. It is no secret: whoever makes one up gets at nothing but his own queue.
 *
 * @returns a UUID of version 8, since some clients look at no others (RFC 9562 §5.8)
 */
export function deliveryId(service: string, { id, publishedMs }: Pick<QueuedMessage, 'id' | 'publishedMs'>): string {
  const hash = createHash('sha256').update(`${service} ${publishedMs} ${id}`).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(12, 15)}-8${hash.slice(15, 18)}-${id.toString(16).padStart(12, '0')}`
}

/** The number of the message; `undefined` for what is no id of a delivery. */
export function deliveredMessage(id: string): number | undefined {
  const [, digits] = ID.exec(id) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}
