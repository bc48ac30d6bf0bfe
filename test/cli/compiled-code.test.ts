// Goal: a command finds compiled code that an earlier start has kept, where Node can keep it: in the user's folder, which nobody else
// can put anything into; whatever is wrong with that folder, it starts as ever, and leaves nothing there. Method: `--version` from the
// sources, on every supported major of Node, which is asked what it takes from where.

import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { version } from '../../src/core/index.ts'
import { nodeSuite } from '../helpers/node-suite.ts'
import { nodeMajors, nodeOf } from '../helpers/node-versions.ts'
import { makeFolder } from '../helpers/transfers.ts'

const run = promisify(execFile)
const KEPT = join('streamhost', 'compiled')

for (const major of nodeMajors) {
  const test = nodeSuite(major)

  /** Starts a command that has to do what it always does; settles with what Node says of compiled code, where it is asked. */
  const start = async (t: ExecutionContext, environment: NodeJS.ProcessEnv) => {
    const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, XDG_CACHE_HOME: ___, ...inherited } = process.env
    const env = { ...inherited, ...environment }
    const { stdout, stderr } = await run(nodeOf(major), ['--import=tsx', 'src/cli/main.ts', '--version'], {
      env,
      maxBuffer: 64 * 1024 ** 2,
    })
    t.true(stdout.endsWith(`${version}\n`))
    return `${stdout.slice(0, -version.length - 1)}${stderr}`
  }

  if (major === '20') {
    test(`Node ${major}: nothing is kept, and no folder made for it`, async (t) => {
      const folder = await makeFolder(t)
      t.is(await start(t, { XDG_CACHE_HOME: folder }), '')
      t.deepEqual(await readdir(folder), [])
    })
    continue
  }

  test(`Node ${major}: the second start takes what the first has compiled from a folder that is the user's alone`, async (t) => {
    const folder = await makeFolder(t)
    const taken = async () =>
      (await start(t, { XDG_CACHE_HOME: folder, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' })).match(/src\/cli\/program.* was accepted/g)
    t.is(await taken(), null)
    t.truthy(await taken())
    t.is((await stat(join(folder, KEPT))).mode & 0o777, 0o700)
  })
  if (major !== '24') continue // What follows is ours alone.

  test(`Node ${major}: without a folder for it, it is the one in the home; where nothing may be kept, none`, async (t) => {
    const folder = await makeFolder(t)
    t.is(await start(t, { HOME: folder, NODE_DISABLE_COMPILE_CACHE: '1' }), '')
    t.deepEqual(await readdir(folder), [])
    t.is(await start(t, { HOME: folder, XDG_CACHE_HOME: 'relative' }), '')
    t.deepEqual(await readdir(folder), ['.cache'])
    t.is((await readdir(join(folder, '.cache', KEPT))).length, 1)
  })

  test(`Node ${major}: where others can write, where somebody else does, or where no folder can be, nothing is kept`, async (t) => {
    const folder = await makeFolder(t)
    const [shared, foreign, file] = [join(folder, 'shared'), join(folder, 'foreign'), join(folder, 'file')]
    for (const place of [shared, foreign]) await mkdir(join(place, KEPT), { recursive: true })
    await chmod(join(shared, KEPT), 0o777)
    // Only root can give it away; to others it is one more that others write to.
    await (process.getuid?.() === 0 ? chown(join(foreign, KEPT), 1, 1) : chmod(join(foreign, KEPT), 0o770))
    await writeFile(file, '')
    for (const place of [shared, foreign, file]) t.is(await start(t, { XDG_CACHE_HOME: place }), '')
    for (const place of [shared, foreign]) t.deepEqual(await readdir(join(place, KEPT)), [])
  })
}
