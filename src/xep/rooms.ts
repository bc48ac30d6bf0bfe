import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/**
 * Enters a room, without being told what was said there before.
 *
 * ```xml
 * <presence to='team@rooms.example.org/ci'>
 *   <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>
 * </presence>
 * ```
 * @param occupant the room, with the nickname as the resource
 * @see XEP-0045 §7.2.2, §7.2.14
 */
export function buildRoomEntry(occupant: string): Element {
  return xml('presence', { to: occupant }, xml('x', { xmlns: NS.muc }, xml('history', { maxstanzas: 0 })))
}

/** Whether a presence from a room is our own there: the last one of entering it (XEP-0045 §7.2.2). */
export function isOwnOccupant(presence: Element): boolean {
  const statuses = presence.getChild('x', NS.mucUser)?.getChildren('status') ?? []
  return statuses.some((status) => attribute(status, 'code') === '110')
}
