import type { Broadcast, ItemRecord, NodeRecord, Personal, Pubsub, Told } from '../../pubsub/index.ts'
import {
  buildAffiliationNotice,
  buildApprovalRequest,
  type DataForm,
  type Delay,
  messageParts,
  type NotificationParts,
  notificationParts,
  type PubsubEvent,
  type PubsubItem,
  rawXml,
} from '../../xep/index.ts'
import { toSubscription } from './subscriber-use-cases.ts'

/** What is known of nodes, to be told. */
export interface NoticeWriter {
  readonly pubsub: Pubsub
  /** The configuration of a node, as a form of type result. */
  readonly configForm: (node: NodeRecord) => DataForm
  /** The address of the service. */
  readonly from: string
}

/** Octets of the payloads of one notification, if there is more than one item in it: servers have bounds for stanzas. */
const PAYLOADS_BYTES_MAX = 65_536

/** What a notice is on the wire, written but for whom it goes to: mostly one message. */
export function writeNotice(writer: NoticeWriter, notice: Told): readonly NotificationParts[] {
  return 'items' in notice || !('to' in notice) ? writeAboutNode(writer, notice) : [writePersonal(writer, notice)]
}

function writePersonal({ from }: NoticeWriter, notice: Exclude<Personal, { readonly kind: 'lastItem' }>): NotificationParts {
  switch (notice.kind) {
    case 'subscription':
      return notificationParts({ kind: 'subscription', subscription: toSubscription(notice.subscription) }, { from })
    case 'affiliation': {
      const [jid = ''] = notice.to // It is that one's.
      return messageParts(buildAffiliationNotice({ ...notice, jid }), { from })
    }
    case 'approval':
      return messageParts(buildApprovalRequest(notice.subscription), { from })
  }
}

function writeAboutNode(
  { pubsub, configForm, from }: NoticeWriter,
  notice: Broadcast | Extract<Personal, { readonly kind: 'lastItem' }>,
): readonly NotificationParts[] {
  const { notificationType: type, deliverPayloads } = pubsub.configOf(notice.node)
  const node = notice.node.name
  const write = (event: PubsubEvent, delay?: Delay) => notificationParts(event, { from, type, delay })
  const items = (records: readonly ItemRecord[]): PubsubEvent => {
    const told = records.map((item): PubsubItem => toItem(pubsub, notice.node, item, deliverPayloads))
    return { kind: 'items', node, items: told, retracted: [] }
  }
  switch (notice.kind) {
    case 'published':
      return inParts(notice.items, deliverPayloads).map((part) => write(items(part)))
    case 'lastItem': // XEP-0060 §6.1.7: it says when it was published.
      return notice.items.map((item) => write(items([item]), { stampMs: item.publishedMs }))
    case 'retracted':
      return [write({ kind: 'items', node, items: [], retracted: notice.itemIds })]
    case 'purged':
      return [write({ kind: 'purge', node })]
    case 'configured': // XEP-0060 §8.2.5: without payloads, only that it has changed.
      return [write({ kind: 'configuration', node, config: deliverPayloads ? configForm(notice.node) : undefined })]
    case 'deleted':
      return [write({ kind: 'delete', node, redirect: notice.redirectUri })]
    case 'associated':
      return [write({ kind: 'collection', node, change: 'associate', child: notice.child })]
    case 'disassociated':
      return [write({ kind: 'collection', node, change: 'disassociate', child: notice.child })]
  }
}

function toItem(pubsub: Pubsub, node: NodeRecord, item: ItemRecord, withPayload: boolean): PubsubItem {
  const payload = withPayload && item.payload !== undefined ? rawXml(item.payload) : undefined
  return { id: item.id, publisher: pubsub.publisherOf(node, item), payload }
}

/** Items in their order, in as many notifications as they need; one without any, for a publish that had none. */
function inParts(items: readonly ItemRecord[], withPayloads: boolean): readonly (readonly ItemRecord[])[] {
  if (!withPayloads || items.length <= 1) return [items]
  const parts: ItemRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    const own = Buffer.byteLength(item.payload ?? '')
    bytes += own
    if (bytes > PAYLOADS_BYTES_MAX) {
      parts.push([])
      bytes = own
    }
    parts.at(-1)?.push(item)
  }
  return parts
}
