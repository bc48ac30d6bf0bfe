import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { DstAddr } from '../../src/socks5/index.ts'
import { naiveServerHandshake } from '../naive/socks5.ts'
import { cut } from './fragments.ts'
import type { HostileHandshake, Knowledge } from './hostile-handshakes.ts'
import { Peer, until } from './peer.ts'
import { isEmpty, joinBoth, openStreamhost, type StreamhostStage } from './streamhost.ts'

// Hostile handshakes against a streamhost, while legitimate pairs wait, and one bytestream runs, beside them.

const LIMITS = { handshakeMsMax: 10_000, waitingMsMax: 120_000, idleMsMax: 3_600_000 }
const LINGER_MS = 2_000
const TICKS = 20
const PAIRS = 3

const newDstAddr = () => createHash('sha1').update(randomBytes(20)).digest('hex') as DstAddr

/** One hostile peer, while it is there. */
interface Guest {
  readonly hostile: HostileHandshake
  readonly peer: Peer
  readonly said: Buffer
  /** What a streamhost has to answer, as hexadecimal digits: any of these. */
  readonly answers: readonly string[]
  /** What it has heard, as hexadecimal digits. */
  heard: string
  isOver: boolean
}

/** @returns the possible answers to everything that was said */
function answersTo(said: Buffer, { waiting, running, over }: Knowledge): readonly string[] {
  const { replies, outcome } = naiveServerHandshake(said)
  const begun = replies.join('')
  if (typeof outcome === 'string') return [begun]
  const [accepted, refused] = ['00', '02'].map((reply) => `${begun}05${reply}0003${outcome.address}`) as [string, string]
  if ([...waiting, running].includes(outcome.dstAddr)) return [refused]
  return outcome.dstAddr === over ? [accepted, refused] : [accepted]
}

async function send({ ports: [at] }: StreamhostStage, hostile: HostileHandshake, knowledge: Knowledge): Promise<Guest> {
  const socket = connect({ ...at, allowHalfOpen: true, noDelay: true })
  const peer = new Peer(socket)
  await once(socket, 'connect')
  const said = hostile.octets(knowledge)
  const guest: Guest = { hostile, peer, said, answers: answersTo(said, knowledge), heard: '', isOver: false }
  peer.socket.on('data', (octets: Buffer) => {
    guest.heard += octets.toString('hex')
  })
  void peer.closed.then(() => {
    guest.isOver = true
  })
  if (hostile.pace === 'at once') {
    for (const segment of cut(said, hostile.cuts))
      if (!guest.isOver) await new Promise((resolve) => setImmediate(() => resolve(peer.write(segment))))
    leave(guest)
  }
  return guest
}

function leave({ hostile, peer }: Guest): void {
  if (hostile.leaves === 'fin') peer.end()
  else if (hostile.leaves === 'close') peer.socket.destroy()
  else if (hostile.leaves === 'reset') peer.reset()
}

/** Nothing follows by itself; only time will tell. */
const isSettled = ({ hostile, answers, heard, isOver }: Guest) => isOver || hostile.pace === 'drip' || answers.includes(heard)

/**
 * Everybody has said what there was to say; time passes, and takes those away who never finish.
 *
 * @param accepted how many sockets the streamhost has seen then
 */
async function passTime({ streamhost, clock }: StreamhostStage, guests: readonly Guest[], accepted: number): Promise<void> {
  await until(() => streamhost.counters.accepted === accepted && guests.every(isSettled))
  for (let tick = 0; tick <= TICKS; tick++) {
    for (const { hostile, peer, said, isOver } of guests) {
      if (hostile.pace === 'drip' && !isOver && tick < said.length) peer.write(said.subarray(tick, tick + 1))
    }
    await new Promise(setImmediate)
    clock.advance(LIMITS.handshakeMsMax / TICKS)
  }
  await until(() => streamhost.gauges().halfOpen === 0)
  clock.advance(LINGER_MS)
}

