import { BytestreamError } from '../core/index.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

const SUBSCRIPTIONS = ['none', 'to', 'from', 'both', 'remove'] as const

/** A contact as a roster shows it (RFC 6121 §2.1.2). */
export interface RosterItem {
  readonly jid: string
  readonly name?: string | undefined
  readonly groups: readonly string[]
  /** `remove` only where a contact goes. */
  readonly subscription: (typeof SUBSCRIPTIONS)[number]
  /** Whether a request to subscribe to the contact waits for its answer. */
  readonly isAsking?: boolean
}

/** Asks for a roster: one's own, or that of whoever is asked, where its server lets us (RFC 6121 §2.1.3, XEP-0356 §4.3). */
export function buildRosterRequest(): Element {
  return xml('query', { xmlns: NS.roster })
}

/** The contacts of a roster, or of one change of it; those without a JID are left out (RFC 6121 §2.1.4, §2.1.6). */
export function parseRoster(query: Element): RosterItem[] {
  return query.getChildren('item', NS.roster).flatMap((item) => {
    const jid = attribute(item, 'jid')
    if (!jid) return []
    const subscription = SUBSCRIPTIONS.find((one) => one === attribute(item, 'subscription')) ?? 'none'
    const groups = item.getChildren('group', NS.roster).map((group) => group.text())
    return [
      { jid, name: attribute(item, 'name'), groups: [...new Set(groups)], subscription, isAsking: attribute(item, 'ask') === 'subscribe' },
    ]
  })
}

/**
 * ```xml
 * <query xmlns='jabber:iq:roster'>
 *   <item jid='nurse@example.com' name='Nurse' subscription='both'><group>Servants</group></item>
 * </query>
 * ```
 * @see RFC 6121 §2.1
 */
export function buildRoster(items: readonly RosterItem[]): Element {
  return xml('query', { xmlns: NS.roster }, ...items.map(buildItem))
}

function buildItem({ jid, name, groups, subscription, isAsking }: RosterItem): Element {
  const ask = isAsking ? 'subscribe' : undefined
  return xml('item', { jid, name, subscription, ask }, ...groups.map((group) => xml('group', {}, group)))
}

/**
 * Reads what a client wants to change: of `subscription` only `remove` means anything.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for not exactly one item, an item without a JID, or a group named twice
 * @see RFC 6121 §2.3.3, §2.5
 */
export function parseRosterSet(query: Element): RosterItem {
  const [item, ...others] = query.getChildren('item')
  const jid = item && attribute(item, 'jid')
  if (!jid || others.length > 0) throw new BytestreamError('ERR_BAD_REQUEST', 'a roster set has one item, with a JID')
  const groups = item.getChildren('group').map((group) => group.text())
  if (new Set(groups).size < groups.length) throw new BytestreamError('ERR_BAD_REQUEST', 'a group is named twice')
  const subscription = attribute(item, 'subscription') === 'remove' ? 'remove' : 'none'
  return { jid, name: attribute(item, 'name'), groups, subscription }
}
