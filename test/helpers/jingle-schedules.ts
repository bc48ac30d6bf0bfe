import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ContentInit, JingleEnd, JingleSession, JingleSessionContent } from '../../src/bytestreams/index.ts'
import { toBytestreamError } from '../../src/core/index.ts'
import { type JingleAction, type JingleReason, type JingleSenders, jingleActions, jingleConditions } from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import { JingleLink, jids, otherSide, type Side } from './jingle-link.ts'
import { file, inBand, type PaperTransport, type PaperTransports, paperTransports } from './jingle-transport.ts'
import { settle } from './settle.ts'

type Aim = { readonly side: Side; readonly session: number; readonly content: number }
type Step =
  | { readonly do: 'begin'; readonly side: Side; readonly names: readonly string[]; readonly senders: JingleSenders }
  | ({ readonly do: 'accept'; readonly mask: number } & Aim)
  | ({ readonly do: 'terminate' | 'remove' | 'reject'; readonly condition: JingleReason['condition'] } & Aim)
  | ({ readonly do: 'modify'; readonly senders: JingleSenders } & Aim)
  | ({ readonly do: 'abort' | 'add' | 'accept content' | 'info' | 'transport info' | 'replace' | 'open' | 'fail' | 'close' } & Aim)
  | { readonly do: 'deliver'; readonly side: Side; readonly count: number }
  | { readonly do: 'make' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'lose' | 'duplicate'; readonly side: Side }
  | ({ readonly do: 'forge'; readonly action: JingleAction; readonly name: string; readonly isThird: boolean } & Aim)

const sides = fc.constantFrom<Side>(0, 1)
const names = fc.constantFrom('a', 'b', 'c', 'd')
const senders = fc.constantFrom<JingleSenders>('initiator', 'responder', 'both', 'none')
const conditions = fc.constantFrom(...jingleConditions.filter((condition) => condition !== 'alternative-session'))
const aim = { side: sides, session: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(2)), content: fc.nat(3) }
const begin: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('begin' as const),
  side: sides,
  names: fc.uniqueArray(names, { minLength: 1, maxLength: 3 }),
  senders: fc.constantFrom<JingleSenders>('initiator', 'responder'),
})
const deliver: fc.Arbitrary<Step> = fc.record({ do: fc.constant('deliver' as const), side: sides, count: fc.integer({ min: 1, max: 4 }) })
const calm: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: begin },
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'make' }) },
  { weight: 10, arbitrary: deliver },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('accept' as const), mask: fc.integer({ min: 1, max: 7 }), ...aim }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('terminate' as const), condition: conditions, ...aim }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'reject' as const), condition: conditions, ...aim }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('modify' as const), senders, ...aim }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['abort', 'add', 'add', 'accept content', 'accept content', 'info'] as const),
        ...(['transport info', 'replace', 'open', 'open', 'fail', 'close'] as const),
      ),
      ...aim,
    }),
  },
)
const violent: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('lose' as const, 'duplicate' as const), side: sides }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(30_000, 90_000, 300_000) }),
  fc.record({ do: fc.constant('forge' as const), action: fc.constantFrom(...jingleActions), name: names, isThird: fc.boolean(), ...aim }),
)

/** A session that runs with three contents, and is there to be modified. */
const running: fc.Arbitrary<readonly Step[]> = sides.map((side): readonly Step[] => [
  { do: 'begin', side, names: ['a', 'b', 'c'], senders: 'initiator' },
  { do: 'deliver', side, count: 1 },
  { do: 'deliver', side: otherSide(side), count: 1 },
  { do: 'accept', side: otherSide(side), session: 0, content: 0, mask: 7 },
  { do: 'deliver', side: otherSide(side), count: 1 },
  { do: 'deliver', side, count: 1 },
])
const beginnings = fc.oneof(
  running,
  begin.map((step) => [step]),
)

/** Anything two entities may say to each other about sessions, however it crosses on its way. */
export const calmSchedules: fc.Arbitrary<readonly Step[]> = fc
  .tuple(beginnings, fc.array(calm, { maxLength: 30 }))
  .map(([first, rest]) => [...first, ...rest])

