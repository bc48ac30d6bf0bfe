import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { startCli } from '../helpers/cli.ts'
import { DOMAIN, PROXY } from '../helpers/prosody.ts'
import { readRepositoryFile } from '../helpers/repository-files.ts'
import { startServe } from '../helpers/serve.ts'
import { embedded } from '../helpers/server.ts'

const enough = ['serve', '--domain', PROXY, '--listen', '127.0.0.1:0']
const secret = { STREAMHOST_SECRET: 'secret' }

/** One line on stderr that says what is wrong, nothing on stdout, and no stack. */
const complains = test.macro({
  async exec(t: ExecutionContext, args: readonly string[], environment: Readonly<Record<string, string>>, code: number, pattern: RegExp) {
    const { code: actual, stdout, stderr } = await startCli(t, args, environment).ended
    t.is(actual, code, stderr)
    t.is(stdout, '')
    t.regex(stderr, pattern)
    t.is(stderr.trim().split('\n').length, 1, stderr)
    t.notRegex(stderr, /\n\s+at /)
  },
  title: (given = '') => `serve complains in one line about ${given}`,
})

test(
  'a bad address to listen on',
  complains,
  ['serve', '--domain', PROXY, '--listen', 'nonsense'],
  secret,
  2,
  /^streamhost: --listen: "nonsense" is wrong: expected HOST:PORT/,
)
test(
  'a bad value in the environment',
  complains,
  enough,
  { ...secret, STREAMHOST_WAITING_MAX: 'many' },
  2,
  /STREAMHOST_WAITING_MAX: "many" is wrong: expected a whole number/,
)
test('a bad domain', complains, ['serve', '--domain', 'a b@c'], secret, 2, /--domain: "a b@c" is wrong: expected a domain/)
test('a bad rule of access', complains, [...enough, '--allow', '@'], secret, 2, /"@" is neither a JID, a domain, nor \*/)
test('a missing domain', complains, ['serve'], secret, 2, /--domain is missing: expected JID/)
test(
  'a missing secret',
  complains,
  enough,
  {},
  2,
  /the secret is missing: put it into a file and name it with --secret-file, or set STREAMHOST_SECRET/,
)
test(
  'a secret that cannot be read',
  complains,
  [...enough, '--secret-file', 'does/not/exist'],
  {},
  2,
  /--secret-file: the secret cannot be read: ENOENT/,
)
test(
  'a configuration file that cannot be read',
  complains,
  [...enough, '--config', 'does/not/exist'],
  secret,
  2,
  /--config does\/not\/exist cannot be read/,
)
test(
  'an address that is not of this machine',
  complains,
  ['serve', '--domain', PROXY, '--listen', '192.0.2.1:7777'],
  secret,
  1,
  /cannot listen on 192\.0\.2\.1 port 7777/,
)

test('serve complains in one line about a port that is taken', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const { code, stderr } = await startCli(t, ['serve', '--domain', PROXY, '--listen', `127.0.0.1:${port}`], secret).ended
  t.is(code, 1)
  t.regex(stderr, new RegExp(`^streamhost: cannot listen on 127\\.0\\.0\\.1 port ${port}: .*EADDRINUSE.*\n$`))
})

test('serve stops with a sentence when the server refuses its secret, or does not know its address', async (t) => {
  await using server = await embedded.start({})
  const at = ['--service', `xmpp://127.0.0.1:${server.componentAt(PROXY).port}`, '--log-level', 'silent']
  const wrong = await startCli(t, [...enough, ...at], { STREAMHOST_SECRET: 'wrong' }).ended
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /^streamhost: the server at .* refuses the secret for proxy\.localhost .*\n$/)
  const unknown = await startCli(t, ['serve', '--domain', 'other.localhost', '--listen', '127.0.0.1:0', ...at], secret).ended
  t.is(unknown.code, 1)
  t.regex(unknown.stderr, /^streamhost: the server at .* does not know a component other\.localhost .*\n$/)
})

test('serve says when it is ready, and SIGTERM ends it with 0', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-serve-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'accounts.toml'), 'laptop = "pencil"\n')
  await writeFile(
    join(folder, 'serve.toml'),
    `domain = "${PROXY}"\nembedded = true\nembedded-accounts-file = "${join(folder, 'accounts.toml')}"\nlisten = ["127.0.0.1:0", "[::1]:0"]\n`,
  )
  const serve = startCli(t, ['serve', '--config', join(folder, 'serve.toml'), '--json'], {
    STREAMHOST_EMBEDDED_LISTEN: '127.0.0.1:0',
    STREAMHOST_LOG_LEVEL: 'silent',
  })
  const { advertised, accountsDomain } = await serve.event('ready')
  t.like(advertised, { 0: { jid: PROXY, host: '127.0.0.1' }, 1: { jid: PROXY, host: '::1' } })
  t.is(accountsDomain, 'localhost')
  serve.child.kill('SIGTERM')
  const { code, stderr } = await serve.ended
  t.is(code, 0)
  t.is(stderr, '')
})

test('docs/metrics.md has a row for each field of the ready event, and for no other', async (t) => {
  const environment = { STREAMHOST_NO_NATIVE: '1' }
  const { cli } = await startServe(t, { accounts: [], args: ['--pubsub', '--http', '127.0.0.1:0'], environment })
  const { event, ...fields } = await cli.event('ready')
  const [, section = ''] = readRepositoryFile('docs/metrics.md').split('\n## What --json tells\n')
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  t.deepEqual(rows.sort(), Object.keys(fields).sort())
})

test('people read where the accounts of the embedded server are', async (t) => {
  const args = ['--domain', `feeds.${DOMAIN}`, '--embedded', '--embedded-listen', '127.0.0.1:0', '--pubsub-only']
  const serve = startCli(t, ['serve', ...args], { STREAMHOST_LOG_LEVEL: 'silent' })
  await once(serve.child.stdout as Readable, 'data')
  serve.child.kill('SIGTERM')
  const { stdout } = await serve.ended
  t.is(stdout, `feeds.${DOMAIN} is ready for publish-subscribe; accounts are NAME@${DOMAIN}\n`)
})

test('serve looks at itself once it is ready, and logs that all is well, or what is not and what to do', async (t) => {
  const fine = await startServe(t, { accounts: [] })
  t.like(await fine.cli.logged('looked from this machine: clients can find the proxy, and reach it'), { level: 30, domain: PROXY })
  const closed = await startServe(t, { accounts: [], args: ['--advertise', '127.0.0.1:1'] })
  const sentence =
    'an advertised address cannot be reached from this machine: open and forward its port; behind NAT this may be wrong, so try streamhost check from elsewhere'
  t.like(await closed.cli.logged(sentence), { level: 40, host: '127.0.0.1', port: 1 })
})

test('without a configuration file there is nothing to read again, and SIGHUP ends serve', async (t) => {
  const serve = startCli(t, [...enough, '--embedded', '--embedded-listen', '127.0.0.1:0', '--json', '--log-level', 'silent'])
  await serve.event('ready')
  serve.child.kill('SIGHUP')
  t.is((await serve.ended).code, 0)
})

test('an option that does not exist is wrong usage', async (t) => {
  const { code, stderr } = await startCli(t, ['serve', '--nonsense']).ended
  t.is(code, 2)
  t.regex(stderr, /unknown option '--nonsense'/)
})
