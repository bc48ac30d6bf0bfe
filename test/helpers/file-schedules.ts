import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { attribute, type JingleAction, type JingleInfo, jingleActions, NS, parseJingle } from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import { type Decision, FileLink, type LinkedFile, type Tracked } from './file-link.ts'
import { jids, otherSide, type Side } from './jingle-link.ts'
import { inBand } from './jingle-transport.ts'

interface Wanted {
  readonly bytes: number
  readonly decision: Decision
}

type Step =
  | { readonly do: 'send'; readonly side: Side; readonly files: readonly Wanted[]; readonly isNew: boolean }
  | ({ readonly do: 'fetch'; readonly side: Side } & Wanted)
  | { readonly do: 'decide'; readonly at: number; readonly isWanted: boolean }
  | { readonly do: 'cancel'; readonly side: Side; readonly at: number }
  | { readonly do: 'deliver'; readonly side: Side; readonly count: number; readonly isOneSegment: boolean }
  | { readonly do: 'cross'; readonly count: number }
  | { readonly do: 'stop' }
  | { readonly do: 'lose' | 'duplicate'; readonly side: Side }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'forge'; readonly side: Side; readonly action: JingleAction; readonly at: number; readonly isRight: boolean }
  | { readonly do: 'inform'; readonly side: Side; readonly info: 'received' | 'checksum'; readonly at: number; readonly isNamed: boolean }

const sides = fc.constantFrom<Side>(0, 1)
/** None, one, and those of two blocks. */
const bytes = fc.constantFrom(0, 1, 5_000)
const decision = fc.constantFrom<Decision>('yes', 'yes', 'yes', 'held', 'no')
const wanted = fc.record({ bytes, decision })
const files = fc.array(wanted, { minLength: 1, maxLength: 3 })
const at = fc.nat(5)
const send: fc.Arbitrary<Step> = fc.record({ do: fc.constant('send' as const), side: sides, files, isNew: fc.boolean() })
const count = fc.integer({ min: 1, max: 8 })
const calm: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: send },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fetch' as const), side: sides, bytes, decision }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('decide' as const), at, isWanted: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), side: sides, at }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('deliver' as const), side: sides, count, isOneSegment: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('cross' as const), count }) },
)
const violent: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'duplicate' as const), side: sides }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 10_000, 30_000, 90_000, 300_000) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'stop' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('inform' as const), side: sides, at, isNamed: fc.boolean() },
      info: fc.constantFrom('received' as const, 'checksum' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('forge' as const), side: sides, at, isRight: fc.boolean() },
      action: fc.constantFrom(...jingleActions),
    }),
  },
)

/** A session that runs, and files that are added to it. */
const running: fc.Arbitrary<readonly Step[]> = fc.tuple(sides, bytes, files).map(([side, bytes, added]): readonly Step[] => [
  { do: 'send', side, files: [{ bytes, decision: 'yes' }], isNew: true },
  { do: 'deliver', side, count: 1, isOneSegment: false },
  { do: 'deliver', side: otherSide(side), count: 2, isOneSegment: false },
  { do: 'send', side, files: added, isNew: false },
])
const beginnings = fc.oneof(
  running,
  send.map((step) => [step]),
)

/** Files that go both ways, are wanted or not, and are given up, whatever crosses on its way. */
export const calmFileSchedules: fc.Arbitrary<readonly Step[]> = fc
  .tuple(beginnings, fc.array(calm, { maxLength: 30 }))
  .map(([first, rest]) => [...first, ...rest])

/** The same, with losses, time that passes, duplicates, and what nobody of them has said. */
export const violentFileSchedules: fc.Arbitrary<readonly Step[]> = fc
  .tuple(beginnings, fc.array(fc.oneof({ weight: 3, arbitrary: calm }, { weight: 1, arbitrary: violent }), { maxLength: 30 }))
  .map(([first, rest]) => [...first, ...rest])

/** Plays a schedule to its end, and holds what came of it against what both sides may rely on. */
export async function playFileSchedule(steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock()
  await using world = await FileLink.open(clock)
  const before = [world.listeners(0), world.listeners(1)]
  for (const step of steps) {
    await take(world, clock, step)
    await world.rest()
  }
  const has = (...kinds: readonly Step['do'][]) => steps.some((step) => kinds.includes(step.do))
  world.answerAll()
  const isCalm = !has('lose', 'duplicate', 'forge', 'inform', 'wait', 'stop')
  // A second is what the word about a bytestream that has broken is waited for.
  for (let seconds = 0; isCalm && seconds < 3; seconds++) await pass(world, clock, 1_000)
  if (isCalm) judge(world)
  for (let waits = 0; waits < 8; waits++) await pass(world, clock, 300_000)
  for (const side of [0, 1] as const) {
    for (const { outcome, transfer } of world.transfers[side]) assert.ok(outcome, `${transfer.direction} ${transfer.name} hangs`)
    const whole = [...world.files.values()].filter(({ from, takes }) => from !== side && takes.some(isDone))
    const { stored, parts } = world.inboxOf(side)
    assert.deepEqual(stored, whole.map(({ name }) => name).sort(), 'the files that were received, and nothing else')
    for (const name of parts) assert.ok(!stored.includes(name), `a part of ${name} stays, which is whole`)
    for (const { name, content } of whole) assert.ok(content.equals(readFileSync(world.pathIn(side, name))), 'as it was sent')
    if (!has('lose')) assert.deepEqual(world.listeners(side), before[side], 'nobody listens any more')
  }
  if (!has('forge', 'inform')) for (const file of world.files.values()) judgeConfirmed(file)
  assert.deepEqual(world.left, [], 'nothing is under way')
  assert.equal(clock.waiting, 0, 'nobody waits')
  if (!has('lose')) await checkForgotten(world)
}

