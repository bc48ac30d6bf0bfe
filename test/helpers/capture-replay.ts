import type { ExecutionContext } from 'ava'
import { type Bytestream, InBandTarget, JingleSessions, jingleTransport, ProxyFinder } from '../../src/bytestreams/index.ts'
import type { JingleSession } from '../../src/bytestreams/jingle/jingle-session.ts'
import { silentLogger, toBytestreamError } from '../../src/core/index.ts'
import { computeDstAddr, type DstAddr } from '../../src/socks5/index.ts'
import {
  attribute,
  type Element,
  type Jingle,
  type JingleSocks5,
  NS,
  parseElement,
  parseJingle,
  parseStanzaError,
} from '../../src/xep/index.ts'
import { announcing } from './announcing.ts'
import { anywhere } from './anywhere.ts'
import { FakeClock } from './fake-clock.ts'
import { type CapturedStanza, readCapture } from './fixtures.ts'
import { type Peer, until } from './peer.ts'
import { type Script, scriptSession, stanzaError } from './scripted-session.ts'
import { join, openStreamhost, type StreamhostStage } from './streamhost.ts'

// One client of a recorded Jingle session is ours, the other one says what it said then. Only what cannot be the same again is
// put in its place: ids we choose, and the port of the proxy, a streamhost of ours. A port nobody has stands for what the client
// of the record could not reach, or did not want to.

const PROXY_PORTS = /"(?:5465|5435)"/g
export const CLOSED_PORT = '1'

export type Role = 'initiator' | 'responder'

export interface Replay {
  readonly session: JingleSession
  /** What we have said, each once it was the turn of our client in the record. */
  readonly said: readonly Jingle[]
  /** What the client of the record said at those times. */
  readonly recorded: readonly Jingle[]
  readonly clock: FakeClock
  /** Lets us receive a step once more, under another id. @returns the condition it is answered with */
  repeat(action: Jingle['action']): Promise<string>
}

const jingleOf = ({ stanza }: CapturedStanza) => stanza.getChild('jingle', NS.jingle)
const payloadOf = (stanza: Element) => stanza.getChildElements()[0]
const transportOf = (jingle: Jingle | undefined) => jingle?.contents[0]?.transport as JingleSocks5

/** Answers as the server and its services did when the record was made. */
export function answersOf(capture: readonly CapturedStanza[], port: number): Script {
  return ({ to, payload }) => {
    const answer = capture.find(({ way, stanza }) => {
      if (way !== 'received' || attribute(stanza, 'from') !== to) return false
      const type = attribute(stanza, 'type')
      return type === 'error' || (type === 'result' && payloadOf(stanza)?.getNS() === payload.getNS())
    })?.stanza
    if (!answer) throw stanzaError('item-not-found')
    if (attribute(answer, 'type') === 'error') throw parseStanzaError(answer)
    return parseElement(String(payloadOf(answer)).replaceAll(PROXY_PORTS, `"${port}"`))
  }
}

class Player {
  readonly #t: ExecutionContext
  readonly #capture: readonly CapturedStanza[]
  readonly #role: Role
  readonly #stage: StreamhostStage
  /** Text of the record and what stands for it now. */
  readonly #stands = new Map<string, string>()
  readonly #jids: Readonly<Record<Role, string>>
  readonly #outgoing: Jingle[] = []
  #sid = ''
  #peer: Peer | undefined

  constructor(t: ExecutionContext, capture: readonly CapturedStanza[], role: Role, stage: StreamhostStage) {
    this.#t = t
    this.#capture = capture
    this.#role = role
    this.#stage = stage
    const { from, to } = this.#find('received', 'session-initiate').attrs
    this.#jids = { initiator: from, responder: to }
    const isReached = capture.some((one) => one.way === 'sent' && this.isOurs(one) && jingleOf(one)?.toString().includes('<candidate-used'))
    this.#stands.set('port="5465"', `port="${isReached ? stage.ports[0].port : CLOSED_PORT}"`)
    this.#sid = transportOf(this.recorded('session-initiate')).sid
  }

  get own(): string {
    return this.#jids[this.#role]
  }

  get other(): string {
    return this.#jids[this.#role === 'initiator' ? 'responder' : 'initiator']
  }

