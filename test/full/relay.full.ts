import test from 'ava'
import { relayEngines } from '../helpers/relay-engines.ts'
import { makeRelayPlans, type RelayPlan, relayEndings } from '../helpers/relay-plans.ts'
import { runRelays } from '../helpers/relay-runs.ts'
import { seedOf } from '../helpers/seed.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

/** A GiB each way, and an octet or so; whoever breaks it off does so behind the middle. */
const large: Partial<RelayPlan> = { there: GIB + 1, back: GIB - 1, writes: [262_144, 1, 65_537], rates: [] }

for (const { name, makeEngine } of relayEngines) {
  const engine = makeEngine()
  test.serial(
    `1,000 seeds with the ${name} engine, half-closes, resets and other rates at any moment: octets and ends are equal, nothing is left open`,
    async (t) => {
      const startedMs = performance.now()
      const { bytes, ends } = await runRelays(t, engine, makeRelayPlans(1_000, seedOf(t), 4 * MIB))
      t.log(`${Math.round(bytes / MIB)} MiB in ${Math.round((performance.now() - startedMs) / 1_000)} s; ${JSON.stringify(ends)}`)
    },
  )

  for (const ending of relayEndings) {
    test.serial(`a GiB in each direction with the ${name} engine; ${ending}`, async (t) => {
      const startedMs = performance.now()
      const [plan] = makeRelayPlans(1, seedOf(t)) as [RelayPlan]
      const moment = { ...plan.moment, part: 0.5 + plan.moment.part / 2 }
      const { bytes } = await runRelays(t, engine, [{ ...plan, ...large, ending, moment }])
      t.log(`${Math.round(bytes / MIB)} MiB in ${Math.round((performance.now() - startedMs) / 1_000)} s`)
      t.true(bytes >= GIB / 2)
    })
  }
}
