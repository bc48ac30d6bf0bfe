import { randomBytes } from 'node:crypto'
import { BytestreamError, StanzaError } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import {
  computeDstAddr,
  type DstAddr,
  decodeConnectReply,
  encodeConnectReply,
  encodeConnectRequest,
  encodeGreeting,
  encodeMethodChoice,
  METHOD,
  REPLY,
} from '../socks5/index.ts'
import { buildActivate, type Element } from '../xep/index.ts'
import type { ProbeContext } from './probe.ts'
import { type Address, formatAddress, type RawSocket, type Reading } from './raw-socket.ts'

const SHOWN_BYTES = 16

/** Octets of the method choice, and of a CONNECT reply that echoes a DST.ADDR. */
export const CHOICE_BYTES = 2
export const REPLY_BYTES = 47

/** The reply a CONNECT with this DST.ADDR is due, by the octet (XEP-0065 §5.3.2). */
export function expectedReply(dstAddr: DstAddr): Buffer {
  return encodeConnectReply(REPLY.succeeded, encodeConnectRequest(dstAddr).subarray(4))
}

/** Where the sockets of this probe go. */
export function addressOf({ streamhost }: ProbeContext): Address {
  if (!streamhost) throw new TypeError('this probe opens sockets, and needs a streamhost')
  return streamhost
}

/** A socket that has not said anything yet. */
export function openSocket(context: ProbeContext): Promise<RawSocket> {
  return context.sockets.connect(addressOf(context), context.signal)
}

/** A bytestream of our own, of which both ends are here. */
export interface Bytestream {
  readonly sid: string
  readonly dstAddr: DstAddr
}

export function newBytestream({ session, targetJid }: ProbeContext): Bytestream {
  const sid = `check-${randomBytes(9).toString('base64url')}`
  return { sid, dstAddr: computeDstAddr(sid, session.jid, targetJid) }
}

/** What became of a handshake: let in, or the words of the refusal. */
export type Admission = 'admitted' | { readonly refusal: string }

/** Greets and asks for `dstAddr`; any reply with REP 0 is an admission, whatever address it has. */
export async function shakeHands(
  { timings: { quietMsMax } }: Pick<ProbeContext, 'timings'>,
  socket: RawSocket,
  dstAddr: DstAddr,
): Promise<Admission> {
  socket.send(encodeGreeting())
  const choice = await socket.read(CHOICE_BYTES, quietMsMax)
  if (!choice.octets.equals(encodeMethodChoice(METHOD.noAuthentication))) return { refusal: tellReading(choice) }
  socket.send(encodeConnectRequest(dstAddr))
  for (let reply = Buffer.alloc(0); ; ) {
    const { octets, ending } = await socket.read(1, quietMsMax)
    reply = Buffer.concat([reply, octets])
    const answer = replyIn(reply)
    if (answer === REPLY.succeeded) return 'admitted'
    if (answer !== undefined || ending) return { refusal: tellReading({ octets: reply, ending }) }
  }
}

const endings = { end: 'then the connection was closed', reset: 'then the connection was broken', quiet: 'then nothing' } as const

/** @returns the REP field, `undefined` while octets are missing, or -1 when it is no reply of SOCKS5 */
function replyIn(octets: Buffer): number | undefined {
  try {
    return decodeConnectReply(octets)?.value
  } catch (thrown) {
    if (thrown instanceof BytestreamError) return -1
    throw thrown
  }
}

/** What came, for people: `05 ff, then the connection was closed`. */
export function tellReading({ octets, ending }: Pick<Reading, 'octets' | 'ending'>): string {
  const digits = octets
    .subarray(0, SHOWN_BYTES)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ')
  const shown = octets.length === 0 ? 'no octet' : `${digits}${octets.length > SHOWN_BYTES ? ' …' : ''}`
  return ending ? `${shown}, ${endings[ending]}` : shown
}

/**
 * Opens a socket that waits under `dstAddr`.
 *
 * @throws BytestreamError `ERR_UNREACHABLE`, `ERR_SOCKS5_REFUSED`
 */
export async function join(context: ProbeContext, dstAddr: DstAddr): Promise<RawSocket> {
  const socket = await openSocket(context)
  const admission = await shakeHands(context, socket, dstAddr)
  if (admission === 'admitted') return socket
  throw new BytestreamError('ERR_SOCKS5_REFUSED', `${formatAddress(addressOf(context))} let no socket in: it answered ${admission.refusal}`)
}

/** Two sockets of one bytestream, in the order in which they came. */
export interface Pair extends Bytestream {
  readonly first: RawSocket
  readonly second: RawSocket
}

/** Opens both sockets of a bytestream, one after the other. */
export async function openPair(context: ProbeContext): Promise<Pair> {
  const bytestream = newBytestream(context)
  const first = await join(context, bytestream.dstAddr)
  return { ...bytestream, first, second: await join(context, bytestream.dstAddr) }
}

/** The same, activated. */
export async function openActivePair(context: ProbeContext): Promise<Pair> {
  const pair = await openPair(context)
  await activate(context, pair)
  return pair
}

/** Asks the proxy over XMPP. */
export function ask(
  { proxy, timings: { answerMsMax }, signal, session }: ProbeContext,
  type: 'get' | 'set',
  payload: Element,
  asker: Session = session,
): Promise<Element | undefined> {
  return asker.request({ type, to: proxy, payload }, { answerMsMax, signal })
}

/** @throws StanzaError as the proxy answered */
export async function activate(context: ProbeContext, { sid }: Bytestream, asker = context.session): Promise<void> {
  await ask(context, 'set', buildActivate({ sid, targetJid: context.targetJid }), asker)
}

/** @returns how a question was refused, or `undefined` when it was not */
export async function refusalOf(question: Promise<unknown>): Promise<StanzaError | undefined> {
  try {
    await question
    return undefined
  } catch (thrown) {
    if (thrown instanceof StanzaError) return thrown
    throw thrown
  }
}

/** @returns what is wrong with what came, or `undefined` when it is what was sent */
export async function difference(context: ProbeContext, to: RawSocket, sent: Buffer): Promise<string | undefined> {
  const { octets, ending } = await to.read(sent.length, context.timings.quietMsMax)
  if (octets.equals(sent)) return undefined
  const count = `${octets.length} of ${sent.length} octets arrived`
  return octets.equals(sent.subarray(0, octets.length))
    ? `${count}, ${endings[ending ?? 'quiet']}`
    : `${count}, and not those that were sent`
}

const EXCHANGED_BYTES = 64

/** Sends a few octets each way, small enough for one segment. @returns what is wrong, or `undefined` */
export async function exchange(context: ProbeContext, { first, second }: Pick<Pair, 'first' | 'second'>): Promise<string | undefined> {
  for (const [name, from, to] of [
    ['first socket to the second', first, second],
    ['second socket to the first', second, first],
  ] as const) {
    const octets = randomBytes(EXCHANGED_BYTES)
    from.send(octets)
    const wrong = await difference(context, to, octets)
    if (wrong) return `from the ${name} ${wrong}`
  }
  return undefined
}
