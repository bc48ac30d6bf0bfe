import { BytestreamError } from '../../core/index.ts'
import type { ItemRecord, ItemToPublish, NodeRecord, Pubsub } from '../../pubsub/index.ts'
import { type Element, NS, type PubsubItem, parseAnnouncement, rawXml, writeXml } from '../../xep/index.ts'
import { readPublishOptions } from './config-form.ts'
import { itemsPage } from './pages.ts'
import type { UseCases } from './use-case.ts'

/** As text from here on: nobody behind this looks into a payload, and nobody writes it again. */
function toPublish({ id, payload }: PubsubItem): ItemToPublish {
  return { id, ...(payload && { payload: writeXml(payload), namespace: payload.getNS() ?? '', ...announcedWords(payload) }) }
}

/** What the announcement of a file says that matters to the service. One that is not as its specification has it says nothing. */
function announcedWords(payload: Element): Pick<ItemToPublish, 'routingKey' | 'expiresMs'> {
  // They stand nowhere else, and all the rest takes longer to read than to keep.
  if (!payload.getChild('offer', NS.feeds)) return {}
  try {
    const { routingKey, expiresMs } = parseAnnouncement(payload) ?? {}
    return { routingKey: routingKey || undefined, expiresMs }
  } catch (error) {
    if (error instanceof BytestreamError) return {}
    throw error
  }
}

/** An item as it is told. */
function toItem(pubsub: Pubsub, node: NodeRecord, item: ItemRecord): PubsubItem {
  const payload = item.payload === undefined ? undefined : rawXml(item.payload)
  return { id: item.id, publisher: pubsub.publisherOf(node, item), payload }
}

/** XEP-0060 §6.5, §7. */
export const publisherUseCases: UseCases<'publish' | 'retract' | 'get-items'> = {
  publish: {
    features: ['publish', 'publish-options', 'publish-node-full', 'item-ids', 'persistent-items', 'multi-items'],
    handle(pubsub, asker, { node, items, options }) {
      const publication = { node, items: items.map(toPublish), options: options && readPublishOptions(options) }
      const { items: published, notices } = pubsub.publish(asker, publication)
      return { answer: { node, ids: published.map(({ id }) => id) }, notices }
    },
  },
  retract: {
    features: ['retract-items', 'delete-items'],
    handle(pubsub, asker, { node, ids, isNotified }) {
      const { notices } = pubsub.retract(asker, { node, itemIds: ids, notify: isNotified })
      return { answer: {}, notices }
    },
  },
  'get-items': {
    features: ['retrieve-items', 'rsm'],
    handle(pubsub, asker, { node, subid, ids, max, page }) {
      const itemIds = ids.length > 0 ? ids : undefined
      const found = pubsub.items(asker, { node, subid, itemIds, maxItems: max, page })
      const items = found.items.map((item) => toItem(pubsub, found.node, item))
      return { answer: { node, items, page: itemIds ? undefined : itemsPage(found, page, max) } }
    },
  },
}
