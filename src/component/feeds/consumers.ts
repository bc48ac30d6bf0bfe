import { type Announcement, type DiscoInfo, type FeedAcceptance, feedAcceptanceOf, NS } from '../../xep/index.ts'

/** What a device can do with what is delivered to it. */
export interface Abilities {
  /** Events are for programs; people read text, and their clients know nothing of events. */
  readonly reads: 'events' | 'text'
  /** How it says that something has arrived: by our IQ, by a receipt (XEP-0184), or not at all. */
  readonly acknowledges: 'by IQ' | 'by receipt' | 'not'
  readonly accepts: FeedAcceptance
}

/** A device of a subscriber that is there. */
export interface Consumer {
  /** Full. */
  readonly jid: string
  readonly priority: number
  /** When it was first heard of. */
  readonly sinceMs: number
  readonly abilities: Abilities
}

/** What is taken of a device that does not say what it can: somebody reads there. */
export const plainClient: Abilities = { reads: 'text', acknowledges: 'not', accepts: {} }
/** What is taken of a program of ours that does not say so just now. */
export const ownProgram: Abilities = { reads: 'events', acknowledges: 'by IQ', accepts: {} }

const PROGRAMS: readonly string[] = ['automation', 'client/bot', 'component', 'pubsub']

/** By its answer to service discovery. */
export function abilitiesOf(info: DiscoInfo): Abilities {
  const accepts = feedAcceptanceOf(info)
  if (info.features.includes(NS.feeds)) return { ...ownProgram, accepts }
  const isProgram = info.identities.some(({ category, type }) => PROGRAMS.includes(category) || PROGRAMS.includes(`${category}/${type}`))
  const acknowledges = info.features.includes(NS.receipts) ? 'by receipt' : 'not'
  return { reads: isProgram ? 'events' : 'text', acknowledges, accepts }
}

/** What does not say what it is could be anything (RFC 2046 §4.5.1). */
const ANY = 'application/octet-stream'

/** Whether a device has use for a file that is announced: of the type, not too large, and sent in a way it knows. */
export function canTake({ mediaTypes, sizeBytesMax, methods }: FeedAcceptance, { file, protocols }: Announcement): boolean {
  const type = (file.mediaType ?? ANY).replace(/\s*;.*$/s, '').toLowerCase()
  const isOfType = mediaTypes?.some((pattern) => matches(type, pattern.toLowerCase())) ?? true
  const isSmall = sizeBytesMax === undefined || file.sizeBytes === undefined || file.sizeBytes <= sizeBytesMax
  return isOfType && isSmall && (methods === undefined || protocols.some((protocol) => methods.includes(protocol)))
}

const matches = (type: string, pattern: string) =>
  pattern === '*/*' || pattern === type || (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1)))

/** A program that acknowledges nothing may be there for something else. */
function rank({ abilities: { reads, acknowledges } }: Consumer): number {
  if (acknowledges === 'by IQ') return 3
  if (acknowledges === 'by receipt') return 2
  return reads === 'text' ? 1 : 0
}

/** In the order in which they are preferred: those that acknowledge, of these the highest priority, of these who came last. */
export function comparePreference(one: Consumer, other: Consumer): number {
  return rank(other) - rank(one) || other.priority - one.priority || other.sinceMs - one.sinceMs
}

/** What is known of a message that has been handed over before, or not. */
export interface Handover {
  /** What it announces, if anything: anybody can take what announces no file. */
  readonly announcement: Announcement | undefined
  readonly attempts: number
  /** Who had it last. */
  readonly handedTo: string | undefined
}

/** From then on others get what a device has not acknowledged so often. */
const ATTEMPTS_AT_ONE_MAX = 3

/**
 * Which one device of an account gets a message. Who has it already, and is still there, gets it again, since it may be at work with it;
 * after some times of that, whoever is next.
 *
 * @param consumers in the order of {@link comparePreference}
 * @returns `undefined` where none can take it
 */
export function chooseConsumer(consumers: readonly Consumer[], { announcement, attempts, handedTo }: Handover): Consumer | undefined {
  const able = announcement ? consumers.filter(({ abilities }) => canTake(abilities.accepts, announcement)) : consumers
  const holder = able.find(({ jid }) => jid === handedTo)
  if (!holder) return able[0]
  return attempts < ATTEMPTS_AT_ONE_MAX ? holder : (able.find((consumer) => consumer !== holder) ?? holder)
}