  get peer(): Peer {
    if (!this.#peer) throw new Error('the other side has not connected')
    return this.#peer
  }

  isOurs({ client }: CapturedStanza): boolean {
    return this.own.startsWith(`${client}/`)
  }

  recorded(action: Jingle['action']): Jingle {
    return parseJingle(this.#find('sent', action).getChild('jingle') as Element)
  }

  /** Answers of the server of the record; activation by the streamhost of today. */
  script(): Script {
    const answers = answersOf(this.#capture, this.#stage.ports[0].port)
    return (iq) => {
      if (iq.payload.is('jingle', NS.jingle)) {
        this.#outgoing.push(parseJingle(iq.payload))
        return undefined
      }
      if (!iq.payload.getChild('activate')) return answers(iq)
      this.#stage.streamhost.activate(this.#dstAddr(this.own, this.other))
      return undefined
    }
  }

  /** @returns the next step we say */
  async next(): Promise<Jingle> {
    await until(() => this.#outgoing.length > 0)
    return this.#outgoing.shift() as Jingle
  }

  /** From now on the ids of the record stand for those we have given. */
  translate(ours: Jingle, recorded: Jingle): void {
    const { sid, candidates } = transportOf(recorded)
    this.#sid = transportOf(ours).sid
    this.#stands.set(recorded.sid, ours.sid).set(sid, this.#sid)
    for (const { type, cid } of candidates) {
      const own = transportOf(ours).candidates.find((candidate) => candidate.type === type)
      // XEP-0260 §2.2: what was offered to us we do not offer as well, as Dino does; so it cannot be used.
      this.#stands.set(own ? cid : `<candidate-used cid="${cid}"/>`, own ? own.cid : '<candidate-error/>')
    }
    const { dstAddr } = transportOf(this.recorded('session-accept'))
    if (dstAddr) this.#stands.set(dstAddr, this.#dstAddr(this.other, this.own))
  }

  /** A stanza as our client was given it, in today's words. */
  received(id: string): Element {
    const stanza = this.#capture.find((one) => one.way === 'received' && this.isOurs(one) && attribute(one.stanza, 'id') === id)?.stanza
    let text = String(stanza)
    for (const [then, now] of this.#stands) text = text.replaceAll(then, now)
    return parseElement(
      text.replaceAll(/port="(?!1")(\d+)"/g, (port, digits) =>
        digits === `${this.#stage.ports[0].port}` ? port : `port="${CLOSED_PORT}"`,
      ),
    )
  }

  /** The other side has connected to the proxy we offer, or connects to its own and activates. */
  async connect(whose: 'ours' | 'theirs'): Promise<void> {
    const dstAddr = whose === 'ours' ? this.#dstAddr(this.own, this.other) : this.#dstAddr(this.other, this.own)
    this.#peer = await join(this.#t, this.#stage.ports[0], dstAddr)
    if (whose === 'theirs') this.#stage.streamhost.activate(dstAddr)
  }

  #dstAddr(requester: string, target: string): DstAddr {
    return computeDstAddr(this.#sid, requester, target)
  }

  #find(way: CapturedStanza['way'], action: Jingle['action']): Element {
    const found = this.#capture.find((one) => one.way === way && attribute(jingleOf(one) ?? one.stanza, 'action') === action)
    return found?.stanza as Element
  }
}

/**
 * Plays a recorded session with us in one of its roles, up to its end.
 *
 * @param use what both sides do with the bytestream before the session ends
 */
export async function replayJingle(
  t: ExecutionContext,
  name: string,
  role: Role,
  use: (bytestream: Bytestream, peer: Peer) => Promise<void>,
): Promise<Replay> {
  const capture = readCapture(name)
  const stage = await openStreamhost(t)
  const player = new Player(t, capture, role, stage)
  const clock = new FakeClock()
  const { session: account, sent, receive } = await scriptSession(t, clock, player.own, player.script())
  const basics = { session: account, clock, logger: silentLogger, ...announcing(account) }
  const components = { ...basics, proxies: new ProxyFinder(account, clock, silentLogger), inBand: new InBandTarget(basics), ...anywhere }
  const sessions = JingleSessions.of(basics)
  const transport = jingleTransport(components, { ownHosts: [] })
  let session: JingleSession | undefined
  sessions.handle('file', (begun) => {
    session = begun
    const [content] = begun.contents
    if (content) begun.accept([{ content, transport }]).catch((error: unknown) => t.fail(toBytestreamError(error).message))
  })
  const said: Jingle[] = []
  const recorded: Jingle[] = []
  if (role === 'initiator') {
    const [content] = player.recorded('session-initiate').contents
    const { name: contentName = '', senders = 'both', description } = content ?? {}
    if (!description) throw new Error('the record begins with nothing')
    session = await sessions.begin({ peer: player.other, contents: [{ name: contentName, senders, description, transport }] })
  }

  const answerTo = async (stanza: Element): Promise<Element> => {
    receive(stanza)
    const find = () => sent.find((one) => one.attrs['id'] === stanza.attrs['id'] && ['result', 'error'].includes(one.attrs['type']))
    await until(() => find() !== undefined)
    return find() as Element
  }
  for (const one of capture.filter(({ way }) => way === 'sent')) {
    const jingle = jingleOf(one)
    const step = jingle && parseJingle(jingle)
    const isOurs = player.isOurs(one)
    if (!step && payloadOf(one.stanza)?.getChild('activate') && !isOurs) await player.connect('theirs')
    if (!step) continue
    if (step.action === 'session-terminate') await use((await session?.contents[0]?.bytestream) ?? t.fail(), player.peer)
    if (isOurs) {
      if (step.action === 'session-terminate') void session?.terminate({ condition: 'success' })
      recorded.push(step)
      const ours = await player.next()
      said.push(ours)
      if (transportOf(step)?.candidates.length) player.translate(ours, step)
      continue
    }
    const info = transportOf(step)?.info
    if (role === 'initiator' && info && 'used' in info) await player.connect('ours')
    const answer = await answerTo(player.received(attribute(one.stanza, 'id') ?? ''))
    t.is(answer.attrs['type'], 'result', `${step.action}: ${answer}`)
  }
  return {
    session: session as JingleSession,
    said,
    recorded,
    clock,
    async repeat(action) {
      const found = capture.find((one) => one.way === 'sent' && !player.isOurs(one) && jingleOf(one)?.attrs['action'] === action)
      const stanza = player.received(found?.stanza.attrs['id'])
      stanza.attrs['id'] = 'once-more'
      const answer = await answerTo(stanza)
      return answer.attrs['type'] === 'error' ? String(parseStanzaError(answer).stanzaError.application?.[0]) : 'result'
    },
  }
}
