// Goal: the addon works on every supported major of Node, for what it needs of Node is documented nowhere: `_handle.fd`, the
// order of what happens at the end of a process. Method: a relay in a process of that Node; one addon for all of them. This
// Node itself has process.test.ts.

import { Streamhost } from '../../src/streamhost/index.ts'
import { nativeReason } from '../helpers/native.ts'
import { runEngineChild, runNativeChild } from '../helpers/native-process.ts'
import { nodeSuite } from '../helpers/node-suite.ts'
import { nodeMajors, nodeOf } from '../helpers/node-versions.ts'

const ends: Readonly<Record<string, readonly string[]>> = {
  'has nothing but a bytestream': ['end', 'moved'],
  'exits while bytestreams run': [],
  'throws when it hears of an end': ['uncaught: thrown on purpose'],
  'lets threads end by themselves': ['end', 'over', 'thrown on purpose'],
}

/** What engine-child.ts sees: 4 MiB each way, five octets of them early; then a reset behind five early ones. */
const relayed = (engine: string) =>
  JSON.stringify({
    engine,
    there: '4194309 octets, end',
    back: '4194304 octets, end',
    broken: '5 octets, ECONNRESET',
    closed: [
      { firstToSecond: 4_194_309, secondToFirst: 4_194_304, end: 'end' },
      { firstToSecond: 5, secondToFirst: 0, end: 'reset' },
    ],
  })

for (const major of nodeMajors.filter((each) => nodeOf(each) !== process.execPath)) {
  const test = nodeSuite(major, nativeReason)
  for (const [ending, said] of Object.entries(ends)) {
    test(`Node ${major}: a process that ${ending} ends as it would without`, async (t) => {
      t.deepEqual(await runNativeChild(ending, { node: nodeOf(major) }), { code: 0, signal: null, said })
    })
  }

  test(`Node ${major}: a streamhost relays as it does on this one, by the same engine and by JavaScript`, async (t) => {
    const streamhost = new Streamhost({}, { listen: [] })
    t.teardown(() => streamhost.close())
    const node = nodeOf(major)
    t.deepEqual(await runEngineChild({ node }), { code: 0, signal: null, said: [relayed(streamhost.engine)] })
    const environment = { STREAMHOST_NO_NATIVE: '1' }
    t.deepEqual(await runEngineChild({ node, environment }), { code: 0, signal: null, said: [relayed('stream')] })
  })
}
