// Goal: whatever each side reaches, and in whatever order they hear of each other, both take the same streamhost or none.
// Method: the machines of both sides, with nothing but a queue for each direction between them, as stanzas keep their order.

import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import {
  Nomination,
  type NominationInput,
  type NominationPhase,
  type NominationStep,
  nominationPhases,
} from '../../../src/bytestreams/jingle/socks5-nomination.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import type { JingleCandidate, JingleRole, JingleSocks5Info } from '../../../src/xep/index.ts'

const candidate = (cid: string, priority: number, type: JingleCandidate['type'] = 'direct'): JingleCandidate => ({
  ...{ cid, priority, type, host: '192.0.2.1', port: 7777 },
  jid: type === 'proxy' ? 'proxy.example' : 'romeo@montague.example/orchard',
})

const [direct, proxy] = [candidate('direct', 8_257_636), candidate('proxy', 655_360, 'proxy')]
const [theirDirect, theirProxy] = [candidate('their-direct', 8_257_636), candidate('their-proxy', 655_361, 'proxy')]

const start = (role: JingleRole = 'initiator') => new Nomination(role, [direct, proxy])
/** Takes one after the other. @returns all steps, in words */
const take = (nomination: Nomination, ...inputs: readonly NominationInput[]) =>
  inputs.flatMap((input) => nomination.take(input)).map(inWords)

function inWords(step: NominationStep): string {
  switch (step.step) {
    case 'send':
      return `send ${JSON.stringify(step.info).replaceAll(/["{}]/g, '')}`
    case 'stopTrying':
      return `stop at ${step.priority}`
    case 'nominated':
      return `nominated ${step.candidate.cid} of ${step.offerer}`
    case 'fail':
      return `fail ${step.error.code}`
    default:
      return step.step
  }
}

const reached = (which: JingleCandidate): NominationInput => ({ input: 'connected', candidate: which })
const used = (cid: string): NominationInput => ({ input: 'peerUsed', cid })
const plain = (input: 'exhausted' | 'lost' | 'activated' | 'notActivated' | 'peerExhausted' | 'peerProxyError'): NominationInput => ({
  input,
})

test('both say they could reach none: there is none (§2.4, 1)', (t) => {
  t.deepEqual(take(start(), plain('exhausted'), plain('peerExhausted')), ['send error:candidate', 'fail ERR_NO_STREAMHOST'])
  t.deepEqual(take(start(), plain('peerExhausted'), plain('exhausted')), ['send error:candidate', 'fail ERR_NO_STREAMHOST'])
})

test('what one side reached is nominated when the other could reach none (§2.4, 2)', (t) => {
  t.deepEqual(take(start(), reached(theirDirect), plain('peerExhausted')), [
    'send used:their-direct',
    'nominated their-direct of peer',
    'open',
  ])
  t.deepEqual(take(start(), plain('exhausted'), used('direct')), ['send error:candidate', 'nominated direct of us', 'open'])
})

test('of two priorities the higher one wins, whoever has it (§2.4, 3)', (t) => {
  for (const role of ['initiator', 'responder'] as const) {
    t.deepEqual(take(start(role), reached(theirDirect), used('proxy')).slice(1), ['nominated their-direct of peer', 'open'])
    t.deepEqual(take(start(role), reached(theirProxy), used('direct')).slice(1), ['nominated direct of us', 'open'])
    t.deepEqual(take(start(role), reached(theirProxy), used('proxy')).slice(1), ['nominated their-proxy of peer'])
  }
})

test('of one priority it is what the initiator uses, which the responder has offered (§2.4, 4)', (t) => {
  t.deepEqual(take(start('initiator'), reached(theirDirect), used('direct')).slice(1), ['nominated their-direct of peer', 'open'])
  t.deepEqual(take(start('responder'), reached(theirDirect), used('direct')).slice(1), ['nominated direct of us', 'open'])
})

test('what is not above what the other side uses is not tried any more (§2.3)', (t) => {
  t.deepEqual(take(start(), used('proxy')), ['stop at 655360'])
  t.deepEqual(take(start(), reached(theirProxy), used('proxy')).slice(0, 1), ['send used:their-proxy'])
})

test('whoever offered the nominated proxy activates it, and tells the other side (§2.4)', (t) => {
  const ours = start()
  t.deepEqual(take(ours, plain('exhausted'), used('proxy')), ['send error:candidate', 'nominated proxy of us', 'activate'])
  t.is(ours.phase, 'activating')
  t.deepEqual(take(ours, plain('activated')), ['send activated:proxy', 'open'])
  const theirs = start()
  t.deepEqual(take(theirs, plain('peerExhausted'), reached(theirProxy)), ['send used:their-proxy', 'nominated their-proxy of peer'])
  t.is(theirs.phase, 'waiting')
  t.deepEqual(take(theirs, { input: 'peerActivated', cid: 'their-proxy' }), ['open'])
})

