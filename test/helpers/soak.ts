import { once } from 'node:events'
import { connect } from 'node:net'
import type { ExecutionContext } from 'ava'
import { BytestreamError, systemClock } from '../../src/core/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import { computeDstAddr, type DstAddr, encodeGreeting } from '../../src/socks5/index.ts'
import { buildActivate } from '../../src/xep/index.ts'
import { loopbacks } from './crowd.ts'
import { Peer } from './peer.ts'
import { DOMAIN, PROXY } from './prosody.ts'
import { type Look, type ServiceChild, startServiceChild } from './service-child.ts'
import type { Plan } from './soak-plans.ts'
import { connectOctets, handshake, replyOctets } from './streamhost.ts'

// Short bytestreams through a whole service, whose peers leave when and how their plans say.

const TARGET = 'target@localhost/soak'
const sources = loopbacks(40)
/** Bytestreams at once. */
const LANES = 64

/** What the peers saw, all in all, to be held against what the service counted. */
interface Ledger {
  connected: number
  activated: number
  /** Bytestreams that have to have ended so, and octets they moved. */
  ended: number
  endedBytes: number
  reset: number
  /** Of those that were broken off: octets that arrived, and octets that were sent. */
  arrivedBytes: number
  sentBytes: number
  /** Sockets that had to be turned away when their time was over. */
  timedOut: number
}

export interface Soak {
  /** Runs these bytestreams, a number of them at once; settles when the peers are done. */
  run(plans: readonly Plan[]): Promise<void>
  look(): Promise<Look>
  /** Waits until nothing is left of them, and holds every total against what the peers saw. */
  settle(): Promise<void>
}

/** @param waitingTimeMax how long a socket waits for its activation: what is to be activated has to be in time */
export async function beginSoak(t: ExecutionContext, waitingTimeMax = '1s'): Promise<Soak> {
  const flags = {
    domain: PROXY,
    embedded: true,
    listen: ['127.0.0.1:0'],
    'embedded-listen': '127.0.0.1:0',
    http: '127.0.0.1:0',
    'waiting-time-max': waitingTimeMax,
  }
  const child = await startServiceChild(t, { flags, accounts: [{ local: 'requester', password: 'pencil' }] })
  const service = `xmpp://127.0.0.1:${child.client.port}`
  const session = new Session({}, clientConnector(systemClock, { jid: `requester@${DOMAIN}`, password: 'pencil', service }), {
    reconnect: 'never',
  })
  await session.start()
  t.teardown(() => session.stop())
  const run = new Run(t, child, session)
  const before = await child.look()
  let number = 0
  return {
    look: () => child.look(),
    async run(plans) {
      const queue = plans.values()
      const lane = async () => {
        for (const plan of queue) await run.bytestream(plan, ++number)
      }
      await Promise.all(Array.from({ length: LANES }, lane))
    },
    settle: () => addsUp(t, child, before, run.ledger),
  }
}

/** Everything is gone, and every total is what the peers saw. */
async function addsUp(t: ExecutionContext, { look }: ServiceChild, before: Look, ledger: Ledger): Promise<void> {
  let after = await look()
  // Sockets are gone from the lists some turns after they were closed; the timeout of the test bounds it.
  while (after.gauges.openSockets > 0 || after.resources.length > before.resources.length) after = await look()
  t.log(JSON.stringify(ledger))
  t.deepEqual(after.gauges, { openSockets: 0, halfOpen: 0, waiting: 0, active: 0, readAheadBytes: 0 })
  t.deepEqual(after.resources, before.resources)
  t.is(after.descriptors, before.descriptors)

  const { accepted, activated, ended, refusals, firstToSecondBytes, secondToFirstBytes } = after.counters
  t.is(accepted - before.counters.accepted, ledger.connected)
  t.is(activated, ledger.activated)
  t.is(ended.end + ended.reset, activated)
  t.is(ended.idle + ended.aborted, 0)
  t.true(ended.end >= ledger.ended)
  t.true(ended.reset >= ledger.reset)
  t.deepEqual(refusals, ledger.timedOut === 0 ? {} : { ERR_TIMEOUT: ledger.timedOut })

  t.is(firstToSecondBytes + secondToFirstBytes, after.moved.end + after.moved.reset)
  t.is(after.moved.end, ledger.endedBytes)
  t.true(after.moved.reset >= ledger.arrivedBytes, `${after.moved.reset} octets taken, ${ledger.arrivedBytes} arrived`)
  t.true(after.moved.reset <= ledger.sentBytes, `${after.moved.reset} octets taken, ${ledger.sentBytes} sent`)
}

class Run {
  readonly ledger: Ledger = { connected: 0, activated: 0, ended: 0, endedBytes: 0, reset: 0, arrivedBytes: 0, sentBytes: 0, timedOut: 0 }
  readonly #t: ExecutionContext
  readonly #child: ServiceChild
  readonly #session: Session

  constructor(t: ExecutionContext, child: ServiceChild, session: Session) {
    this.#t = t
    this.#child = child
    this.#session = session
  }

