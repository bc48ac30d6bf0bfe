import {
  BytestreamError,
  type Clock,
  type Logger,
  orAbort,
  StanzaError,
  startDeadline,
  throwIfAborted,
  toBytestreamError,
} from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { computeDstAddr, type DstAddr } from '../../socks5/index.ts'
import { buildActivate, buildBytestreamOffer, parseStreamhostUsed, type StreamhostAddress } from '../../xep/index.ts'
import { type Bytestream, openBytestream } from '../bytestream.ts'
import type { WayMemory } from '../last-ways.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import type { RequesterStep, StreamhostChoice, StreamhostsInit } from '../way.ts'
import { connectToStreamhost } from './connect-streamhost.ts'
import { type DirectStreamhost, openDirectStreamhost, ownAddresses } from './direct.ts'
import type { ProxyFinder } from './proxies.ts'
import { placeName, tryStaggered } from './staggered.ts'

export interface RequesterComponents {
  readonly session: Session
  readonly proxies: ProxyFinder
  readonly clock: Clock
  readonly logger: Logger
  /** How peers were last reached; where it is left out, nothing is known. */
  readonly ways?: WayMemory | undefined
}

export interface RequestInit extends StreamhostsInit {
  /** Full JID, or the address of a component. */
  readonly to: string
  readonly sid: string
  readonly method?: StreamhostChoice | undefined
  /** Hears each step, in order. */
  readonly onStep?: (step: RequesterStep) => void
}

/**
 * Opens a bytestream to a target: offers streamhosts, and when the target used a proxy, connects there and activates.
 * A proxy that fails after the target chose it is left out, and what remains is offered again.
 *
 * @throws BytestreamError `ERR_NO_STREAMHOST`, `ERR_NOT_ACCEPTABLE`, `ERR_TIMEOUT`, `ERR_ABORTED`; StanzaError as the target answered
 * @see XEP-0065 §5, §6
 */
export async function requestBytestream(components: RequesterComponents, init: RequestInit): Promise<Bytestream> {
  const { session, clock } = components
  const { to, sid, signal, onStep = () => {}, method = 'auto', ownHosts = ownAddresses() } = init
  const timings = { ...defaultTimings, ...init.timings }
  const dstAddr = computeDstAddr(sid, session.jid, to)
  using deadline = startDeadline(
    clock,
    timings.overallMsMax,
    'ERR_TIMEOUT',
    `no bytestream to ${to} within ${timings.overallMsMax / 1000} s`,
    signal,
  )
  const hosts = method === 'proxy' ? [] : ownHosts.map((host) => ({ host }))
  await using direct = hosts.length === 0 ? undefined : await openDirectStreamhost({ jid: session.jid, dstAddr, hosts, places: 'one' })
  const failed = new Set<string>()

  for (;;) {
    throwIfAborted(deadline.signal)
    const own = direct?.streamhosts ?? []
    const proxies = method === 'direct' ? [] : await orAbort(findStreamhosts(components, init.proxy, own.length > 0), deadline.signal)
    const working = proxies.filter(({ jid }) => !failed.has(jid))
    // A target tries them in this order (XEP-0065 §5.3.2).
    const streamhosts = components.ways?.recall(to) === 'proxy' ? [...working, ...own] : [...own, ...working]
    if (streamhosts.length === 0) throw noneLeft({ method, proxy: init.proxy, failed })
    onStep({ step: 'offered', streamhosts, dstAddr })
    const jid = await offer(components, { to, sid, dstAddr, streamhosts, answerMsMax: timings.answerMsMax, signal: deadline.signal })
    const isDirect = jid === session.jid
    const reason = isDirect || own.length === 0 ? undefined : `${to} has reached none of ${own.map(({ host }) => host).join(', ')}`
    onStep({ step: 'used', jid, method: isDirect ? 'direct' : 'proxy', reason })
    if (isDirect) return takeDirect(direct, { sid, peer: to, dstAddr })
    try {
      const candidates = streamhosts.filter((streamhost) => streamhost.jid === jid)
      return await connectAndActivate(components, { candidates, jid, to, sid, dstAddr, timings, signal: deadline.signal, onStep })
    } catch (thrown) {
      throwIfAborted(deadline.signal)
      const error = toBytestreamError(thrown)
      onStep({ step: 'proxy failed', jid, error })
      components.proxies.forget()
      failed.add(jid)
      if (streamhosts.every((streamhost) => failed.has(streamhost.jid))) throw error
    }
  }
}

/** @returns whether {@link requestBytestream} would have a streamhost to offer, as far as can be told without listening */
export async function hasStreamhosts(
  components: RequesterComponents,
  { proxy, ownHosts = ownAddresses(), signal }: Pick<RequestInit, 'proxy' | 'ownHosts' | 'signal'>,
): Promise<boolean> {
  return ownHosts.length > 0 || (await orAbort(findStreamhosts(components, proxy, true), signal)).length > 0
}

/**
 * @param isSpare whether there is something else to offer, so that a proxy that does not answer is no reason to give up
 * @throws StanzaError, BytestreamError as {@link ProxyFinder.ask} does
 */
