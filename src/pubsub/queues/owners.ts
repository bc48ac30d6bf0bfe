import { BytestreamError } from '../../core/index.ts'
import { type Asker, type Core, findOwnNode } from '../core.ts'
import { mapPart, numberNamed, type Page, type Part, partOf } from '../operations/parts.ts'
import type { NodeRecord, SubscriptionRecord } from '../records.ts'
import type { DeadLetter, QueueLength } from './records.ts'

type OwnersCore = Pick<Core, 'store' | 'limits' | 'now'>

/** Of a subscription with a queue, how much waits for its account at the node. */
export interface QueueView extends QueueLength {
  readonly jid: string
  readonly account: string
}

/** Of one page: what each account has is looked through. */
const QUEUES_PAGE_MAX = 50

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN` */
export function queuesAt(core: OwnersCore, asker: Asker, name: string, count: () => number, page: Page = {}): Part<QueueView> {
  const node = findOwnNode(core, asker, name, 'manage')
  const nowMs = core.now()
  const max = Math.min(page.max ?? QUEUES_PAGE_MAX, QUEUES_PAGE_MAX)
  const part = partOf(
    core,
    { ...page, max },
    {
      keyNamed: numberNamed,
      keyOf: ({ id }: SubscriptionRecord) => id,
      read: (section) => core.store.queueSubscriptions(node.id, section),
      count,
    },
  )
  return mapPart(part, ({ jid, account }) => ({ jid, account, ...core.store.queues.lengthOf(node.id, account, nowMs) }))
}

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND`, `ERR_FORBIDDEN` */
export function deadLettersAt(core: OwnersCore, asker: Asker, name: string, page?: Page): Part<DeadLetter> {
  const node = findOwnNode(core, asker, name, 'manage')
  return partOf(core, page, {
    keyNamed: numberNamed,
    keyOf: ({ id }: DeadLetter) => id,
    read: (section) => core.store.queues.letters(node.id, section),
    count: () => core.store.queues.countLetters(node.id),
  })
}

/** @throws BytestreamError `ERR_ITEM_NOT_FOUND`, also for a dead letter there is not; `ERR_FORBIDDEN` */
export function findDeadLetter(core: OwnersCore, asker: Asker, name: string, id: number): { node: NodeRecord; letter: DeadLetter } {
  const node = findOwnNode(core, asker, name, 'manage')
  const letter = core.store.queues.letter(node.id, id)
  if (!letter) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such dead letter')
  return { node, letter }
}