/** The same, with losses, time that passes, duplicates, and what nobody of them has said. */
export const violentSchedules: fc.Arbitrary<readonly Step[]> = fc
  .tuple(beginnings, fc.array(fc.oneof({ weight: 3, arbitrary: calm }, { weight: 1, arbitrary: violent }), { maxLength: 30 }))
  .map(([first, rest]) => [...first, ...rest])

/** One session as one side knows it. */
interface Known {
  readonly session: JingleSession
  readonly transports: PaperTransports
  end: JingleEnd | undefined
}

interface World {
  readonly link: JingleLink
  readonly clock: FakeClock
  readonly known: readonly [Known[], Known[]]
  readonly stopping: readonly [AbortController[], AbortController[]]
  /** Transports of some sessions are made only when the schedule says so. */
  readonly held: (() => void)[]
  /** What is being waited for: nothing of it may hang. */
  readonly pending: Set<Promise<unknown>>
}

/** Plays a schedule to its end, and holds what came of it against what both sides may rely on. */
export async function playSchedule(steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock()
  await using link = await JingleLink.open(clock)
  const world: World = { link, clock, known: [[], []], stopping: [[], []], held: [], pending: new Set() }
  for (const side of [0, 1] as const) {
    link.ends[side].jingle.handle('file', (session) => {
      know(world, side, session, transportsOf(world, session.contents[0]?.name ?? ''))
    })
  }
  for (const step of steps) {
    await take(world, step)
    await settle()
  }
  for (const make of world.held.splice(0)) make()
  const isViolent = steps.some((step) => ['lose', 'duplicate', 'forge', 'wait'].includes(step.do))
  await link.deliverAll()
  for (const { session } of world.known[0]) void session.terminate({ condition: 'success' })
  await link.deliverAll()
  if (!isViolent) judge(world)
  for (const { session } of world.known[1]) void session.terminate({ condition: 'success' })
  for (let waits = 0; waits < 3; waits++) {
    await link.deliverAll()
    clock.advance(300_000)
  }
  await link.deliverAll()
  for (const { session, end, transports } of world.known.flat()) {
    assert.equal(session.state, 'ended')
    assert.ok(end, 'whoever waits for the end hears of it')
    for (const transport of transports.made) assert.ok(transport.closes > 0, 'no transport is left open')
  }
  assert.equal(world.pending.size, 0, 'nothing that was asked for hangs')
  assert.equal(clock.waiting, 0, 'nothing is kept')
}

function know(world: World, side: Side, session: JingleSession, transports: PaperTransports): void {
  const known: Known = { session, transports, end: undefined }
  world.known[side].push(known)
  session.on('contentOffered', () => {})
  session.on('contentModified', () => {})
  session.on('info', () => {})
  void session.ended.then((end) => {
    known.end = end
  })
}

/** Waits for it without minding what comes of it. */
function follow(world: World, promise: Promise<unknown>): void {
  world.pending.add(promise)
  const forget = () => world.pending.delete(promise)
  promise.then(forget, forget)
}

async function take(world: World, step: Step): Promise<void> {
  const { link, clock } = world
  switch (step.do) {
    case 'begin':
      return beginSession(world, step.side, step.names, step.senders)
    case 'deliver':
      for (let count = 0; count < step.count; count++) {
        link.deliver(step.side)
        await settle()
      }
      return
    case 'make':
      return world.held.shift()?.()
    case 'wait':
      return clock.advance(step.ms)
    case 'lose':
      return link.lose(step.side)
    case 'duplicate':
      return link.duplicate(step.side)
    case 'abort':
      return world.stopping[step.side][step.session]?.abort()
    default: {
      const known = world.known[step.side][step.session]
      if (known) act(world, step, known)
    }
  }
}

/** Transports that take their time, in sessions that begin with a content of some names. */
function transportsOf({ held }: World, name: string): PaperTransports {
  const hold = () => new Promise<void>((resolve) => void held.push(resolve))
  return paperTransports(() => (['b', 'd'].includes(name) ? hold() : undefined))
}

