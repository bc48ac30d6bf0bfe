import { randomBytes } from 'node:crypto'
import { BytestreamError, type Clock, type Logger, orAbort, startDeadline, tryPrepareJid } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import { computeDstAddr, type DstAddr } from '../socks5/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, parseDiscoItems, type StreamhostAddress } from '../xep/index.ts'
import { shakeHands } from './contact.ts'
import { parentOf } from './discovery-probes.ts'
import { Sockets } from './raw-socket.ts'
import { isNarrower, resolveHost, type Scope, widestScope } from './scope.ts'
import { defaultCheckTimings } from './timings.ts'

export interface OwnProxyComponents {
  /** The component's. */
  readonly session: Session
  readonly clock: Clock
  readonly logger: Logger
}

export interface OwnProxyInit {
  readonly advertised: readonly StreamhostAddress[]
  /** How many sockets the proxy itself sees waiting: what tells it from another program on the way. */
  readonly waitingSockets: (dstAddr: DstAddr) => number
  readonly signal: AbortSignal
}

/** Milliseconds for everything together. */
const OVERALL_MS_MAX = 30_000

interface OwnRun extends OwnProxyComponents, Omit<OwnProxyInit, 'advertised'> {
  /** The domain the component is plugged into. */
  readonly parent: string
  readonly sockets: Sockets
}

/**
 * Looks once, from this machine, whether clients can find and reach the proxy that runs here, and logs what is wrong with
 * what to do about it; one line when nothing is. Relays nothing, and leaves nothing open.
 *
 * @returns whether nothing is wrong; `undefined` when there was no time to find out
 */
export async function checkOwnProxy(components: OwnProxyComponents, init: OwnProxyInit): Promise<boolean | undefined> {
  const { session, clock, logger } = components
  using deadline = startDeadline(clock, OVERALL_MS_MAX, 'ERR_TIMEOUT', `no answer within ${OVERALL_MS_MAX / 1000} s`, init.signal)
  using sockets = new Sockets(clock)
  const run: OwnRun = { ...components, ...init, signal: deadline.signal, parent: parentOf(session.jid), sockets }
  try {
    const server = await orAbort(
      resolveHost(run.parent).then(widestScope, () => undefined),
      run.signal,
    )
    const verdicts = await Promise.all([
      isListed(run),
      isDelivered(run),
      ...init.advertised.map((streamhost) => leadsHere(run, streamhost, server)),
    ])
    const isFine = verdicts.every((verdict) => verdict)
    if (isFine) logger.info({ domain: session.jid }, 'looked from this machine: clients can find the proxy, and reach it')
    return isFine
  } catch (thrown) {
    // Stopped, or offline: it looks again at the next start.
    if (thrown instanceof BytestreamError) return undefined
    throw thrown
  }
}

/** @throws what is no finding: a defect, or that the proxy was stopped or the server has gone */
function findingIn(thrown: unknown): BytestreamError {
  if (thrown instanceof BytestreamError && thrown.code !== 'ERR_SESSION_CLOSED' && thrown.code !== 'ERR_ABORTED') return thrown
  throw thrown
}

/** A server that does not tell a component of its items is not to blame. */
async function isListed({ session, parent, logger, signal }: OwnRun): Promise<boolean> {
  if (parent === session.jid) return true
  try {
    const question = { type: 'get', to: parent, payload: buildDiscoItemsRequest() } as const
    const answer = await session.request(question, { answerMsMax: defaultCheckTimings.answerMsMax, signal })
    const items = answer ? parseDiscoItems(answer) : []
    if (items.some(({ jid }) => tryPrepareJid(jid) === session.jid)) return true
    logger.warn(
      { domain: parent },
      'the server does not list the proxy, so clients do not find it: add it to its items (Prosody: disco_items, or a component below the domain)',
    )
    return false
  } catch (thrown) {
    const { code, message } = findingIn(thrown)
    logger.debug({ domain: parent, code, reason: message }, 'the server does not tell a component of its items')
    return true
  }
}

/** What we ask ourselves goes to the server, and has to come back. */
async function isDelivered({ session, logger, signal }: OwnRun): Promise<boolean> {
  try {
    const question = { type: 'get', to: session.jid, from: session.jid, payload: buildDiscoInfoRequest() } as const
    await session.request(question, { answerMsMax: defaultCheckTimings.answerMsMax, signal })
    return true
  } catch (thrown) {
    const { code, message } = findingIn(thrown)
    logger.warn(
      { domain: session.jid, code, reason: message },
      'the server does not deliver what is sent to the proxy: look for another component, host or service of the same name there',
    )
    return false
  }
}

async function leadsHere(run: OwnRun, { host, port }: StreamhostAddress, server: Scope | undefined): Promise<boolean> {
  const { logger, signal } = run
  let addresses: readonly string[]
  try {
    addresses = await orAbort(resolveHost(host), signal)
  } catch (thrown) {
    logger.warn(
      { host, port, reason: findingIn(thrown).message },
      'an advertised host has no address, so clients cannot find it: give it an A or AAAA record, or name another with --advertise',
    )
    return false
  }
  const scope = widestScope(addresses) ?? 'public'
  const isWideEnough = !server || !isNarrower(scope, server)
  if (!isWideEnough)
    logger.warn(
      { host, port },
      'an advertised address is loopback or private, while the server has a wider one: clients elsewhere cannot reach it; name the public one with --advertise',
    )
  return (await isPaired(run, { host, port })) && isWideEnough
}

/** Connects twice, as the two sides of a bytestream do, and looks whether it is here that they wait. */
async function isPaired(
  { session, sockets, waitingSockets, logger, signal }: OwnRun,
  at: { host: string; port: number },
): Promise<boolean> {
  const dstAddr = computeDstAddr(randomBytes(9).toString('base64url'), session.jid, session.jid)
  try {
    for (const expected of [1, 2]) {
      const socket = await sockets.connect(at, signal)
      const admission = await orAbort(shakeHands({ timings: defaultCheckTimings }, socket, dstAddr), signal)
      if (admission === 'admitted' && waitingSockets(dstAddr) === expected) continue
      const reason = admission === 'admitted' ? 'the socket was let in, but not here' : `it answered ${admission.refusal}`
      logger.warn(
        { ...at, reason },
        'an advertised address leads to something that is not this proxy: look at where its port is forwarded, and at what else listens there',
      )
      return false
    }
    return true
  } catch (thrown) {
    logger.warn(
      { ...at, reason: findingIn(thrown).message },
      'an advertised address cannot be reached from this machine: open and forward its port; behind NAT this may be wrong, so try streamhost check from elsewhere',
    )
    return false
  }
}
