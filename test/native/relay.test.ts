// Goal: the splice relay passes on octets and ends as they are, and nothing in it is undefined, raced for or leaked.
// Method: the harness in C plays both ends of many bytestreams from a seed, compiled with the sanitizers of the compiler.

import { foreign } from '../helpers/foreign.ts'
import { buildHarness, compileRelay, MEMORY, THREADS } from '../helpers/relay-harness.ts'
import { seedOf } from '../helpers/seed.ts'

const test = foreign('the splice relay', ['cc', 'libc6-dev'])

test('compiles without a warning, and the static analyzer finds nothing', async (t) => {
  await t.notThrowsAsync(compileRelay(['-fanalyzer']))
})

for (const [name, flags] of [
  ['address and undefined-behaviour', MEMORY],
  ['thread', THREADS],
] as const) {
  test(`under the ${name} sanitizer: octets, ends and totals are right, whoever ends, resets, breaks off, stops or runs short`, async (t) => {
    const harness = await buildHarness(t, flags)
    const seed = String(seedOf(t))
    t.is(await harness('fuzz', seed, '30'), 'fuzz: well\n')
    t.is(await harness('stop', seed, '30'), 'stop: well\n')
    t.is(await harness('faults', seed, '30'), 'faults: well\n')
    t.is(await harness('rates'), 'rates: well\n')
    t.is(await harness('turns'), 'turns: well\n')
    t.is(await harness('urgent'), 'urgent: well\n')
  })
}

test('10,000 bytestreams leave neither memory nor descriptors', async (t) => {
  const harness = await buildHarness(t, [])
  t.is(await harness('leaks', '10000', '1024'), 'leaks: well\n')
})

test('and nothing that the leak sanitizer would find', async (t) => {
  const harness = await buildHarness(t, MEMORY)
  t.is(await harness('leaks', '2000', '0'), 'leaks: well\n')
})
