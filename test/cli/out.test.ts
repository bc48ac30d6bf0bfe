import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { startBox } from '../helpers/box.ts'
import { startCli } from '../helpers/cli.ts'

test('receive --out takes one file under the name it is told, of the device that is told', async (t) => {
  const { folder, as } = await startBox(t)
  await writeFile(join(folder, 'one.txt'), 'one')
  const [[desk, environment], [laptop]] = [as('desk'), as('laptop')]
  const out = join(folder, 'kept.txt')
  const args = ['receive', ...desk, '--from', 'laptop@localhost', '--out', out]
  const receive = startCli(t, [...args, '--resource', 'Home'], environment)
  t.like(await receive.event('ready'), { jid: 'desk@localhost/Home', into: folder })
  const send = (...more: readonly string[]) =>
    startCli(t, ['send', join(folder, 'one.txt'), ...laptop, '--to', 'desk@localhost', ...more], environment).ended
  t.is((await send('--resource', 'Work')).code, 4)
  t.is((await send('--resource', 'Home')).code, 0)
  t.is((await receive.ended).code, 0)
  t.is(await readFile(out, 'utf8'), 'one')

  const again = await startCli(t, args, environment).ended
  t.deepEqual([again.code, again.stderr], [1, `streamhost: ${out} is there already, and is not overwritten\n`])
  t.deepEqual((await readdir(folder)).sort(), ['accounts.toml', 'kept.txt', 'one.txt'])
})

test('receive wants to know where to, in one way; --time-max ends it when nothing has come, exit code 4', async (t) => {
  const { folder, as } = await startBox(t)
  const [desk, environment] = as('desk')
  const receive = (...more: readonly string[]) =>
    startCli(t, ['receive', ...desk, '--from', 'laptop@localhost', ...more], environment).ended
  const none = await receive()
  t.deepEqual([none.code, none.stderr], [2, 'streamhost: --into is missing: expected DIR, where files are stored, or --out FILE\n'])
  const both = await receive('--into', folder, '--out', join(folder, 'x'))
  t.deepEqual([both.code, both.stderr], [2, 'streamhost: --into and --out exclude each other: name one of them\n'])
  const late = await receive('--out', join(folder, 'x'), '--time-max', '1s')
  t.deepEqual([late.code, late.stderr], [4, 'streamhost: no file has come within 1 s\n'])
  // Its time runs while it logs in, too: what is too short for that on this machine says nothing.
  for (let seconds = 1; seconds < 64; seconds *= 2) {
    const idle = await receive('--into', folder, '--time-max', `${seconds}s`)
    if (!idle.stdout.includes('"event":"ready"')) continue
    t.deepEqual([idle.code, idle.stderr], [0, ''])
    return
  }
  t.fail('it was never ready')
})
