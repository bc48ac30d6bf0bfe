import { setTimeout } from 'node:timers/promises'
import type { Values } from '../results.ts'
import { cpuSeconds, pin, rssKib } from '../usage.ts'
import type { Contender, Relay } from './contenders.ts'
import { Load, type LoadSettings, type Phase } from './load.ts'
import type { Programs } from './programs.ts'

const GIB = 1024 ** 3
/** Said each way before a bytestream counts as open. */
const HELLO_BYTES = 1024
const SMALL_WRITE_BYTES = 512
const SMALL_WRITERS = 8
/** Dearer octets: fewer of them say as much. */
const SMALL_WRITES_SHARE = 1 / 8
const ROUND_TRIPS = 5_000
const BUSY_SECONDS = 2
const SAMPLE_MS = 20
/** For whoever gives memory back a moment after it was used. */
const SETTLE_MS = 1_500
/** Of thousands of senders: else the kernel holds gigabytes for a sender that is ahead of its relay. */
const MANY = 1_000
const MANY_SNDBUF_BYTES = 64 * 1024
/** Of all of them together. The slowest gets fewer: each of its bytestreams would take as long. */
const MANY_OCTETS_MAX = GIB

/** Something to measure, `n` times at once. */
export interface Measure {
  readonly name: string
  readonly n: number
  /** The figure that is compared, and its unit for people. */
  readonly value: string
  readonly title: string
  /** Whether the relay has to be new: its memory is looked at. */
  readonly isFresh?: boolean
  run(relay: Relay, contender: Contender, programs: Programs): Promise<Values>
}

async function transfer(relay: Relay, programs: Programs, settings: LoadSettings & { readonly octets: number }): Promise<Values> {
  using load = await Load.start(programs.generator, relay.reach, { ...settings, helloBytes: HELLO_BYTES })
  await load.open()
  const before = cpuSeconds(relay.pids)
  const phase = await load.carry()
  const gib = phase.octets / GIB
  return {
    cpuSecondsPerGib: relay.pids.length > 0 ? (cpuSeconds(relay.pids) - before) / gib : undefined,
    gibPerSecond: gib / phase.seconds,
    generatorCpuSecondsPerGib: phase.ownCpuSeconds / gib,
    gib,
  }
}

const relayed = { value: 'cpuSecondsPerGib', title: 'CPU seconds of the relay per GiB' }

export const relay = (n: number): Measure => ({
  ...{ name: 'relay', n, ...relayed },
  run: (through, { octets }, programs) => transfer(through, programs, { pairs: n, octets }),
})

export const smallWrites: Measure = {
  ...{
    name: 'small writes',
    n: SMALL_WRITERS,
    ...relayed,
    title: `${relayed.title}, senders that write ${SMALL_WRITE_BYTES} octets at a time`,
  },
  run: (through, { octets }, programs) =>
    transfer(through, programs, { pairs: SMALL_WRITERS, octets: octets * SMALL_WRITES_SHARE, writeBytes: SMALL_WRITE_BYTES }),
}

export const scale = (n: number): Measure => ({
  ...{ name: 'scale', n, ...relayed, title: `${relayed.title}, thousands of bytestreams` },
  run: (through, { octets }, programs) =>
    transfer(through, programs, {
      ...{ pairs: n, octets: Math.min(octets * 2, MANY_OCTETS_MAX) },
      ...(n >= MANY && { sndbuf: MANY_SNDBUF_BYTES }),
    }),
})

export const AT_ONCE = 32

export const setUps: Measure = {
  ...{
    name: 'set-ups',
    n: AT_ONCE,
    value: 'perSecond',
    title: 'Set-ups per second: two connections, SOCKS5 twice, activation, 1 KiB each way',
  },
  async run({ reach, pids, serverPids }, { setups }, programs) {
    using load = await Load.start(programs.generator, reach, { pairs: setups, atOnce: AT_ONCE, helloBytes: HELLO_BYTES, isClosing: true })
    const before = [cpuSeconds(pids), cpuSeconds(serverPids)] as const
    const { seconds, p50Us = 0, p99Us = 0, ownCpuSeconds } = await load.open()
    const msEach = (cpu: number) => (cpu * 1000) / setups
    const spent = (of: readonly number[], at: number) => (of.length > 0 ? msEach(cpuSeconds(of) - at) : undefined)
    return {
      ...{ perSecond: setups / seconds, p50Ms: p50Us / 1000, p99Ms: p99Us / 1000, generatorCpuMs: msEach(ownCpuSeconds) },
      ...{ cpuMs: spent(pids, before[0]), serverCpuMs: spent(serverPids, before[1]) },
    }
  },
}

export const echo: Measure = {
  ...{ name: 'echo', n: 1, value: 'p50Us', title: '64 octets there and back, relay and generator pinned to one processor: p50, µs' },
  async run({ reach, pids }, _contender, programs) {
    using _pinned = pin(pids)
    using load = await Load.start(programs.generator, reach, { pairs: 1, helloBytes: HELLO_BYTES, roundTrips: ROUND_TRIPS, isPinned: true })
    await load.open()
    const before = cpuSeconds(pids)
    const { p50Us = 0, p99Us = 0 } = await load.carry()
    return { p50Us, p99Us, cpuUs: pids.length > 0 ? ((cpuSeconds(pids) - before) * 1e6) / ROUND_TRIPS : undefined }
  },
}

export const idle = (n: number): Measure => ({
  ...{ name: 'idle', n, value: 'kibEach', title: 'Memory (RSS) more, KiB per idle bytestream', isFresh: true },
  async run({ reach, pids }, _contender, programs) {
    using load = await Load.start(programs.generator, reach, { pairs: n, helloBytes: HELLO_BYTES })
    const before = rssKib(pids)
    await load.open()
    await setTimeout(SETTLE_MS)
    return { kibEach: (rssKib(pids) - before) / n, kibBefore: before }
  },
})

/** Both ways at once, for a time rather than a number of octets: nobody has to come to an end. */
export const busy = (n: number): Measure => ({
  ...{ name: 'busy', n, value: 'kibEach', title: 'Memory (RSS) more at most, KiB per bytestream that is busy both ways', isFresh: true },
  async run({ reach, pids }, _contender, programs) {
    using load = await Load.start(programs.generator, reach, { pairs: n, helloBytes: HELLO_BYTES, seconds: BUSY_SECONDS })
    const before = rssKib(pids)
    await load.open()
    let [most, phase] = [before, undefined as Phase | undefined]
    const carried = load.carry().then((over) => {
      phase = over
    })
    for (; !phase; await setTimeout(SAMPLE_MS)) most = Math.max(most, rssKib(pids))
    await carried
    return { kibEach: (most - before) / n, kibBefore: before }
  },
})
