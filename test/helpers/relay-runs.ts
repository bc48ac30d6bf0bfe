import { readdirSync, readlinkSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { Relay, RelayEngine, RelayTotals } from '../../src/streamhost/index.ts'
import { heldBeyond, heldResources, untilHeld } from './held.ts'
import { openPatternLink, Pattern, type PatternPeer } from './pattern-peer.ts'
import { until } from './peer.ts'
import type { RelayPlan } from './relay-plans.ts'

// Bytestreams over real sockets, whose octets are made from a seed and whose peers leave when and how their plans say.

/** Bytestreams at once. */
const LANES = 8

/** What was relayed, all in all. */
export interface RelayRuns {
  readonly bytes: number
  readonly ends: Readonly<Record<string, number>>
}

/** Relays by every one of these plans, some at once, and holds octets and ends against them. Then nothing is left open. */
export async function runRelays(t: ExecutionContext, engine: RelayEngine, plans: readonly RelayPlan[]): Promise<RelayRuns> {
  const before = heldResources()
  const socketsBefore = openSockets()
  const queue = plans.values()
  const ends: Record<string, number> = {}
  let bytes = 0
  const lane = async () => {
    for (const plan of queue) {
      const totals = await new Run(engine, plan).play(t)
      ends[totals.end] = (ends[totals.end] ?? 0) + 1
      bytes += totals.firstToSecond + totals.secondToFirst
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await untilHeld(before)
  t.deepEqual(heldBeyond(before), [])
  t.is(openSockets(), socketsBefore)
  return { bytes, ends }
}

/** Descriptors of this process that are sockets, whoever opened them (Linux). */
function openSockets(): number {
  if (process.platform !== 'linux') return 0
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:')
    } catch {
      return false // That of the folder itself.
    }
  }).length
}

type Limit = (rate: RelayPlan['rates'][number]) => void

/** A relay, and who is at its ends. */
interface Relayed {
  readonly relay: Relay
  readonly first: PatternPeer
  readonly second: PatternPeer
}

class Run {
  readonly #engine: RelayEngine
  readonly #plan: RelayPlan

  constructor(engine: RelayEngine, plan: RelayPlan) {
    this.#engine = engine
    this.#plan = plan
  }

  async play(t: ExecutionContext): Promise<RelayTotals> {
    const { seed, earlyThere, earlyBack, writes, rates } = this.#plan
    const [there, back] = [new Pattern(seed), new Pattern(~seed >>> 0)]
    const [first, second] = [await openPatternLink(there, back), await openPatternLink(back, there)]
    void first.far.say(earlyThere, writes)
    void second.far.say(earlyBack, writes)
    await until(() => (earlyThere === 0 || first.near.readableLength > 0) && (earlyBack === 0 || second.near.readableLength > 0))
    const shared = rates.length === 0 ? undefined : this.#engine.bucket(undefined)
    const bucket = shared && this.#engine.bucket(undefined, shared)
    const relay = this.#engine.relay(first.near, second.near, { bucket })
    const limit: Limit = ({ isShared, bytesPerSecond }) => (isShared ? shared : bucket)?.change(bytesPerSecond)
    this.#prepare({ relay, first: first.far, second: second.far }, limit)
    for (const { far } of [first, second]) far.listen()
    const ends = [first.far.closed, second.far.closed]
    await Promise.all([this.#go(first.far, second.far), ...ends])
    const totals = await relay.done
    const wrong = this.#complaint(first.far, second.far, totals, await Promise.all(ends))
    if (wrong) t.fail(`${wrong}: ${JSON.stringify({ plan: this.#plan, totals })}`)
    return totals
  }

  /** What is to happen when so much has been heard. */
  #prepare({ relay, first, second }: Relayed, limit: Limit): void {
    const { there, back, ending, isFirst, moment, stops, rates } = this.#plan
    const at = ({ isAtFirst, part }: RelayPlan['moment'], act: (peer: PatternPeer) => void) => {
      const [peer, bytes] = isAtFirst ? [first, back] : [second, there]
      peer.when(Math.floor(part * bytes), () => act(peer))
    }
    for (const stop of stops) at(stop, (peer) => peer.stop(stop.turns))
    for (const rate of rates) at(rate, () => limit(rate))
    if (ending === 'aborted') at(moment, () => relay.breakOff('aborted'))
    else if (ending === 'one resets') at(moment, () => (isFirst ? first : second).reset())
  }

  async #go(first: PatternPeer, second: PatternPeer): Promise<void> {
    const { there, back, earlyThere, earlyBack, writes, ending, isFirst, isHalfClosed, moment } = this.#plan
    const sayAll = (peer: PatternPeer) => peer.say(peer === first ? there - earlyThere : back - earlyBack, writes)
    const sayAllAndEnd = async (peer: PatternPeer) => {
      await sayAll(peer)
      peer.socket.end()
    }
    const [one, other] = isFirst ? [first, second] : [second, first]
    if (ending === 'both end') await Promise.all([sayAllAndEnd(one), sayAllAndEnd(other)])
    else if (ending === 'one ends, then the other') {
      await sayAllAndEnd(one)
      await other.heardEnd
      await sayAllAndEnd(other)
    } else if (ending === 'one ends, then resets') {
      await sayAllAndEnd(one)
      one.when(Math.floor(moment.part * (isFirst ? back : there)), () => one.reset())
      await other.say(Number.POSITIVE_INFINITY, writes)
    } else if (isHalfClosed) {
      // Only who writes hears of a reset behind an end.
      await Promise.all([ending === 'aborted' ? one.say(Number.POSITIVE_INFINITY, writes) : sayAll(one), sayAllAndEnd(other)])
    } else await Promise.all([sayAll(one), sayAll(other)])
  }

  /** @returns what is not as it has to be, if anything */
  #complaint(first: PatternPeer, second: PatternPeer, totals: RelayTotals, [atFirst, atSecond]: readonly string[]): string | undefined {
    const { there, back, ending, isFirst } = this.#plan
    const isCut = (how: string | undefined) => how === 'ECONNRESET' || how === 'EPIPE'
    if (!first.isWhole || !second.isWhole) return 'octets came that were not sent, or not there'
    if (ending === 'both end' || ending === 'one ends, then the other') {
      if (totals.end !== 'end' || atFirst !== 'end' || atSecond !== 'end') return `it ended with ${atFirst} and ${atSecond}`
      if (second.heard !== there || first.heard !== back) return `${second.heard} and ${first.heard} octets came`
      return totals.firstToSecond === there && totals.secondToFirst === back ? undefined : 'the totals are not what came'
    }
    if (second.heard > totals.firstToSecond || totals.firstToSecond > first.said)
      return 'the first total is not between what was sent and what came'
    if (first.heard > totals.secondToFirst || totals.secondToFirst > second.said)
      return 'the second total is not between what was sent and what came'
    if (totals.end !== (ending === 'aborted' ? 'aborted' : 'reset')) return 'the end is not as planned'
    if (!isCut(isFirst ? atSecond : atFirst)) return `the other one saw ${isFirst ? atSecond : atFirst}`
    return ending !== 'aborted' || isCut(isFirst ? atFirst : atSecond) ? undefined : `one saw ${isFirst ? atFirst : atSecond}`
  }
}
