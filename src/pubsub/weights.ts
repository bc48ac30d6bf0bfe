import type { QueuedMessage } from './queues/records.ts'
import type { AffiliationRecord, ItemRecord, NodeRecord, SubscriptionRecord } from './records.ts'

/** What a record takes besides its texts, about. */
const RECORD_BYTES = 512

const weigh = (...texts: readonly (string | undefined)[]) =>
  texts.reduce((sum, text) => sum + (text === undefined ? 0 : Buffer.byteLength(text)), RECORD_BYTES)

/** Octets in memory, near enough to bound them. */
export const nodeBytes = ({ name, config }: Pick<NodeRecord, 'name' | 'config'>) => weigh(name, JSON.stringify(config))
export const affiliationBytes = ({ account }: Pick<AffiliationRecord, 'account'>) => weigh(account)
export const subscriptionBytes = ({ jid }: Pick<SubscriptionRecord, 'jid'>) => weigh(jid)
export const itemBytes = ({ id, publisher, payload }: Pick<ItemRecord, 'id' | 'publisher' | 'payload'>) => weigh(id, publisher, payload)
export const messageBytes = ({ node, itemId, publisher, payload }: Pick<QueuedMessage, 'node' | 'itemId' | 'publisher' | 'payload'>) =>
  weigh(node, itemId, publisher, payload)
/** Of an entry of a queue, or a dead letter, next to the message that all of them share. */
export const QUEUE_ENTRY_BYTES = 256