  async bytestream(plan: Plan, number: number): Promise<void> {
    const sid = `soak-${number}`
    const dstAddr = computeDstAddr(sid, this.#session.jid, TARGET)
    if (plan.when === 'in the handshake') return this.#leaveInHandshake(plan, dstAddr, number)
    const first = await this.#join(dstAddr, number)
    if (plan.when === 'while one waits') return leave(first, plan)
    if (plan.when === 'with octets, while one waits') return this.#leaveWithOctets(plan, first)
    const early = Buffer.alloc(plan.isEarly && plan.when === 'at the end' ? 10 : 0, number)
    if (early.length > 0) first.write(early)
    const second = await this.#join(dstAddr, number + 1)
    const [leaver, stayer] = plan.isFirst ? [first, second] : [second, first]
    if (plan.when === 'before the activation') {
      const left = leave(leaver, plan)
      if (await this.#activate(sid)) this.ledger.activated += 1
      await Promise.all([left, leave(stayer, { how: 'fin' })])
      return
    }
    this.#t.true(await this.#activate(sid))
    this.ledger.activated += 1
    if (plan.when === 'after the activation') await this.#leaveAtOnce(plan, leaver, stayer)
    else if (plan.when === 'midway') await this.#leaveMidway(plan, number, first, second)
    else await this.#goThrough(plan, number, early.length, first, second)
  }

  async #connect(number: number): Promise<Peer> {
    const localAddress = sources[number % sources.length] as string
    const socket = connect({ ...this.#child.streamhost, localAddress, allowHalfOpen: true, noDelay: true })
    const peer = new Peer(socket)
    await once(socket, 'connect')
    this.ledger.connected += 1
    return peer
  }

  async #join(dstAddr: DstAddr, number: number): Promise<Peer> {
    const peer = await this.#connect(number)
    const reply = await handshake(peer, dstAddr)
    if (!reply.equals(replyOctets(0, dstAddr))) throw new Error(`not let in: ${reply.toString('hex')}`)
    return peer
  }

  /** @returns whether it was confirmed; a side may be missing */
  async #activate(sid: string): Promise<boolean> {
    try {
      await this.#session.request({ type: 'set', to: PROXY, payload: buildActivate({ sid, targetJid: TARGET }) })
      return true
    } catch (error) {
      if (error instanceof BytestreamError && error.code === 'ERR_STANZA') return false
      throw error
    }
  }

  async #leaveInHandshake(plan: Plan, dstAddr: DstAddr, number: number): Promise<void> {
    const octets = Buffer.concat([encodeGreeting(), connectOctets(dstAddr)])
    const peer = await this.#connect(number)
    peer.write(octets.subarray(0, Math.floor(plan.part * (octets.length - 1))))
    await leave(peer, plan)
  }

  /** Its place is kept until the waiting time is over: what comes behind octets is not noticed. */
  async #leaveWithOctets(plan: Plan, peer: Peer): Promise<void> {
    this.ledger.timedOut += 1
    const { socket } = peer
    await new Promise<void>((resolve) => socket.write('early', () => resolve()))
    await leave(peer, plan)
  }

  async #leaveAtOnce(plan: Plan, leaver: Peer, stayer: Peer): Promise<void> {
    this.ledger[plan.how === 'fin' ? 'ended' : 'reset'] += 1
    const left = leave(leaver, plan)
    const how = stayer.drained()
    if (plan.how === 'fin') stayer.end()
    this.#t.is(await how, plan.how === 'fin' ? 'end' : 'ECONNRESET')
    await left
  }

  /** One of them leaves when a part of what the first says has arrived. */
  async #leaveMidway(plan: Plan, number: number, first: Peer, second: Peer): Promise<void> {
    const octets = Buffer.alloc(plan.there, number)
    const [leaver, stayer] = plan.isFirst ? [first, second] : [second, first]
    first.write(octets)
    const arrived = await second.read(Math.floor(plan.part * octets.length))
    if (plan.how === 'reset') {
      this.ledger.reset += 1
      this.ledger.arrivedBytes += arrived.length
      this.ledger.sentBytes += octets.length
      leaver.reset()
      // With a reset right behind octets libuv may tell a clean end, here as everywhere; the service has to know better.
      stayer.socket.once('end', () => stayer.end())
      await stayer.drained()
      return
    }
    leaver.end()
    const rest = second.readAll()
    stayer.end()
    this.#t.true(Buffer.concat([arrived, await rest]).equals(octets))
    this.#t.deepEqual(await Promise.all([first.drained(), second.drained()]), ['end', 'end'])
    this.ledger.ended += 1
    this.ledger.endedBytes += octets.length
  }

  async #goThrough(plan: Plan, number: number, early: number, first: Peer, second: Peer): Promise<void> {
    const [there, back] = [Buffer.alloc(plan.there, number), Buffer.alloc(plan.back, number)]
    const [atSecond, atFirst] = [second.readAll(), first.readAll()]
    first.socket.end(there)
    second.socket.end(back)
    this.#t.true((await atSecond).equals(Buffer.alloc(early + there.length, number)))
    this.#t.true((await atFirst).equals(back))
    this.#t.deepEqual(await Promise.all([first.closed, second.closed]), ['end', 'end'])
    this.ledger.ended += 1
    this.ledger.endedBytes += early + there.length + back.length
  }
}

/** Settles once it is closed. */
async function leave(peer: Peer, { how }: Pick<Plan, 'how'>): Promise<void> {
  if (how === 'reset') peer.reset()
  else peer.end()
  await peer.drained()
}
