// Goal: while a file goes over a connection of its own, Node 20 optimises late, but does so in the end, unless somebody chose a budget;
// in band, and by newer ones, as ever; nothing complains on any supported major. Method: a process of that Node calls a function little and much, and
// V8 tells which functions it has optimised.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { BytestreamMethod } from '../../src/bytestreams/index.ts'
import { nodeSuite } from '../helpers/node-suite.ts'
import { nodeMajors, nodeOf } from '../helpers/node-versions.ts'
import { ourProgram } from '../helpers/our-programs.ts'

const run = promisify(execFile)
/** More than V8 of Node 20 waits for by itself, and less than it waits for now; much more than that. */
const [FEW, MANY] = [3_000, 400_000]

for (const major of nodeMajors) {
  const test = nodeSuite(major)
  const optimised = async (calls: number, method: BytestreamMethod, ...options: string[]) => {
    const args = [
      ...options,
      '--trace-opt',
      '--no-concurrent-recompilation',
      ...ourProgram('test/helpers/rare-optimization-child.ts'),
      String(calls),
      method,
    ]
    const { stdout, stderr } = await run(nodeOf(major), args, { maxBuffer: 64 * 1024 ** 2 })
    return { is: /completed (?:optimizing|compiling).*busyBody/.test(stdout), stderr }
  }

  if (major === '20') {
    test(`Node ${major}: a function is optimised late, but not in band, or where somebody chose a budget`, async (t) => {
      t.deepEqual(await optimised(FEW, 'proxy'), { is: false, stderr: '' })
      t.deepEqual(await optimised(MANY, 'proxy'), { is: true, stderr: '' })
      t.deepEqual(await optimised(FEW, 'ibb'), { is: true, stderr: '' })
      t.deepEqual(await optimised(FEW, 'proxy', '--interrupt-budget=132000'), { is: true, stderr: '' })
    })
  } else {
    test(`Node ${major}: V8 is left as it is, and complains of nothing`, async (t) => {
      t.deepEqual(await optimised(MANY, 'proxy'), { is: true, stderr: '' })
    })
  }
}