test('a proxy that one side cannot use is the end of it, and that side says so (§2.4)', (t) => {
  const activating = () => {
    const nomination = start()
    take(nomination, plain('exhausted'), used('proxy'))
    return nomination
  }
  const waiting = () => {
    const nomination = start()
    take(nomination, reached(theirProxy), plain('peerExhausted'))
    return nomination
  }
  t.deepEqual(take(activating(), plain('notActivated')), ['send error:proxy', 'fail ERR_NO_STREAMHOST'])
  t.deepEqual(take(activating(), plain('peerProxyError')), ['fail ERR_NO_STREAMHOST'])
  t.deepEqual(take(activating(), plain('activated'), plain('peerProxyError')).slice(2), ['fail ERR_NO_STREAMHOST'])
  t.deepEqual(take(waiting(), plain('lost')), ['send error:proxy', 'fail ERR_NO_STREAMHOST'])
  t.deepEqual(take(waiting(), plain('peerProxyError')), ['fail ERR_NO_STREAMHOST'])
})

test('a cid nobody offered is item-not-found, and changes nothing', (t) => {
  const nomination = start()
  t.throws(() => nomination.take(used('their-direct')), { code: 'ERR_ITEM_NOT_FOUND' })
  t.deepEqual(take(nomination, used('proxy'), reached(theirProxy)).slice(-1), ['nominated their-proxy of peer'])
  t.throws(() => nomination.take({ input: 'peerActivated', cid: 'proxy' }), { code: 'ERR_ITEM_NOT_FOUND' })
  t.is(nomination.phase, 'waiting')
})

