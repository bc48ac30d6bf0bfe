import test from 'ava'
import { seedOf } from '../helpers/seed.ts'
import { beginSoak } from '../helpers/soak.ts'
import { makePlans } from '../helpers/soak-plans.ts'

const MIB = 2 ** 20
const BYTESTREAMS = 100_000
const BATCH = 2_000
/** Batches until the service has what it keeps: compiled code, buffers, ports. */
const WARM_UP = 15

/** What may be more at the end of all batches than after the warm-up, by the line through what was measured. */
const GROWTH_BYTES_MAX = { residentBytes: 10 * MIB, heapBytes: MIB }

/** By how much the line that fits them best (least squares) rises from the first value to the last. */
function rise(values: readonly number[]): number {
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const [middle, average] = [(values.length - 1) / 2, mean(values)]
  const covariance = values.reduce((sum, value, index) => sum + (index - middle) * (value - average), 0)
  const variance = values.reduce((sum, _value, index) => sum + (index - middle) ** 2, 0)
  return (covariance / variance) * (values.length - 1)
}

test.serial('100,000 short bytestreams whose peers leave at any moment: nothing grows, every total adds up', async (t) => {
  t.timeout(480_000)
  const startedMs = performance.now()
  const plans = makePlans(BYTESTREAMS, seedOf(t))
  const soak = await beginSoak(t)
  const looks = []
  for (let done = 0; done < plans.length; done += BATCH) {
    await soak.run(plans.slice(done, done + BATCH))
    looks.push(await soak.look())
  }
  await soak.settle()
  t.log(`${BYTESTREAMS} bytestreams in ${Math.round((performance.now() - startedMs) / 1_000)} s`)
  const warm = looks.slice(WARM_UP)
  for (const what of ['residentBytes', 'heapBytes'] as const) {
    const values = warm.map((look) => look[what])
    const inMib = (bytes: number) => (bytes / MIB).toFixed(1)
    t.log(
      `${what}: ${inMib(values[0] as number)} MiB after the warm-up, ${inMib(values.at(-1) as number)} MiB at the end; rises by ${inMib(rise(values))}`,
    )
    t.true(rise(values) < GROWTH_BYTES_MAX[what])
  }
})
