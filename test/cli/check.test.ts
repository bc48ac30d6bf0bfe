// Goal: `streamhost check` shows what was found so that people and programs can read it, and ends with the right code.
// Method: the command in this process, against our proxy and faulty ones on the embedded server.

import type { ExecutionContext } from 'ava'
import { probes } from '../../src/check/index.ts'
import { run } from '../../src/cli/program.ts'
import { startFaultyProxy } from '../helpers/faulty-proxy.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { embedded, onServer, type ServerUnderTest } from '../helpers/server.ts'
import { TestTerminal } from '../helpers/terminal.ts'

interface Ended {
  readonly code: number
  readonly stdout: TestTerminal
  readonly stderr: TestTerminal
}

interface Setup {
  readonly account?: string
  readonly columns?: number
  readonly environment?: Readonly<Record<string, string>>
  /** Interrupts the command once it has told this. */
  readonly interruptAt?: string
}

async function check(
  { client, domain, account: login }: ServerUnderTest,
  args: readonly string[],
  { account = `juliet@${domain}`, columns, environment, interruptAt }: Setup = {},
): Promise<Ended> {
  const streams = { stdout: new TestTerminal(columns), stderr: new TestTerminal(columns) }
  const all = ['check', ...args, '--account', account, '--service', `xmpp://${client.host}:${client.port}`]
  const password = login('juliet').password
  const passwords = { STREAMHOST_PASSWORD: password, STREAMHOST_STRANGER_PASSWORD: password, STREAMHOST_PEER_PASSWORD: password }
  const stopping = new AbortController()
  const write = streams.stdout._write.bind(streams.stdout)
  streams.stdout._write = (octets, encoding, done) => {
    write(octets, encoding, done)
    if (interruptAt && streams.stdout.written.includes(interruptAt)) stopping.abort()
  }
  const context = { streams, environment: { ...passwords, ...environment }, signal: stopping.signal, onHangUp: () => {}, onExit: () => {} }
  const code = await run(all, context)
  return { code, ...streams }
}

const objects = ({ stdout }: Ended) =>
  stdout.written
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** A proxy of its own for each test that needs one. */
const jids = ['forbidden', 'far', 'faulty', 'one', 'two', 'three', 'four'].map((name) => `${name}.localhost`)
const [FORBIDDEN, FAR, FAULTY, ONE, TWO, THREE, FOUR] = jids as [string, string, string, string, string, string, string]

