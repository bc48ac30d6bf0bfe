// Goal: the addon works on every supported major of Node, for what it needs of Node is documented nowhere: `_handle.fd`, the
// order of what happens at the end of a process. Method: a relay in a process of that Node; one addon for all of them. This
// Node itself has process.test.ts.

import { nativeReason } from '../helpers/native.ts'
import { runNativeChild } from '../helpers/native-process.ts'
import { nodeMajors, nodeOf, nodeSuite } from '../helpers/node-versions.ts'

const ends: Readonly<Record<string, readonly string[]>> = {
  'has nothing but a bytestream': ['end', 'moved'],
  'exits while bytestreams run': [],
  'throws when it hears of an end': ['uncaught: thrown on purpose'],
  'lets threads end by themselves': ['end', 'over', 'thrown on purpose'],
}

for (const major of nodeMajors.filter((each) => nodeOf(each) !== process.execPath)) {
  const test = nodeSuite(major, nativeReason)
  for (const [ending, said] of Object.entries(ends)) {
    test(`Node ${major}: a process that ${ending} ends as it would without`, async (t) => {
      t.deepEqual(await runNativeChild(ending, { node: nodeOf(major) }), { code: 0, signal: null, said })
    })
  }
}
