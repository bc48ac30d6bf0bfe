import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { startProsody } from '../helpers/prosody.ts'

const test = foreign('a directory for a friend, with the commands of the README', ['prosody'])

const [, section = ''] = readFileSync('README.md', 'utf8').split('## Send a directory to a friend\n')
/** The arguments of the commands, in their order. */
const commands = [...(section.split('\n## ')[0] ?? '').matchAll(/^streamhost ((?:.*\\\n)*.*)$/gm)].map(([, text = '']) =>
  text.split(/[\s\\]+/),
)

test('with the commands of the README a directory gets to a friend', async (t) => {
  const [receive = [], send = []] = commands
  t.is(commands.length, 2)
  await using prosody = await startProsody({
    domain: 'example.org',
    hosts: 'VirtualHost "example.org"\nComponent "unused.example.org"\n  component_secret = "unused"',
    accounts: { you: 'pencil', friend: 'rubber' },
  })
  const home = await mkdtemp(join(tmpdir(), 'streamhost-friend-'))
  t.teardown(() => rm(home, { recursive: true }))
  await mkdir(join(home, 'holiday', 'day 1'), { recursive: true })
  await writeFile(join(home, 'holiday', 'day 1', 'beach.jpg'), 'sand')
  await writeFile(join(home, 'yours'), 'pencil\n')
  await writeFile(join(home, 'friends'), 'rubber\n')
  // As a shell reads them, in folders of their own; the server is not where DNS says.
  const read = (args: readonly string[], password: string) =>
    args.map((each) => {
      if (each === '~/.streamhost-password') return join(home, password)
      return ['inbox', 'holiday'].includes(each) ? join(home, each) : each
    })
  const environment = { STREAMHOST_SERVICE: `xmpp://127.0.0.1:${prosody.clientPort}` }
  const friend = startCli(t, [...read(receive, 'friends'), '--json'], environment)
  await friend.event('ready')
  const { code, stdout, stderr } = await startCli(t, read(send, 'yours'), environment).ended
  t.is(code, 0, stderr)
  t.regex(stdout, /^\S+ 1\/beach\.jpg: to friend@example\.org\/\S+, by Jingle, directly\n\S+ 1\/beach\.jpg: sent, /)
  t.is(await readFile(join(home, 'inbox', 'holiday', 'day 1', 'beach.jpg'), 'utf8'), 'sand')
  await friend.event('received')
  friend.child.kill('SIGINT')
  t.is((await friend.ended).code, 0)
})
