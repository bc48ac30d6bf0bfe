import type { JingleContent, JingleRole, JingleSenders } from '../../xep/index.ts'

/** What of a content tells whether another one is for the same. */
export type Purpose = Pick<JingleContent, 'senders' | 'description'>

/** The collation `i;octet` (RFC 4790 §9.3), by which XEP-0166 §7.2.16 decides between two sids, and two JIDs. */
export function isLower(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0
}

/**
 * Whether two sessions that both sides begin at once are for the same (XEP-0166 §7.2.16: "functionally equivalent"). Two
 * files are two things, and so are two directions: both sides may well send each other one at once.
 *
 * @param ours and `theirs`: what either side offers, as the initiator it is for its own session
 */
export function areEquivalent(ours: readonly Purpose[], theirs: readonly Purpose[]): boolean {
  return ours.some((one) => theirs.some((other) => areSame(one, other)))
}

function areSame(ours: Purpose, theirs: Purpose): boolean {
  if (ours.description?.kind !== 'file' || theirs.description?.kind !== 'file') return false
  if (mirrored(ours.senders ?? 'both') !== (theirs.senders ?? 'both')) return false
  const [one, other] = [ours.description.file, theirs.description.file]
  return one.name === other.name && (one.size === undefined || other.size === undefined || one.size === other.size)
}

/** A direction in the words of the session the other side begins. */
function mirrored(senders: JingleSenders): JingleSenders {
  const mirror: Readonly<Record<JingleRole, JingleRole>> = { initiator: 'responder', responder: 'initiator' }
  return senders === 'initiator' || senders === 'responder' ? mirror[senders] : senders
}
