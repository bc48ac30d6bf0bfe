// Goal: a process, or a thread of it, with a native relay ends at any moment as if it had none; an idle relay keeps no
// process alive, a bytestream does.

import { nativeSuite } from '../helpers/native.ts'
import { runNativeChild } from '../helpers/native-process.ts'

const test = nativeSuite('processes with a native relay')

const ends: Readonly<Record<string, { code: number; said: readonly string[] }>> = {
  'starts a relay': { code: 0, said: [] },
  'has an idle relay after a bytestream': { code: 0, said: ['end'] },
  'has nothing but a bytestream': { code: 0, said: ['end', 'moved'] },
  'exits right after a relay was started': { code: 0, said: [] },
  'throws while bytestreams run': { code: 1, said: [] },
  'throws when it hears of an end': { code: 0, said: ['uncaught: thrown on purpose'] },
  'stops and exits': { code: 0, said: [] },
  'ends threads while bytestreams run': { code: 0, said: ['terminated'] },
  'lets threads end by themselves': { code: 0, said: ['end', 'over', 'thrown on purpose'] },
}

for (const [ending, expected] of Object.entries(ends)) {
  test(`a process that ${ending} ends as it would without`, async (t) => {
    t.deepEqual(await runNativeChild(ending), { ...expected, signal: null })
  })
}

for (const ending of ['exits while bytestreams run', 'exits right after a bytestream was added']) {
  test(`a process that ${ending}, ends, each of two times`, async (t) => {
    for (let round = 0; round < 2; round++) t.deepEqual(await runNativeChild(ending), { code: 0, signal: null, said: [] })
  })
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends a process while bytestreams run`, async (t) => {
    t.deepEqual(await runNativeChild('waits for a signal while bytestreams run', { signal }), { code: null, signal, said: ['busy'] })
  })
}
