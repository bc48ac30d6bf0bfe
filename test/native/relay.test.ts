// Goal: the splice relay passes on octets and ends as they are, and nothing in it is undefined, raced for or leaked.
// Method: the harness in C plays both ends of many bytestreams from a seed, compiled with the sanitizers of the compiler.

import { foreign } from '../helpers/foreign.ts'
import { buildHarness, compileRelay } from '../helpers/relay-harness.ts'
import { seedOf } from '../helpers/seed.ts'

const test = foreign('the splice relay', ['cc', 'libc6-dev'])

test('compiles without a warning, and the static analyzer finds nothing', async (t) => {
  await t.notThrowsAsync(compileRelay(['-fanalyzer']))
})

const MEMORY = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']

test('random ends, resets and aborts: octets, ends and totals are right, under the address and undefined-behaviour sanitizers', async (t) => {
  const harness = await buildHarness(t, MEMORY)
  t.is(await harness('fuzz', String(seedOf(t)), '40'), 'fuzz: well\n')
})

test('the same under the thread sanitizer', async (t) => {
  const harness = await buildHarness(t, ['-fsanitize=thread'])
  t.is(await harness('fuzz', String(seedOf(t)), '40'), 'fuzz: well\n')
})
