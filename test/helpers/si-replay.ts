import type { ExecutionContext } from 'ava'
import { type Bytestream, BytestreamTarget, initiateStream, ProxyFinder, StreamInitiationResponder } from '../../src/bytestreams/index.ts'
import { silentLogger } from '../../src/core/index.ts'
import { computeDstAddr } from '../../src/socks5/index.ts'
import {
  attribute,
  buildIqResult,
  type Element,
  NS,
  parseElement,
  parseStreamhosts,
  parseStreamhostUsed,
  parseStreamInitiation,
  type StreamInitiation,
} from '../../src/xep/index.ts'
import { announcing } from './announcing.ts'
import { anywhere } from './anywhere.ts'
import { answersOf, CLOSED_PORT, type Role } from './capture-replay.ts'
import { FakeClock } from './fake-clock.ts'
import { type CapturedStanza, readCapture } from './fixtures.ts'
import { type Peer, until } from './peer.ts'
import { scriptSession } from './scripted-session.ts'
import { join, openStreamhost } from './streamhost.ts'

// A recorded stream initiation with us in one of its roles. What a client listened on itself could not be reached when the
// record was made, nor can it now; the proxy is a streamhost of ours.

export interface SiReplay {
  /** Ours: a target has it from its first octet on. */
  readonly bytestream: Promise<Bytestream>
  /** What we have said: our offer, or our answers. */
  readonly said: readonly Element[]
  /** What the client of the record said. */
  readonly recorded: readonly Element[]
  readonly peer: Peer
  readonly clock: FakeClock
}

const payloadOf = ({ stanza }: CapturedStanza) => stanza.getChildElements()[0] as Element

/** The steps of every such record: an offer, and the streamhosts for it, each with its answer. */
function stepsOf(capture: readonly CapturedStanza[]) {
  const find = (xmlns: string, type: string, way: CapturedStanza['way'], child: string) =>
    capture.find((one) => {
      const payload = payloadOf(one)
      return one.way === way && one.stanza.attrs['type'] === type && payload?.getNS() === xmlns && payload.getChild(child)
    }) as CapturedStanza
  const [offer, streamhosts] = [find(NS.si, 'set', 'received', 'file'), find(NS.bytestreams, 'set', 'received', 'streamhost')]
  const [acceptance, used] = [find(NS.si, 'result', 'sent', 'feature'), find(NS.bytestreams, 'result', 'sent', 'streamhost-used')]
  return { offer, acceptance, streamhosts, used }
}

/** Plays a recorded stream initiation with us in one of its roles, until the proxy has activated the bytestream. */
export async function replayInitiation(t: ExecutionContext, name: string, role: Role): Promise<SiReplay> {
  const capture = readCapture(name)
  const { offer, acceptance, streamhosts, used } = stepsOf(capture)
  const { from: requester, to: target } = offer.stanza.attrs
  const initiation = parseStreamInitiation(payloadOf(offer))
  const { streamhost, ports } = await openStreamhost(t)
  const dstAddr = computeDstAddr(initiation.id, requester, target)
  const clock = new FakeClock()
  const said: Element[] = []
  let peer: Promise<Peer> | undefined
  const answers = answersOf(capture, ports[0].port)
  const account = await scriptSession(t, clock, role === 'initiator' ? requester : target, (iq) => {
    if (iq.payload.is('si', NS.si)) {
      said.push(iq.payload)
      return payloadOf(acceptance)
    }
    if (iq.payload.getChild('activate')) {
      streamhost.activate(dstAddr)
      return undefined
    }
    if (!iq.payload.getChild('streamhost')) return answers(iq)
    said.push(iq.payload)
    peer = join(t, ports[0], dstAddr)
    // The record has the name the proxy was offered under then.
    const [first] = parseStreamhosts(iq.payload)
    const words = String(payloadOf(used)).replace(parseStreamhostUsed(payloadOf(used)) ?? '', first?.jid ?? '')
    void peer.then(() => account.receive(buildIqResult(iq.stanza, parseElement(words))))
    return 'silence'
  })
  const { session } = account
  const basics = { session, clock, logger: silentLogger, ...announcing(session) }
  if (role === 'initiator') {
    const proxies = new ProxyFinder(session, clock, silentLogger)
    const method = initiation.methods.includes(NS.inBand) ? 'auto' : 'proxy'
    const { id: sid, profile, payload, mimeType } = initiation
    // By its name: what ejabberd said it can is not in every record.
    const init = { to: target, sid, profile, payload, mimeType, method, proxy: 'proxy.localhost', ownHosts: [] } as const
    const bytestream = await initiateStream({ ...basics, proxies }, init)
    return {
      bytestream: Promise.resolve(bytestream),
      said,
      recorded: [payloadOf(offer), payloadOf(streamhosts)],
      peer: (await peer) as Peer,
      clock,
    }
  }
  const opened = takeStream(t, new BytestreamTarget(session, clock, silentLogger, anywhere), new StreamInitiationResponder(session))
  for (const [step, words] of [
    [offer, String(offer.stanza)],
    [streamhosts, reachable(String(streamhosts.stanza), ports[0].port)],
  ] as const) {
    account.receive(parseElement(words))
    const find = () => account.sent.find(({ attrs }) => attrs['id'] === step.stanza.attrs['id'])
    await until(() => find() !== undefined)
    const payload = find()?.getChildElements()[0]
    if (payload) said.push(payload)
  }
  const other = await join(t, ports[0], dstAddr)
  streamhost.activate(dstAddr)
  return { bytestream: opened, said, recorded: [payloadOf(acceptance), payloadOf(used)], peer: other, clock }
}

/** Takes the next stream that is offered. */
function takeStream(t: ExecutionContext, socks5: BytestreamTarget, responder: StreamInitiationResponder): Promise<Bytestream> {
  return new Promise((resolve, reject) => {
    responder.handle(NS.siFileTransfer, ({ from, id: sid, methods }: StreamInitiation & { from: string }) => {
      t.is(methods[0], NS.bytestreams)
      socks5.expect({ from, sid }).then(resolve, reject)
      return { method: NS.bytestreams }
    })
  })
}

/** An offer of streamhosts of which today the proxy alone can be reached. */
function reachable(words: string, port: number): string {
  const offer = parseElement(words)
  for (const streamhost of offer.getChild('query')?.getChildren('streamhost') ?? []) {
    const isProxy = attribute(streamhost, 'jid')?.startsWith('proxy.')
    Object.assign(streamhost.attrs, { host: '127.0.0.1', port: isProxy ? `${port}` : CLOSED_PORT })
  }
  return String(offer)
}
