import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { FakeClock } from './fake-clock.ts'
import { InBandLink, type Side } from './in-band-link.ts'
import { settle } from './settle.ts'

type Step =
  | { readonly do: 'write'; readonly side: Side; readonly bytes: number }
  | { readonly do: 'read' | 'end' | 'reset' | 'destroy' | 'fail' | 'lose' | 'forge'; readonly side: Side }
  | { readonly do: 'deliver'; readonly side: Side; readonly count: number }

const sides = fc.constantFrom<Side>(0, 1)
const calm: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('write' as const), side: sides, bytes: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ do: fc.constantFrom('read' as const, 'end' as const), side: sides }),
  fc.record({ do: fc.constant('deliver' as const), side: sides, count: fc.integer({ min: 1, max: 5 }) }),
)
const violent: fc.Arbitrary<Step> = fc.record({ do: fc.constantFrom('reset', 'destroy', 'fail', 'lose', 'forge'), side: sides })

/** Anything both sides may do, in any order, and what arrives meanwhile; with something violent in it, or without. */
export const inBandSchedules = fc.record({
  blockSize: fc.integer({ min: 1, max: 16 }),
  steps: fc
    .tuple(fc.array(calm, { maxLength: 25 }), fc.option(violent, { nil: undefined }), fc.array(calm, { maxLength: 10 }))
    .map(([before, act, after]) => [...before, ...(act ? [act] : []), ...after]),
})

interface End {
  /** What was written, and what was read. */
  readonly written: Buffer[]
  readonly heard: Buffer[]
  hasEnded: boolean
  /** It was broken off on this side before it had ended its own direction. */
  hasBroken: boolean
}

/** Plays a schedule to its end, and holds what came of it against what both sides may rely on. */
export async function playSchedule(
  t: ExecutionContext,
  { blockSize, steps }: { blockSize: number; steps: readonly Step[] },
): Promise<void> {
  const clock = new FakeClock()
  const link = new InBandLink(clock, blockSize)
  const ends = ([0, 1] as const).map((): End => ({ written: [], heard: [], hasEnded: false, hasBroken: false })) as [End, End]
  const read = (side: Side) => {
    const octets: Buffer | null = link.ends[side].read()
    if (octets) ends[side].heard.push(octets)
  }
  let isBroken = false
  for (const step of steps) {
    await take(link, ends, step, read)
    isBroken ||= !['write', 'read', 'end', 'deliver'].includes(step.do)
    await settle()
  }
  // From here on both do what they should, until it is over.
  for (const side of [0, 1] as const) {
    const stream = link.ends[side]
    ends[side].hasEnded = true
    stream.end()
    stream.on('data', (octets: Buffer) => ends[side].heard.push(octets))
  }
  await link.deliverAll()
  const isOver = () => link.ends.every(({ closed }) => closed)
  if (!link.isGone.includes(true)) t.true(isOver(), 'both are over without anybody waiting')
  for (const ms of [300_000, 30_000]) {
    clock.advance(ms)
    await link.deliverAll()
  }
  t.true(isOver(), 'both are over in the end')
  t.deepEqual(link.isOver, [true, true], 'nothing is kept')
  t.is(clock.waiting, 0)
  for (const side of [0, 1] as const) judge(t, link, ends, side, isBroken)
}

async function take(link: InBandLink, ends: [End, End], step: Step, read: (side: Side) => void): Promise<void> {
  const { side } = step
  const [stream, end] = [link.ends[side], ends[side]]
  const isLive = !stream.destroyed && !end.hasEnded
  if (step.do === 'write') {
    if (!isLive) return
    const octets = randomBytes(step.bytes)
    end.written.push(octets)
    stream.write(octets, () => {})
  } else if (step.do === 'read') read(side)
  else if (step.do === 'end') {
    if (isLive) end.hasEnded = true
    if (isLive) stream.end()
  } else if (step.do === 'deliver') for (let count = 0; count < step.count; count++) await arrive(link, side)
  else await breakOff(link, step.do, side, end)
}

async function arrive(link: InBandLink, side: Side): Promise<void> {
  link.deliver(side)
  await settle()
}

async function breakOff(link: InBandLink, how: 'reset' | 'destroy' | 'fail' | 'lose' | 'forge', side: Side, end: End): Promise<void> {
  const stream = link.ends[side]
  if (stream.destroyed || link.isOver[side]) return
  if (!end.hasEnded) end.hasBroken = true
  if (how === 'reset') stream.reset()
  else if (how === 'destroy') stream.destroy()
  else if (how === 'forge') await link.forge(side === 0 ? 1 : 0, 40_000, Buffer.alloc(1))
  else if (how === 'lose') link.lose(side)
  else stream.fail(new BytestreamError('ERR_RESET', how))
}

function judge(t: ExecutionContext, link: InBandLink, ends: [End, End], side: Side, isBroken: boolean): void {
  const [mine, theirs] = [ends[side], ends[side === 0 ? 1 : 0]]
  const [stream, peer] = [link.ends[side], link.ends[side === 0 ? 1 : 0]]
  const [written, heard] = [Buffer.concat(mine.written), Buffer.concat(theirs.heard)]
  t.true(written.subarray(0, heard.length).equals(heard), 'what was heard is how it began')
  if (!isBroken) t.deepEqual([stream.isReset, heard.length, stream.bytes.sent], [false, written.length, written.length])
  if (!stream.isReset) t.deepEqual([stream.bytes.sent, peer.bytes.received], [written.length, written.length], 'closed: all has arrived')
  if (theirs.hasBroken && written.length > 0) t.true(stream.isReset, 'whoever broke off before its end is heard of by whoever sent')
}
