// Goal: the bench of the data path measures what it says, and says no when a promise does not hold.

import { isHeld } from '../../bench/claims.ts'
import { floor, nobody } from '../../bench/relay/contenders.ts'
import { Load, type LoadSettings } from '../../bench/relay/load.ts'
import { Programs } from '../../bench/relay/programs.ts'
import { Results } from '../../bench/results.ts'
import { cpuSeconds, processTree, rssKib } from '../../bench/usage.ts'
import { foreign } from '../helpers/foreign.ts'

const test = foreign("the bench's own programs", ['cc'])

const MIB = 2 ** 20
const programs = new Programs()
test.before('they compile without a warning', () => programs.compile())
test.after.always('they are gone', () => programs[Symbol.dispose]())

const claim = { hold: 1, what: 'a ratio', bound: 1.25 }

test('a promise does not hold above its bound, or below where more is better, and what was not measured is not judged', (t) => {
  t.true(isHeld({ ...claim, figure: 1.25 }))
  t.false(isHeld({ ...claim, figure: 1.26 }))
  t.true(isHeld({ ...claim, figure: 1.25, isAtLeast: true }))
  t.false(isHeld({ ...claim, figure: 1.24, isAtLeast: true }))
  t.true(isHeld({ ...claim, figure: undefined }))
})

test('medians are compared, of the rounds there were', (t) => {
  const results = new Results()
  for (const [round, cost] of [3, 1, 2, 10].entries())
    results.add({ contender: 'ours', measure: 'relay', n: 8, round, values: { cost, none: undefined } })
  results.add({ contender: 'theirs', measure: 'relay', n: 8, round: 1, values: { cost: 5 } })
  t.deepEqual(results.spread('ours', 'relay', 8, 'cost'), { median: 2.5, min: 1, max: 10 })
  t.is(results.ratio('ours', 'theirs', 'relay', 8, 'cost'), 0.5)
  t.is(results.spread('ours', 'relay', 64, 'cost'), undefined)
  t.is(results.spread('ours', 'relay', 8, 'none'), undefined)
  t.is(results.ratio('ours', 'nobody', 'relay', 8, 'cost'), undefined)
})

const LOADS: readonly (readonly [what: string, settings: LoadSettings, octets: number])[] = [
  ['all octets arrive, in small pieces', { pairs: 3, octets: 3 * MIB, writeBytes: 512 }, 3 * MIB],
  ['round trips are timed', { pairs: 1, roundTrips: 20 }, 0],
  ['pairs end as soon as they are open', { pairs: 40, atOnce: 8, isClosing: true }, 0],
]

for (const contender of [floor, nobody]) {
  for (const [what, settings, octets] of LOADS) {
    test(`${what}: ${contender.name}`, async (t) => {
      await using relay = await contender.start(programs)
      using load = await Load.start(programs.generator, relay.reach, { helloBytes: 100, ...settings })
      const { p50Us } = await load.open()
      t.true((p50Us as number) > 0)
      const done = await load.carry()
      t.is(done.octets, octets)
      t.is(typeof done.p50Us, settings.roundTrips ? 'number' : 'undefined')
    })
  }
}

test('the CPU time of a process is its own and that of its ended children, and its tree has no others', (t) => {
  const { user, system } = process.cpuUsage()
  t.true(cpuSeconds([process.pid]) >= (user + system) / 1e6 - 0.02)
  t.true(rssKib([process.pid]) > 10_000)
  t.true(processTree(process.ppid).includes(process.pid))
  t.false(processTree(process.pid).includes(process.ppid))
})
