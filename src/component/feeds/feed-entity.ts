import { BytestreamError } from '../../core/index.ts'
import type { Asker, Pubsub } from '../../pubsub/index.ts'
import type { DiscoEntity, DiscoNodes, IqRouter } from '../../session/index.ts'
import { buildVcard, type Capabilities, capabilitiesVersion, type DiscoInfo, NS } from '../../xep/index.ts'
import { nodeOfAddress } from './feed-address.ts'

/** Of this software as a feed (XEP-0115 §4). */
const SOFTWARE = 'https://www.npmjs.com/package/streamhost#feed'

/** What each feed is and can, whatever its name: one answer for the caps of all. */
const anyFeed: DiscoInfo = {
  identities: [{ category: 'pubsub', type: 'leaf' }],
  features: [NS.capabilities, NS.discoInfo, NS.discoItems, NS.feeds, NS.ping, NS.pubsub, NS.vcard, NS.version].sort(),
}

/** What the presence of feeds tells of them. */
export const feedCapabilities: Capabilities = { node: SOFTWARE, ver: capabilitiesVersion(anyFeed) }

export interface FeedEntitiesComponents {
  readonly pubsub: Pubsub
  /** What the service shows of its nodes. */
  readonly nodes: DiscoNodes
  readonly askerOf: (from: string, node: string) => Asker | Promise<Asker>
}

const notFound = () => new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is nothing by that name here')

/**
 * What is at the address of a feed (XEP-0030 §3): a leaf of publish-subscribe, whose one item names its node at the service. Of which node
 * it is nobody hears who may not find that.
 *
 * @param jid the address of the service
 */
export function feedEntityAt({ pubsub, nodes }: FeedEntitiesComponents, jid: string): (to: string) => DiscoEntity | undefined {
  return (to) => {
    const name = nodeOfAddress(to)
    if (name === undefined || pubsub.find(name)?.kind !== 'leaf') return undefined
    return {
      async info(node, from) {
        if (node === `${feedCapabilities.node}#${feedCapabilities.ver}`) return anyFeed
        if (node !== undefined) throw notFound()
        const { identities, forms = [] } = await nodes.info(name, from)
        return { identities, features: anyFeed.features, forms }
      },
      items(node) {
        if (node !== undefined) throw notFound()
        return { items: [{ jid, node: name }] }
      },
    }
  }
}

/** Answers who a feed is to whoever has it in a list of contacts (XEP-0054 §3.2); the service itself has no vCard. */
export function answerVcards(iqs: IqRouter, { pubsub, askerOf }: FeedEntitiesComponents): void {
  iqs.handle('get', NS.vcard, 'vCard', async ({ from, to }) => {
    const name = nodeOfAddress(to)
    const node = name === undefined ? undefined : pubsub.find(name)
    if (node?.kind !== 'leaf') throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', '')
    if (!pubsub.mayFind(await askerOf(from, node.name), node.name)) throw notFound()
    const { title, description } = pubsub.configOf(node)
    return buildVcard({ fullName: title || node.name, description })
  })
}