/** What a legitimate pair does: it is activated, and moves octets each way. */
async function transfer(
  t: ExecutionContext,
  { streamhost }: StreamhostStage,
  dstAddr: DstAddr,
  [one, other]: readonly [Peer, Peer],
  bytes: number,
) {
  t.is(streamhost.activate(dstAddr), 'activated')
  const [there, back] = [randomBytes(bytes), randomBytes(bytes)]
  for (const [from, octets] of [
    [one, there],
    [other, back],
  ] as const) {
    from.write(octets)
    from.end()
  }
  t.true((await other.readAll()).equals(there))
  t.true((await one.readAll()).equals(back))
}

/** A streamhost under attack. */
export interface Assault {
  /** Goes on with more hostile peers, all at once, beside pairs that have to come through. */
  wave(hostiles: readonly HostileHandshake[]): Promise<void>
  /** The bytestream that ran all the while ends, another one is clean, and nothing of anything is left. */
  end(): Promise<void>
}

export async function beginAssault(t: ExecutionContext): Promise<Assault> {
  const stage = await openStreamhost(t, { limits: LIMITS })
  const { streamhost, clock, ports } = stage
  const running = newDstAddr()
  const [one, other] = await joinBoth(t, ports[0], running)
  streamhost.activate(running)
  let over = newDstAddr()
  let connected = 2
  let hangUp = () => {}
  t.teardown(() => hangUp())
  const quiet = { gauges: streamhost.gauges(), timers: clock.waiting }

  const wave = async (hostiles: readonly HostileHandshake[]) => {
    const pairs = Array.from({ length: PAIRS }, newDstAddr)
    const sockets = await Promise.all(pairs.map((dstAddr) => joinBoth(t, ports[0], dstAddr)))
    const knowledge: Knowledge = { waiting: pairs as readonly string[] as Knowledge['waiting'], running, over }
    const guests = await Promise.all(hostiles.map((hostile) => send(stage, hostile, knowledge)))
    hangUp = () => {
      for (const { peer } of guests) peer.socket.destroy()
    }
    connected += 2 * PAIRS + guests.length
    await passTime(stage, guests, connected)
    for (const { hostile, said, answers, heard } of guests) {
      const isWhole = hostile.leaves === 'never' && hostile.pace === 'at once'
      const isRight = answers.some((answer) => (isWhole ? answer === heard : answer.startsWith(heard)))
      if (!isRight) t.fail(`${hostile.kind}: ${said.toString('hex').slice(0, 700)} was answered with ${heard}, not ${answers.join(' or ')}`)
    }
    for (const [index, dstAddr] of pairs.entries()) {
      t.is(streamhost.waitingSockets(dstAddr), 2)
      await transfer(t, stage, dstAddr, sockets[index] as readonly [Peer, Peer], 5_000)
    }
    // The bytestream that runs is not idle.
    one.write('still there')
    t.is(String(await other.read(11)), 'still there')
    // Guesses that were let in wait, and wait no longer than anybody.
    clock.advance(LIMITS.waitingMsMax)
    await until(() => streamhost.gauges().openSockets === quiet.gauges.openSockets && streamhost.gauges().active === 1)
    t.deepEqual(streamhost.gauges(), quiet.gauges)
    t.is(clock.waiting, quiet.timers)
    hangUp()
    over = pairs[0] as DstAddr
  }

  const end = async () => {
    one.end()
    other.end()
    await Promise.all([one.readAll(), other.readAll()])
    const dstAddr = newDstAddr()
    await transfer(t, stage, dstAddr, await joinBoth(t, ports[0], dstAddr), 2 ** 20)
    await until(() => streamhost.gauges().openSockets === 0)
    isEmpty(t, stage)
    const { activated, ended, admitted, accepted } = streamhost.counters
    t.deepEqual(ended, { end: activated, reset: 0, idle: 0, aborted: 0, failed: 0 })
    t.true(admitted <= accepted)
    await streamhost.close()
  }
  return { wave, end }
}
