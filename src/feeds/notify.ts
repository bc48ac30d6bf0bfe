import { randomUUID } from 'node:crypto'
import { bareJid, type Clock, domainOf, orAbort, parseJid, prepareJid, StanzaError, startDeadline, unescapeLocal } from '../core/index.ts'
import { PubsubClient } from '../pubsub-client/index.ts'
import type { QuestionOptions, Session } from '../session/index.ts'
import {
  type Announcement,
  announcementBody,
  buildAnnouncement,
  buildDiscoInfoRequest,
  buildMessage,
  buildPresence,
  buildRoomEntry,
  buildTextEntry,
  type DiscoInfo,
  type Element,
  isOwnOccupant,
  parseDiscoInfo,
  parseStanzaError,
} from '../xep/index.ts'
import type { FeedAddress } from './feed-address.ts'

/** Whom a note is for. */
export type Addressee =
  | { readonly kind: 'user'; readonly jid: string }
  /** A room of XEP-0045. */
  | { readonly kind: 'room'; readonly jid: string }
  | (FeedAddress & { readonly kind: 'feed' })

/** What telling somebody needs. */
export interface NotifyComponents {
  readonly session: Session
  readonly clock: Clock
}

/** Milliseconds to be let into a room, and to hear one's own words there. */
const ROOM_MS_MAX = 30_000
/** Conditions by which it is said that nobody tells strangers what they are; an account need not. */
const SILENT: readonly string[] = [
  'service-unavailable',
  'subscription-required',
  'forbidden',
  'not-authorized',
  'feature-not-implemented',
  'not-allowed',
]

/**
 * Finds out what somebody is.
 *
 * @param jid of an account, of a room, or of a feed
 * @throws StanzaError where there is nothing under that address; BytestreamError `ERR_JID_MALFORMED`, `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`
 */
export async function addresseeOf({ session }: NotifyComponents, jid: string, options: QuestionOptions): Promise<Addressee> {
  const to = prepareJid(jid)
  const answer = await infoOf(session, to, options)
  const isA = (category: string, type?: string) =>
    answer?.identities.some((each) => each.category === category && (type === undefined || each.type === type)) ?? false
  if (isA('conference') && parseJid(to).local !== '') return { kind: 'room', jid: bareJid(to) }
  if (isA('pubsub', 'leaf')) return { kind: 'feed', service: domainOf(to), node: unescapeLocal(parseJid(to).local) }
  return { kind: 'user', jid: to }
}

async function infoOf(session: Session, to: string, options: QuestionOptions): Promise<DiscoInfo | undefined> {
  try {
    const answer = await session.request({ type: 'get', to, payload: buildDiscoInfoRequest() }, options)
    return answer && parseDiscoInfo(answer)
  } catch (thrown) {
    if (thrown instanceof StanzaError && SILENT.includes(thrown.condition)) return undefined
    throw thrown
  }
}

