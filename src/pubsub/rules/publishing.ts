import { BytestreamError } from '../../core/index.ts'
import type { PublishModel } from '../node-config.ts'
import type { Affiliation } from '../records.ts'
import { privileges } from './privileges.ts'

/** An item as it comes from its publisher. */
export interface ItemToPublish {
  /** Missing: the service makes one. */
  readonly id?: string | undefined
  /** XML as text. */
  readonly payload?: string | undefined
  /** The namespace of the payload's element. */
  readonly namespace?: string | undefined
  /** Words between dots, by which subscribers choose. */
  readonly routingKey?: string | undefined
  /** When it ends, of which subscribers hear, in milliseconds since 1970. A node may end it before. */
  readonly expiresMs?: number | undefined
}

const models = {
  publishers: () => false,
  subscribers: (isSubscribed) => isSubscribed(),
  open: () => true,
} as const satisfies Record<PublishModel, (isSubscribed: () => boolean) => boolean>

export function mayPublish(affiliation: Affiliation, model: PublishModel, isSubscribed: () => boolean): boolean {
  const privilege = privileges[affiliation].publish
  return privilege === 'yes' || (privilege === 'model' && models[model](isSubscribed))
}

/** Whether items may be retracted, whosever they are (`yes`), or those of one's own. */
export function mayRetract(affiliation: Affiliation, model: PublishModel, isSubscribed: () => boolean): 'yes' | 'own' | 'no' {
  const privilege = privileges[affiliation].retract
  if (privilege !== 'model') return privilege
  return models[model](isSubscribed) ? 'own' : 'no'
}

export interface EventType {
  readonly persistItems: boolean
  readonly deliverPayloads: boolean
}

/**
 * XEP-0060 §4.3, §7.1.3.7: whether there have to be items, and payloads in them.
 *
 * @throws BytestreamError `ERR_PUBSUB_ITEM_FORBIDDEN`, `ERR_PUBSUB_ITEM_REQUIRED`, `ERR_PUBSUB_PAYLOAD_REQUIRED`
 */
export function checkEventType({ persistItems, deliverPayloads }: EventType, items: readonly ItemToPublish[]): void {
  if (!persistItems && !deliverPayloads) {
    if (items.length > 0) throw new BytestreamError('ERR_PUBSUB_ITEM_FORBIDDEN', 'the node only notifies: nothing can be published to it')
    return
  }
  if (items.length === 0) throw new BytestreamError('ERR_PUBSUB_ITEM_REQUIRED', 'nothing is published')
  if (deliverPayloads && items.some(({ payload }) => payload === undefined)) {
    throw new BytestreamError('ERR_PUBSUB_PAYLOAD_REQUIRED', 'the node delivers payloads, and there is none')
  }
}
