import { foreign } from '../helpers/foreign.ts'
import { buildHarness, MEMORY, THREADS } from '../helpers/relay-harness.ts'
import { seedOf } from '../helpers/seed.ts'

const test = foreign('the splice relay in full', ['cc', 'libc6-dev'])

for (const [name, flags] of [
  ['address and undefined-behaviour', MEMORY],
  ['thread', THREADS],
] as const) {
  test(`a thousand seeds of ends, stops and shortages under the ${name} sanitizer`, async (t) => {
    const harness = await buildHarness(t, flags)
    const seed = String(seedOf(t))
    for (const what of ['fuzz', 'stop', 'faults']) t.is(await harness(what, seed, '1000'), `${what}: well\n`)
  })
}
