import { BytestreamError } from '../core/index.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** A contact as a roster shows it (RFC 6121 §2.1.2). */
export interface RosterItem {
  readonly jid: string
  readonly name?: string | undefined
  readonly groups: readonly string[]
  /** `remove` only where a contact goes. */
  readonly subscription: 'none' | 'to' | 'from' | 'both' | 'remove'
  /** Whether a request to subscribe to the contact waits for its answer. */
  readonly isAsking?: boolean
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
