// Goal: V8 does with its young generation what serve asks of it, by an option that may go with any version, on every supported
// major of Node, and says nothing about it. Method: a process of that Node makes many objects, with a size chosen and without.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { nodeSuite } from '../helpers/node-suite.ts'
import { nodeMajors, nodeOf } from '../helpers/node-versions.ts'
import { ourProgram } from '../helpers/our-programs.ts'

const run = promisify(execFile)

for (const major of nodeMajors) {
  const test = nodeSuite(major)
  const youngMib = async (options: string[], environment: NodeJS.ProcessEnv = {}) => {
    const { stdout, stderr } = await run(nodeOf(major), [...options, ...ourProgram('test/helpers/young-generation-child.ts')], {
      env: { ...process.env, ...environment },
    })
    return { mib: Number(stdout), stderr }
  }

  test(`Node ${major}: the young generation does not grow, unless somebody chose its size`, async (t) => {
    const { mib, stderr } = await youngMib([])
    t.true(mib > 0 && mib <= 8, `${mib} MiB`)
    t.is(stderr, '')
    for (const { mib: chosen } of [
      await youngMib(['--max-semi-space-size=64']),
      await youngMib([], { NODE_OPTIONS: '--max-semi-space-size=64' }),
    ])
      t.true(chosen > 16, `${chosen} MiB`)
  })
}
