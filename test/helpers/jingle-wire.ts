import type { ExecutionContext } from 'ava'
import {
  type ForwardedHost,
  InBandTarget,
  type JingleTransportInit,
  jingleTransport,
  ProxyFinder,
  type Reach,
  type TransportLink,
  type TransportSide,
  type WayMemory,
} from '../../src/bytestreams/index.ts'
import { BytestreamError, type Clock, StanzaError, silentLogger, systemClock, toBytestreamError } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'
import type { JingleCandidate, JingleRole, JingleSocks5, JingleSocks5Info, JingleTransport } from '../../src/xep/index.ts'
import { announcing } from './announcing.ts'
import { anywhere } from './anywhere.ts'
import { until } from './peer.ts'

/** What one side said to the other, in words. */
interface Said {
  readonly from: JingleRole
  readonly what: 'used' | 'candidate-error' | 'activated' | 'proxy-error' | 'replace' | 'accept' | 'reject' | 'refusal'
  /** The cid, the block size, or the code of an error. */
  readonly detail?: string | number
}

interface JingleEnd {
  readonly session: Session
  readonly forwarded?: readonly ForwardedHost[]
  readonly init?: JingleTransportInit
  readonly clock?: Clock
  readonly ways?: WayMemory
}

/** Both sides of the transport of one content. */
export interface JingleWire {
  readonly initiator: TransportSide
  readonly responder: TransportSide
  readonly said: Said[]
  /** Names what was said, and by whom. */
  story(): string[]
  /** Tells both that the content is accepted. */
  begin(): void
}

const other = (role: JingleRole): JingleRole => (role === 'initiator' ? 'responder' : 'initiator')

/**
 * Opens both sides of a transport over a wire of our own: what one says arrives at the other a turn of the event loop later,
 * in its order. The in-band bytestreams and the proxies are those of the sessions.
 */
export async function joinTransports(
  t: Pick<ExecutionContext, 'teardown'>,
  ends: Readonly<Record<JingleRole, JingleEnd>>,
): Promise<JingleWire> {
  const said: Said[] = []
  const sides: Partial<Record<JingleRole, TransportSide>> = {}
  const arrive = async (to: JingleRole): Promise<TransportSide> => {
    await new Promise(setImmediate)
    const side = sides[to]
    if (!side) throw new Error(`nothing can be said to the ${to} yet`)
    return side
  }
  const linkOf = (role: JingleRole): TransportLink => ({
    ownRole: role,
    ownJid: ends[role].session.jid,
    peer: ends[other(role)].session.jid,
    async sendInfo(transport) {
      said.push(inWords(role, transport))
      const side = await arrive(other(role))
      try {
        side.receiveInfo(transport)
      } catch (thrown) {
        const { code, stanzaError, message } = toBytestreamError(thrown)
        said.push({ from: other(role), what: 'refusal', detail: code })
        throw new StanzaError(stanzaError, message, ends[other(role)].session.jid)
      }
    },
    async sendReplace(transport) {
      said.push({ from: role, what: 'replace', ...(transport.kind === 'inBand' && { detail: transport.blockSize }) })
      const side = await arrive(other(role))
      try {
        const accepted = await side.receiveReplace(transport)
        said.push({ from: other(role), what: 'accept', ...(accepted.kind === 'inBand' && { detail: accepted.blockSize }) })
        return accepted
      } catch (thrown) {
        said.push({ from: other(role), what: 'reject', detail: toBytestreamError(thrown).code })
        throw new BytestreamError('ERR_NO_VALID_STREAMS', 'the other side rejects it')
      }
    },
  })
  const open = async (role: JingleRole, offered?: JingleTransport) => {
    const { session, forwarded, init = {}, clock = systemClock, ways } = ends[role]
    const side = await jingleTransport({ ...componentsOf(session, clock), ...anywhere, forwarded, ways }, init)(linkOf(role), offered)
    sides[role] = side
    t.teardown(() => side.close(new BytestreamError('ERR_ABORTED', 'the test is over')))
    return side
  }
  const initiator = await open('initiator')
  const responder = await open('responder', initiator.description)
  return {
    initiator,
    responder,
    said,
    story: () => said.map(({ from, what }) => `${from} ${what}`),
    begin() {
      initiator.begin(responder.description)
      responder.begin(initiator.description)
    },
  }
}

/** One side, and whoever plays the other by hand. */
export interface PlayedAgainst {
  readonly side: TransportSide
  /** What our side has said: transport-infos, and transports it wants instead. */
  readonly infos: JingleSocks5Info[]
  readonly replacements: JingleTransport[]
  /** @returns the next of {@link infos} that was not yet returned */
  next(): Promise<JingleSocks5Info>
  /** Says something of the negotiation to our side. */
  say(info: JingleSocks5Info, candidates?: readonly JingleCandidate[]): void
}

export interface HandPlayed {
  readonly role: JingleRole
  readonly session: Session
  readonly peer: string
  readonly init?: JingleTransportInit
  readonly clock?: Clock
  /** Where our side may be led. Default: anywhere. */
  readonly reach?: Pick<Reach, 'mayConnect'>
  /** The offer of the side that is played by hand. */
  readonly offered?: JingleTransport
  /** How that side answers a transport-replace; it rejects where this is left out. */
  readonly accept?: (transport: JingleTransport) => JingleTransport
}

/** Opens our side of a transport, for a test to play the other one. */
export async function playAgainst(
  t: Pick<ExecutionContext, 'teardown'>,
  { role, session, peer, init = {}, clock = systemClock, reach = anywhere, offered, accept }: HandPlayed,
): Promise<PlayedAgainst> {
  const infos: JingleSocks5Info[] = []
  const replacements: JingleTransport[] = []
  let returned = 0
  const link: TransportLink = {
    ...{ ownRole: role, ownJid: session.jid, peer },
    async sendInfo(transport) {
      if (transport.kind === 'socks5' && transport.info) infos.push(transport.info)
    },
    async sendReplace(transport) {
      replacements.push(transport)
      if (!accept) throw new BytestreamError('ERR_NO_VALID_STREAMS', 'the other side rejects it')
      return accept(transport)
    },
  }
  const side = await jingleTransport({ ...componentsOf(session, clock), ...reach }, init)(link, offered)
  t.teardown(() => side.close(new BytestreamError('ERR_ABORTED', 'the test is over')))
  return {
    ...{ side, infos, replacements },
    async next() {
      const at = returned++
      await until(() => infos.length > at)
      return infos[at] as JingleSocks5Info
    },
    say(info, candidates = []) {
      const { sid } = (offered ?? side.description) as JingleSocks5
      side.receiveInfo({ kind: 'socks5', sid, candidates, info })
    },
  }
}

const componentsOf = (session: Session, clock: Clock) => ({
  ...{ session, clock, logger: silentLogger, proxies: new ProxyFinder(session, clock, silentLogger), inBand: inBandOf(session) },
  ...announcing(session),
})

const targets = new WeakMap<Session, InBandTarget>()

function inBandOf(session: Session): InBandTarget {
  const target = targets.get(session) ?? new InBandTarget({ session, clock: systemClock, logger: silentLogger })
  targets.set(session, target)
  return target
}

function inWords(from: JingleRole, transport: JingleTransport): Said {
  if (transport.kind !== 'socks5' || !transport.info) throw new Error('there is nothing else to say in a transport-info')
  const { info } = transport
  if ('used' in info) return { from, what: 'used', detail: info.used }
  if ('activated' in info) return { from, what: 'activated', detail: info.activated }
  return { from, what: `${info.error}-error` }
}
