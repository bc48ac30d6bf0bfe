import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { foreign } from '../helpers/foreign.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { freePort } from '../helpers/prosody.ts'

const test = foreign('serve in a terminal', ['tmux'])

const run = promisify(execFile)

/** Whether somebody answers there. */
const isThere = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )

test('a terminal that is closed ends serve, although SIGHUP has it read its file again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-terminal-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const port = await freePort()
  const file = join(folder, 'serve.toml')
  const own = { domain: 'proxy.localhost', embedded: true, listen: '127.0.0.1:0', 'embedded-listen': '127.0.0.1:0', http: port }
  const lines = Object.entries(own).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
  await writeFile(file, lines.join(''))
  // A server of its own, whose end does not touch those of others.
  const tmux = (...args: string[]) => run('tmux', ['-S', join(folder, 'socket'), ...args])
  await tmux(
    'new-session',
    '-d',
    [process.execPath, ...ourProgram('src/cli/main.ts'), 'serve', '--config', file].map((word) => `'${word}'`).join(' '),
  )
  t.teardown(() => tmux('kill-server').catch(() => {}))
  const url = `http://127.0.0.1:${port}/readyz`
  while (!(await isThere(url)));
  await tmux('kill-session')
  while (await isThere(url));
  t.pass()
})