async function pass(world: FileLink, clock: FakeClock, ms: number): Promise<void> {
  await world.deliverAll()
  clock.advance(ms)
  await world.deliverAll()
}

async function take(world: FileLink, clock: FakeClock, step: Step): Promise<void> {
  switch (step.do) {
    case 'send':
      return await world.send(step.side, step.files, step.isNew)
    case 'fetch':
      return await world.fetch(step.side, step.bytes, step.decision)
    case 'decide':
      return world.held.splice(step.at, 1)[0]?.(step.isWanted)
    case 'cancel':
      return world.cancel(step.side, step.at)
    case 'deliver':
      return await world.deliver(step.side, step.count, step.isOneSegment)
    case 'cross':
      for (let at = 0; at < step.count; at++) for (const side of [0, 1] as const) world.link.deliver(side)
      return
    case 'stop':
      return world.stop()
    case 'lose':
      return world.link.lose(step.side)
    case 'duplicate':
      return world.link.duplicate(step.side)
    case 'wait':
      return clock.advance(step.ms)
    default:
      forge(world, step)
  }
}

/** Everything that was said of Jingle. */
const saidIn = ({ link }: FileLink) =>
  link.log.flatMap(({ side, stanza }) => {
    const payload = attribute(stanza, 'type') === 'set' ? stanza.getChild('jingle', NS.jingle) : undefined
    return payload ? [{ side, jingle: parseJingle(payload) }] : []
  })

/** Says what a side has not said, about a content that was offered before. */
function forge(world: FileLink, step: Extract<Step, { do: 'forge' | 'inform' }>): void {
  const offered = saidIn(world)
    .filter(({ jingle }) => ['session-initiate', 'content-add'].includes(jingle.action))
    .flatMap(({ jingle: { sid, contents } }) => contents.map((content) => ({ sid, content })))
  const { sid, content } = offered[step.at % Math.max(offered.length, 1)] ?? {}
  if (!sid || !content) return
  const { creator, name } = content
  if (step.do === 'inform') {
    const named = step.isNamed ? { creator, name } : {}
    const hashes = [{ algo: 'sha-256', value: Buffer.alloc(32) }]
    const info: JingleInfo =
      step.info === 'received' ? { kind: 'received', ...named } : { kind: 'checksum', ...named, file: { hashes, hashUsed: [] } }
    world.link.forge(step.side, { action: 'session-info', sid, contents: [], info })
    return
  }
  const { action } = step
  const contents = step.isRight ? [content] : [{ ...content, name: 'forged', transport: inBand('forged') }]
  const isBare = ['session-info', 'session-terminate'].includes(action)
  world.link.forge(step.side, { action, sid, contents: isBare ? [] : contents, reason: { condition: 'gone' } })
}

const isDone = ({ outcome }: Tracked) => outcome !== undefined && !(outcome instanceof BytestreamError)

/** Nothing was lost: both sides know the same of every file, and none was offered again once somebody had decided. */
function judge(world: FileLink): void {
  for (const file of world.files.values()) {
    const { name, gives, takes, asked, decision } = file
    for (const { outcome, transfer } of [...gives, ...takes]) assert.ok(outcome, `${transfer.direction} ${name} waits for a clock`)
    assert.ok(asked <= 1, `${name} was decided about ${asked} times`)
    assert.ok(gives.length <= 1 && takes.length <= 1, `${name} is one transfer on each side`)
    judgeConfirmed(file)
    const isGiven = gives.some(isDone)
    const isTaken = takes.some(isDone)
    const isCancelled = [...gives, ...takes].some((tracked) => tracked.isCancelled)
    // Behind the last octet, whoever sends may give up what the other side has.
    if (isTaken && !isGiven)
      assert.ok(
        gives.some((give) => give.isCancelled),
        `${name} has arrived, and was not given up`,
      )
    if (decision === 'yes' && !isCancelled) assert.ok(isTaken && isGiven, `${name} is wanted, was not given up, and has not arrived`)
  }
}

/** Whoever was told that a file has arrived can rely on it. */
function judgeConfirmed({ name, gives, takes }: LinkedFile): void {
  for (const { outcome } of gives) {
    if (outcome && !(outcome instanceof BytestreamError) && outcome.confirmed)
      assert.ok(takes.some(isDone), `${name} is said to have arrived, and has not`)
  }
}

/** Neither side knows any of the sessions there have been. */
async function checkForgotten(world: FileLink): Promise<void> {
  const sids = new Set(saidIn(world).map(({ jingle }) => jingle.sid))
  for (const side of [0, 1] as const) {
    for (const sid of sids) {
      const before = world.link.log.length
      world.link.forge(otherSide(side), { action: 'session-info', sid, contents: [] })
      await world.deliverAll()
      const answer = world.link.log.slice(before).find((said) => said.side === side)
      assert.ok(answer?.stanza.getChild('error')?.getChild('unknown-session'), `${jids[side]} keeps a session`)
    }
  }
}
