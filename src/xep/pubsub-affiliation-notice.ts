import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildAffiliation, type PubsubAffiliation, parseAffiliations } from './pubsub.ts'

/** What an account is told when its affiliation with a node has changed. */
export interface PubsubAffiliationNotice {
  readonly node: string
  readonly jid: string
  readonly affiliation: PubsubAffiliation
}

/**
 * ```xml
 * <pubsub xmlns='http://jabber.org/protocol/pubsub'>
 *   <affiliations node='princely_musings'><affiliation jid='polonius@denmark.lit' affiliation='none'/></affiliations>
 * </pubsub>
 * ```
 * @returns what the message holds
 * @see XEP-0060 §8.9.4
 */
export function buildAffiliationNotice({ node, jid, affiliation }: PubsubAffiliationNotice): Element {
  return xml('pubsub', { xmlns: NS.pubsub }, xml('affiliations', { node }, buildAffiliation({ jid, affiliation })))
}

/** @returns `undefined` for a message that tells of no change */
export function parseAffiliationNotice(message: Element): PubsubAffiliationNotice | undefined {
  const list = message.getChild('pubsub', NS.pubsub)?.getChild('affiliations', NS.pubsub)
  const [changed] = list ? parseAffiliations(list, 'jid') : []
  const node = list && attribute(list, 'node')
  return node && changed ? { node, jid: changed.of, affiliation: changed.affiliation } : undefined
}