function beginSession(world: World, side: Side, wanted: readonly string[], senders: JingleSenders): void {
  const transports = transportsOf(world, wanted[0] ?? '')
  const contents = wanted.map((name): ContentInit => ({ name, senders, description: file(name), transport: transports.open }))
  const stopping = new AbortController()
  world.stopping[side].push(stopping)
  const onSession = (session: JingleSession) => know(world, side, session, transports)
  const { signal } = stopping
  follow(world, world.link.ends[side].jingle.begin({ peer: jids[otherSide(side)], contents, onSession, signal }))
}

type Act = Extract<Step, Aim>

function act(world: World, step: Act, known: Known): void {
  const { session, transports } = known
  const content: JingleSessionContent | undefined = session.contents[step.content]
  const transport: PaperTransport | undefined = transports.made[step.content]
  if (step.do === 'accept') {
    const contents = session.contents.filter((_, at) => (step.mask >> at) & 1)
    follow(world, session.accept(contents.map((each) => ({ content: each, transport: transports.open }))))
  } else if (step.do === 'terminate') follow(world, session.terminate({ condition: step.condition }))
  else if (step.do === 'info') follow(world, session.sendInfo({ kind: 'received' }))
  else if (step.do === 'add') {
    const init = { senders: 'initiator' as const, description: file('added'), transport: transports.open }
    follow(world, session.addContents([init]))
  } else if (step.do === 'forge') forge(world, step, session)
  else if (content) actOn(world, step, known, content, transport)
}

function actOn(world: World, step: Act, { session, transports }: Known, content: JingleSessionContent, transport?: PaperTransport): void {
  const refused = (thrown: unknown) => void toBytestreamError(thrown)
  if (step.do === 'remove') follow(world, session.removeContent(content, { condition: step.condition }).catch(refused))
  else if (step.do === 'reject') follow(world, session.rejectContent(content, { condition: step.condition }).catch(refused))
  else if (step.do === 'accept content') follow(world, session.acceptContent({ content, transport: transports.open }).catch(refused))
  else if (step.do === 'modify') follow(world, session.modifyContent(content, step.senders))
  else if (step.do === 'transport info') follow(world, transport?.link.sendInfo(inBand('info')) ?? Promise.resolve())
  else if (step.do === 'replace') follow(world, transport?.link.sendReplace(inBand('another')) ?? Promise.resolve())
  else if (step.do === 'open') transport?.open()
  else if (step.do === 'fail') transport?.fail(new Error('failed'))
  else if (step.do === 'close') transport?.open().stream.destroy()
}

function forge(world: World, { side, action, name, isThird }: Extract<Step, { do: 'forge' }>, { sid }: JingleSession): void {
  const content = {
    ...{ creator: side === 0 ? ('initiator' as const) : ('responder' as const), name, senders: 'both' as const },
    ...{ description: file(name), transport: inBand('forged') },
  }
  const contents = ['session-info', 'session-terminate'].includes(action) ? [] : [content]
  world.link.forge(side, { action, sid, contents, reason: { condition: 'gone' } }, isThird ? 'iago@venice.it/fest' : undefined)
}

/** Nothing was lost: both sides know the same sessions, with the same contents, and how each has ended. */
function judge({ known, pending }: World): void {
  assert.equal(pending.size, 0, 'all is answered')
  for (const side of [0, 1] as const) {
    const theirs = known[otherSide(side)]
    for (const { session, end } of known[side]) {
      const other = theirs.find((one) => one.session.sid === session.sid)
      assert.ok(end, 'an end that was acknowledged is told')
      if (other) {
        assert.deepEqual(tell(session), tell(other.session), 'the same contents')
        assert.deepEqual([end?.by, end?.reason.condition], [mirrored(other.end?.by), other.end?.reason.condition], 'the same end')
      } else assert.deepEqual([session.role, end?.by === 'peer'], ['initiator', false], 'it was never offered, or refused')
    }
  }
}

const mirrored = (by: JingleEnd['by'] | undefined) => (by === 'us' ? 'peer' : by === 'peer' ? 'us' : by)
const tell = ({ contents }: JingleSession) =>
  contents.map(({ creator, name, senders, state }) => `${creator} ${name} ${senders} ${state}`).sort()