export async function findStreamhosts(
  { proxies, logger }: RequesterComponents,
  proxy: string | undefined,
  isSpare: boolean,
): Promise<readonly StreamhostAddress[]> {
  if (proxy === undefined) return (await proxies.find()).flatMap(({ streamhosts }) => streamhosts)
  try {
    return (await proxies.ask(proxy)).streamhosts
  } catch (error) {
    if (!isSpare) throw error
    const { code, message } = toBytestreamError(error)
    logger.warn({ jid: proxy, code, reason: message }, 'a proxy is of no use')
    return []
  }
}

const placesOf = (streamhosts: readonly StreamhostAddress[]) => streamhosts.map(placeName).join(', ')

function noneLeft({ method, proxy, failed }: { method: StreamhostChoice; proxy: string | undefined; failed: ReadonlySet<string> }) {
  if (failed.size > 0) return new BytestreamError('ERR_NO_STREAMHOST', `every proxy failed: ${[...failed].join(', ')}`)
  const noAddress = 'this machine has no address of use to others'
  const noProxy = proxy === undefined ? "the account's server lists no proxy it may use" : `${proxy} told no address`
  const why = { auto: `${noAddress}, and ${noProxy}`, direct: noAddress, proxy: noProxy }
  return new BytestreamError('ERR_NO_STREAMHOST', `there is no streamhost to offer: ${why[method]}`)
}

interface Offer {
  readonly to: string
  readonly sid: string
  readonly dstAddr: DstAddr
  readonly streamhosts: readonly StreamhostAddress[]
  readonly answerMsMax: number
  readonly signal: AbortSignal
}

/** What a target answers that could reach no streamhost: the first one (XEP-0065 §5.3.2), or, COMPAT(Psi), the other. */
const UNREACHED: readonly string[] = ['item-not-found', 'remote-server-not-found']

/** @returns the JID of the streamhost the target connected to */
async function offer({ session }: RequesterComponents, { to, sid, dstAddr, streamhosts, answerMsMax, signal }: Offer): Promise<string> {
  try {
    const answer = await session.request(
      // XEP-0065 §7: in a room, the target does not know the JID we hashed.
      { type: 'set', to, payload: buildBytestreamOffer({ sid, streamhosts, dstAddr, mode: 'tcp' }) },
      { answerMsMax, signal },
    )
    const jid = answer && parseStreamhostUsed(answer)
    if (!jid || !streamhosts.some((streamhost) => streamhost.jid === jid)) {
      throw new BytestreamError('ERR_NO_STREAMHOST', `${to} accepted without naming a streamhost that was offered`)
    }
    return jid
  } catch (thrown) {
    // XEP-0065 §5.3.1, §5.3.2: the two answers that have a meaning of their own.
    if (thrown instanceof StanzaError && UNREACHED.includes(thrown.condition)) {
      throw new BytestreamError('ERR_NO_STREAMHOST', `${to} could reach none of the streamhosts offered: ${placesOf(streamhosts)}`, {
        cause: thrown,
      })
    }
    if (thrown instanceof StanzaError && thrown.condition === 'not-acceptable') {
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', `${to} does not want this bytestream`, { cause: thrown })
    }
    throw thrown
  }
}

function takeDirect(direct: DirectStreamhost | undefined, facts: { sid: string; peer: string; dstAddr: DstAddr }): Bytestream {
  const socket = direct?.take()
  const streamhost = direct?.streamhosts.find(({ port }) => port === socket?.localPort) ?? direct?.streamhosts[0]
  if (!socket || !streamhost) throw new BytestreamError('ERR_NO_STREAMHOST', `${facts.peer} says it is connected to us, but it is not`)
  return openBytestream(socket, { ...facts, method: 'direct', streamhost })
}

interface Activation {
  readonly candidates: readonly StreamhostAddress[]
  readonly jid: string
  readonly to: string
  readonly sid: string
  readonly dstAddr: DstAddr
  readonly timings: Timings
  readonly signal: AbortSignal
  readonly onStep: (step: RequesterStep) => void
}

/** Connects to one of the addresses of a proxy and has it activate the bytestream. */
export async function connectAndActivate(
  { session, clock }: Pick<RequesterComponents, 'session' | 'clock'>,
  init: Activation,
): Promise<Bytestream> {
  const { candidates, jid, to, sid, dstAddr, timings, signal, onStep } = init
  const { candidate, result: socket } = await tryStaggered(
    clock,
    candidates,
    (streamhost, attempt) => connectToStreamhost(streamhost, dstAddr, attempt),
    (late) => late.destroy(),
    { staggerMs: timings.staggerMs, attemptMsMax: timings.attemptMsMax, signal, nameOf: placeName },
  )
  onStep({ step: 'connected', streamhost: candidate, dstAddr })
  const bytestream = openBytestream(socket, { sid, peer: to, method: 'proxy', streamhost: candidate, dstAddr })
  try {
    await session.request(
      { type: 'set', to: jid, payload: buildActivate({ sid, targetJid: to }) },
      { answerMsMax: timings.attemptMsMax, signal },
    )
  } catch (error) {
    bytestream.reset()
    throw error
  }
  onStep({ step: 'activated', jid })
  return bytestream
}
