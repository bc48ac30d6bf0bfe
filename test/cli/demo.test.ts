import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startCli } from '../helpers/cli.ts'

/** A folder for temporary files of its own, to see what is left in it. */
async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'streamhost-demo-test-'))
  t.teardown(() => rm(path, { recursive: true }))
  return path
}

/** What is left of the demo: tsx keeps its cache there too. */
const leftIn = async (path: string) => (await readdir(path)).filter((name) => !name.startsWith('tsx-'))

test('the demo sends data through the proxy, tells each step with its section, and leaves nothing behind', async (t) => {
  const path = await folder(t)
  const { code, stdout, stderr } = await startCli(t, ['demo', '--size', '1MiB', '--json'], { TMPDIR: path }).ended
  t.is(code, 0, stderr)
  const facts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const steps = facts.map(({ event }) => event)
  for (const step of ['disco', 'address', 'offered', 'used', 'connected', 'activated', 'relayed']) t.true(steps.includes(step), step)
  for (const { event, source } of facts.slice(1)) t.regex(String(source), /XEP-\d{4}|RFC \d{4}|FIPS/, String(event))
  t.like(
    facts.find(({ event }) => event === 'relayed'),
    { bytes: 2 ** 20 },
  )
  t.like(facts.at(-1), { event: 'compared', agree: true })
  t.deepEqual(await leftIn(path), [])
})

test('the demo takes a file of the user, and keeps it', async (t) => {
  const [path, own] = [await folder(t), await folder(t)]
  await writeFile(join(own, 'mine.txt'), 'mine')
  const { code, stdout } = await startCli(t, ['demo', join(own, 'mine.txt')], { TMPDIR: path }).ended
  t.is(code, 0)
  t.regex(stdout, /"mine\.txt", 4 B/)
  t.deepEqual([await leftIn(path), await readdir(own)], [[], ['mine.txt']])
})

test('a demo that is interrupted ends with 1, and leaves nothing behind', async (t) => {
  const path = await folder(t)
  for (const mib of [64, 256, 1024]) {
    const demo = startCli(t, ['demo', '--size', `${mib}MiB`, '--json'], { TMPDIR: path })
    await demo.event('online')
    demo.child.kill('SIGINT')
    const { code, stdout } = await demo.ended
    t.deepEqual(await leftIn(path), [])
    if (stdout.includes('"event":"compared"')) continue // It was over before it was interrupted.
    t.is(code, 1)
    return
  }
  t.fail('it was never interrupted')
})