/** What is said, and where. */
interface Words {
  readonly to: Exclude<Addressee, { kind: 'feed' }>
  readonly text: string
  /** Of a file that goes along. */
  readonly announcement: Announcement | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Says something to an account, or in a room, which is left at once.
 *
 * @throws StanzaError as it was refused: at once by our own server, by one of others as long as we listen; BytestreamError `ERR_TIMEOUT`,
 *   `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 */
export async function say(components: NotifyComponents, words: Words): Promise<void> {
  await (words.to.kind === 'room' ? sayInRoom(components, words) : sayToUser(components, words))
}

function messageOf({ to, text, announcement }: Words, id: string): Element {
  const body = announcement ? `${text}\n${announcementBody(announcement)}` : text
  const type = to.kind === 'room' ? 'groupchat' : 'chat'
  return buildMessage({ type, id, to: to.jid, body }, ...(announcement ? [buildAnnouncement(announcement)] : []))
}

async function sayToUser({ session }: NotifyComponents, words: Words): Promise<void> {
  const id = randomUUID()
  let refusal: StanzaError | undefined
  const onMessage = ({ type, id: about }: { type: string; id: string | undefined }, stanza: Element) => {
    if (type === 'error' && about === id) refusal = parseStanzaError(stanza)
  }
  session.on('message', onMessage)
  try {
    session.send(messageOf(words, id))
    // RFC 6120 §10.1: what our server says of the message comes before what it answers to this.
    const question = { type: 'get', to: domainOf(session.jid), payload: buildDiscoInfoRequest() } as const
    await session.request(question, { signal: words.signal })
  } finally {
    session.off('message', onMessage)
  }
  if (refusal) throw refusal
}

async function sayInRoom(components: NotifyComponents, words: Words): Promise<void> {
  const { session, clock } = components
  const { jid: room } = words.to
  using deadline = startDeadline(clock, ROOM_MS_MAX, 'ERR_TIMEOUT', `${room} has not answered within ${ROOM_MS_MAX / 1000} s`, words.signal)
  const occupant = await enter(session, room, deadline.signal)
  try {
    const id = randomUUID()
    const isSaid = heard(session, deadline.signal, ({ message, stanza }) => {
      if (message?.id !== id) return false
      if (message.type === 'error') throw parseStanzaError(stanza)
      return message.from === occupant
    })
    session.send(messageOf(words, id))
    await isSaid
  } finally {
    session.send(buildPresence({ type: 'unavailable', to: occupant }))
  }
}

/** @returns the JID we have there */
async function enter(session: Session, room: string, signal: AbortSignal): Promise<string> {
  const name = parseJid(session.jid).local
  const attempt = async (occupant: string) => {
    const isIn = heard(session, signal, ({ presence, stanza }) => {
      if (presence === undefined || bareJid(presence.from ?? '') !== room) return false
      if (presence.type === 'error') throw parseStanzaError(stanza)
      return isOwnOccupant(stanza)
    })
    session.send(buildRoomEntry(occupant))
    await isIn
    return occupant
  }
  try {
    return await attempt(`${room}/${name}`)
  } catch (thrown) {
    // Somebody has that name there, maybe another program of the account.
    if (!(thrown instanceof StanzaError) || thrown.condition !== 'conflict') throw thrown
    return await attempt(`${room}/${name}-${randomUUID().slice(0, 8)}`)
  }
}

/** What came: a presence, or a message. */
interface Heard {
  readonly presence?: { readonly type: string; readonly from?: string | undefined }
  readonly message?: { readonly type: string; readonly from: string | undefined; readonly id: string | undefined }
  readonly stanza: Element
}

/** Settles with the first stanza that is the one; what `isIt` throws it fails with. */
async function heard(session: Session, signal: AbortSignal, isIt: (heard: Heard) => boolean): Promise<void> {
  let onPresence = (_: NonNullable<Heard['presence']>, __: Element) => {}
  let onMessage = (_: NonNullable<Heard['message']>, __: Element) => {}
  const came = new Promise<void>((resolve, reject) => {
    const look = (what: Heard) => {
      try {
        if (isIt(what)) resolve()
      } catch (error) {
        reject(error)
      }
    }
    onPresence = (presence, stanza) => look({ presence, stanza })
    onMessage = (message, stanza) => look({ message, stanza })
  })
  session.on('presence', onPresence).on('message', onMessage)
  try {
    await orAbort(came, signal)
  } finally {
    session.off('presence', onPresence).off('message', onMessage)
  }
}

/** Words alone, as an item of a feed. */
export async function publishText(
  { session }: NotifyComponents,
  { service, node }: FeedAddress,
  text: string,
  options: QuestionOptions,
): Promise<void> {
  const pubsub = new PubsubClient(session, service)
  const entry = buildTextEntry({ id: `urn:uuid:${randomUUID()}`, text, author: pubsub.account, updatedMs: Date.now() })
  await pubsub.publish(node, { payload: entry }, options)
}