onServer(embedded, 'the command check', { accounts: ['juliet', 'nurse'], components: [PROXY, ...jids] }, (test) => {
  test('check --json tells each probe and the counts; all passed is exit code 0', async (t, server) => {
    await using _ = await startProxy(server, { jid: ONE, allow: ['juliet@localhost'] })
    const ended = await check(server, [ONE, '--json', '--stranger', 'nurse@localhost'])
    const [proxy, ...rest] = objects(ended)
    const done = rest.pop()
    t.deepEqual(proxy, { event: 'proxy', proxy: ONE })
    t.deepEqual(
      rest.map(({ event, probe, section }) => [event, probe, section]),
      probes.map(({ id, section }) => ['check', id, section]),
    )
    t.like(rest[0], { proxy: ONE, verdict: 'passed', detail: 'among the items of localhost' })
    t.like(done, { event: 'done', passed: probes.length, warnings: 0, failed: 0, skipped: 0 })
    t.is(ended.code, 0)
  })

  test('check with a peer uses its address; a probe that failed is exit code 1, with its remedy', async (t, server) => {
    await using _ = await startFaultyProxy(server, FAULTY, ['no feature', 'open to strangers'])
    const ended = await check(server, [FAULTY, '--json', '--peer', 'nurse@localhost'])
    const feature = objects(ended).find(({ probe }) => probe === 'feature')
    t.like(feature, { verdict: 'failed', remedy: probes.find(({ id }) => id === 'feature')?.remedy ?? '' })
    t.regex(String(objects(ended).find(({ probe }) => probe === 'other-requester')?.['detail']), /^item-not-found for nurse@localhost\//)
    t.is(ended.code, 1)
  })

  test('a proxy that refuses the account is exit code 3', async (t, server) => {
    await using _ = await startProxy(server, { jid: FORBIDDEN, allow: ['nurse@localhost'] })
    const ended = await check(server, [FORBIDDEN, '--json'])
    t.like(
      objects(ended).find(({ probe }) => probe === 'address'),
      { verdict: 'failed', code: 'ERR_STANZA' },
    )
    t.is(ended.code, 3)
  })

  test('a proxy that is not there, or not where it says, is exit code 4', async (t, server) => {
    t.is((await check(server, ['nobody.localhost'])).code, 4)
    t.is((await check(server, ['nobody.example.test'])).code, 4)
    await using _ = await startFaultyProxy(server, FAR, ['a closed port'])
    t.is((await check(server, [FAR])).code, 4)
  })

  test('wrong usage is exit code 2', async (t, server) => {
    t.is((await check(server, ['@'])).code, 2)
    t.is((await check(server, [PROXY, '--stranger', 'localhost'])).code, 2)
    const { code, stderr } = await check(server, [PROXY, '--peer', 'nurse@localhost'], { environment: { STREAMHOST_PEER_PASSWORD: '' } })
    t.is(code, 2)
    t.regex(stderr.written, /the password of the peer is missing: .* --peer-password-file, or set STREAMHOST_PEER_PASSWORD/)
  })

  test('a table for people: aligned, coloured on a terminal only, the remedy beneath', async (t, server) => {
    await using _ = await startFaultyProxy(server, TWO, ['no feature', 'no streamhost'])
    const { stdout, code } = await check(server, [TWO])
    t.is(code, 1)
    const [heading, listed, , feature, expected, remedy, address] = stdout.written.split('\n')
    t.is(heading, TWO)
    t.is(listed, '  ok    listed              among the items of localhost')
    t.is(feature, '  FAIL  feature             http://jabber.org/protocol/bytestreams is not among the features')
    t.is(expected, `${' '.repeat(28)}Expected (§3): the proxy shows the feature http://jabber.org/protocol/bytestreams.`)
    t.regex(remedy ?? '', /^ {28}Dino and Gajim know a proxy by this feature/)
    t.is(address, '  FAIL  address             the answer has no streamhost')
    t.regex(stdout.written, /\n2 passed, 0 warned, 2 failed, 25 skipped, in \d+ ms\n$/)
    t.false(stdout.written.includes('\u001b'))
  })

  test('on a terminal the verdict has its colour, unless NO_COLOR is set; on a narrow one lines are moved in', async (t, server) => {
    await using _ = await startFaultyProxy(server, THREE, ['no feature', 'no streamhost'])
    const coloured = await check(server, [THREE], { columns: 100 })
    t.true(coloured.stdout.written.includes('  \u001b[32mok\u001b[39m    listed              among'))
    t.true(coloured.stdout.written.includes('  \u001b[31mFAIL\u001b[39m  feature  '))
    t.true(coloured.stdout.written.includes('  \u001b[90mskip\u001b[39m  '))
    const plain = await check(server, [THREE], { columns: 50, environment: { NO_COLOR: '1' } })
    t.false(plain.stdout.written.includes('\u001b'))
    t.true(
      plain.stdout.written.includes(
        '  FAIL  feature:\n        http://jabber.org/protocol/bytestreams is\n        not among the features\n',
      ),
      plain.stdout.written,
    )
    t.true(plain.stdout.written.split('\n').every((line) => line.length <= 50))
  })

  test('a check that is interrupted says so, and leaves no socket', async (t, server) => {
    await using proxy = await startFaultyProxy(server, FOUR, [])
    const { code, stderr } = await check(server, [proxy.jid], { interruptAt: 'both-ways' })
    t.is(code, 1)
    t.is(stderr.written, 'streamhost: cancelled\n')
    await proxy.emptied()
  })
})

onServer(
  embedded,
  'the command check without a proxy',
  { accounts: ['juliet'], components: [FORBIDDEN, ONE, 'chat.localhost'] },
  (test) => {
    test('check without a JID checks every proxy the server lists, those included that refuse the account', async (t: ExecutionContext, server) => {
      const none = await check(server, [])
      t.is(none.code, 4)
      t.regex(none.stderr.written, /^streamhost: localhost lists no bytestream proxy: name the one to check/)
      await using _ = await startProxy(server, { jid: ONE })
      await using other = await startProxy(server, { jid: FORBIDDEN, allow: ['nurse@localhost'] })
      const ended = await check(server, ['--json'])
      t.deepEqual(
        objects(ended)
          .filter(({ event }) => event === 'proxy')
          .map(({ proxy }) => proxy)
          .sort(),
        [FORBIDDEN, ONE],
      )
      t.is(ended.code, 3)
      await other.session.stop()
      t.is((await check(server, [])).code, 0)
    })
  },
)