test('a side that tells its result twice is out of order', (t) => {
  const nomination = start()
  take(nomination, used('direct'))
  t.throws(() => nomination.take(used('direct')), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  t.throws(() => nomination.take(plain('peerExhausted')), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
})

/** How to get to each phase. */
const ways: Readonly<Record<NominationPhase, readonly NominationInput[]>> = {
  trying: [],
  activating: [plain('exhausted'), used('proxy')],
  waiting: [reached(theirProxy), plain('peerExhausted')],
  open: [reached(theirDirect), plain('peerExhausted')],
  failed: [plain('exhausted'), plain('peerExhausted')],
}
const everyInput: readonly NominationInput[] = [
  ...[reached(theirDirect), used('direct'), { input: 'peerActivated', cid: 'their-proxy' } as const],
  ...(['exhausted', 'lost', 'activated', 'notActivated', 'peerExhausted', 'peerProxyError'] as const).map(plain),
]
/** What means something, by phase; in brackets what a peer is told that it cannot be. All else comes too late. */
const means: Readonly<Record<NominationPhase, string>> = {
  trying: 'connected exhausted peerUsed peerExhausted (peerActivated) (peerProxyError)',
  activating: 'activated notActivated (peerUsed) (peerExhausted) (peerActivated) peerProxyError',
  waiting: 'lost (peerUsed) (peerExhausted) peerActivated peerProxyError',
  open: '(peerUsed) (peerExhausted) (peerActivated) (peerProxyError)',
  failed: '',
}

/** What each input would do after those, in words. */
const outlook = (...before: readonly NominationInput[]) =>
  everyInput.map((input) => {
    const nomination = start()
    take(nomination, ...before)
    try {
      return take(nomination, input)
    } catch (thrown) {
      return (thrown as BytestreamError).code
    }
  })

test('every input means the same in each phase as the table says', (t) => {
  for (const phase of nominationPhases) {
    for (const input of everyInput) {
      const nomination = start()
      take(nomination, ...ways[phase])
      t.is(nomination.phase, phase)
      const words = means[phase].split(' ')
      const what = `${input.input} while ${phase}`
      if (words.includes(`(${input.input})`)) t.throws(() => nomination.take(input), { code: 'ERR_JINGLE_OUT_OF_ORDER' }, what)
      else {
        const steps = nomination.take(input)
        const isAnyDifference = !isDeepStrictEqual(outlook(...ways[phase], input), outlook(...ways[phase]))
        t.is(steps.length > 0 || isAnyDifference, words.includes(input.input), what)
      }
    }
  }
})

interface Fate {
  /** Of the candidates the other side offers. */
  readonly priorities: readonly number[]
  readonly types: readonly ('direct' | 'proxy')[]
  /** Which of those is reached; one there is not: none. */
  readonly reaches: number
  readonly isLost: boolean
  readonly isActivated: boolean
}

const fates: fc.Arbitrary<Fate> = fc.record({
  priorities: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  types: fc.array(fc.constantFrom('direct', 'proxy'), { minLength: 3, maxLength: 3 }),
  reaches: fc.integer({ min: 0, max: 4 }),
  isLost: fc.boolean(),
  isActivated: fc.boolean(),
})

/** One side: its machine, what waits to happen to it, and what it ends with. */
class Player {
  readonly nomination: Nomination
  /** What happens here, and what the other side has said; from each only the first may come next. */
  readonly happening: NominationInput[] = []
  readonly heard: NominationInput[] = []
  nominated: string | undefined
  readonly #fate: Fate
  readonly #say: (info: JingleSocks5Info) => void
  #result: JingleCandidate | undefined

  constructor(
    role: JingleRole,
    own: readonly JingleCandidate[],
    theirs: readonly JingleCandidate[],
    fate: Fate,
    say: (info: JingleSocks5Info) => void,
  ) {
    this.nomination = new Nomination(role, own)
    this.#fate = fate
    this.#say = say
    this.#result = theirs[fate.reaches]
    this.happening.push(this.#result ? reached(this.#result) : plain('exhausted'))
  }

  take(input: NominationInput): void {
    for (const step of this.nomination.take(input)) this.#perform(step)
  }

  #perform(step: NominationStep): void {
    const { isLost, isActivated } = this.#fate
    if (step.step === 'send') this.#say(step.info)
    if (step.step === 'stopTrying' && this.#result && this.#result.priority <= step.priority) this.happening[0] = plain('exhausted')
    if (step.step === 'nominated') this.nominated = step.candidate.cid
    if (step.step === 'nominated' && this.nomination.phase === 'waiting' && isLost) this.happening.push(plain('lost'))
    if (step.step === 'activate') this.happening.push(plain(isActivated ? 'activated' : 'notActivated'))
  }
}

function heardOf(info: JingleSocks5Info): NominationInput {
  if ('used' in info) return used(info.used)
  if ('activated' in info) return { input: 'peerActivated', cid: info.activated }
  return plain(info.error === 'proxy' ? 'peerProxyError' : 'peerExhausted')
}

test('10,000 schedules: both sides agree on a streamhost, or that there is none', (t) => {
  const outcomes = new Set<string>()
  const candidatesOf = (label: string, { priorities, types }: Fate) =>
    priorities.map((priority, at) => candidate(`${label}${at}`, priority, types[at]))
  const play = (fateOfInitiator: Fate, fateOfResponder: Fate, choose: (count: number) => number) => {
    const [own, theirs] = [candidatesOf('i', fateOfResponder), candidatesOf('r', fateOfInitiator)]
    const initiator: Player = new Player('initiator', own, theirs, fateOfInitiator, (info) => responder.heard.push(heardOf(info)))
    const responder: Player = new Player('responder', theirs, own, fateOfResponder, (info) => initiator.heard.push(heardOf(info)))
    for (;;) {
      const pending = [initiator, responder].flatMap((player) =>
        [player.happening, player.heard].filter(({ length }) => length > 0).map((queue) => ({ player, queue })),
      )
      if (pending.length === 0) break
      const { player, queue } = pending[choose(pending.length)] as (typeof pending)[number]
      player.take(queue.shift() as NominationInput)
    }
    t.is(initiator.nomination.phase, responder.nomination.phase)
    t.true(['open', 'failed'].includes(initiator.nomination.phase))
    if (initiator.nomination.phase === 'open') t.is(initiator.nominated, responder.nominated)
    outcomes.add(`${initiator.nomination.phase} ${initiator.nominated?.[0] ?? 'none'}`)
  }
  fc.assert(
    fc.property(fates, fates, fc.gen(), (one, other, gen) => play(one, other, (count) => gen(() => fc.nat(count - 1)))),
    { numRuns: 10_000 },
  )
  t.deepEqual([...outcomes].sort(), ['failed i', 'failed none', 'failed r', 'open i', 'open r'])
})

test('whatever a peer says, and in whatever order, the answer is a step or an error of ours, and it only goes on', (t) => {
  const inputs = fc.array(fc.constantFrom(...everyInput, used('proxy'), used('nobody'), reached(theirProxy), plain('exhausted')), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(fc.constantFrom('initiator' as const, 'responder' as const), inputs, (role, sequence) => {
      const nomination = start(role)
      let results = 0
      let ends = 0
      for (const input of sequence) {
        const before = nominationPhases.indexOf(nomination.phase)
        try {
          for (const step of nomination.take(input)) {
            if (step.step === 'send' && ('used' in step.info || ('error' in step.info && step.info.error === 'candidate'))) results += 1
            if (step.step === 'open') ends += 1
          }
        } catch (error) {
          t.true(error instanceof BytestreamError && ['ERR_JINGLE_OUT_OF_ORDER', 'ERR_ITEM_NOT_FOUND'].includes(error.code))
          t.is(nominationPhases.indexOf(nomination.phase), before)
        }
        t.true(nominationPhases.indexOf(nomination.phase) >= before)
      }
      t.true(results <= 1 && ends <= 1)
    }),
    { numRuns: 2_000 },
  )
})
