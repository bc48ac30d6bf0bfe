// Goal: the commands log in over TLS, say what is wrong with a certificate, and what helps.
// Method: they run as processes, against a Prosody that requires TLS, with a certificate of an authority of the test's own.

import test, { type ExecutionContext } from 'ava'
import { fileOf, selfSigned, startAuthority } from '../helpers/certificates.ts'
import { type Cli, startCli } from '../helpers/cli.ts'
import { PROXY } from '../helpers/prosody.ts'
import { onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { makeFile, makeFolder } from '../helpers/transfers.ts'

const authority = await startAuthority()
const certified = await authority.issue('localhost')

const environment = { STREAMHOST_PASSWORD: 'pencil' }
const as = (local: string, { client }: ServerUnderTest) => [
  '--account',
  `${local}@localhost`,
  '--service',
  `xmpp://127.0.0.1:${client.port}`,
]
const asDirectly = (local: string, { directTls }: ServerUnderTest) => [
  ...['--account', `${local}@localhost`],
  ...['--service', `xmpps://127.0.0.1:${directTls?.port}`],
]

/** `streamhost disco info` of the server. */
const ask = (t: ExecutionContext, args: readonly string[], more: Readonly<Record<string, string>> = {}): Cli['ended'] =>
  startCli(t, ['disco', 'info', 'localhost', ...args], { ...environment, ...more }).ended

const UNKNOWN_HELP = 'name a file with the certificate of that authority (--tls-ca)'

onServer(prosody, 'commands over TLS', { accounts: ['laptop', 'desk'], certified }, (serverTest) => {
  serverTest('send and receive over STARTTLS and direct TLS, end to end', async (t, server) => {
    const ca = ['--tls-ca', await fileOf(t, authority.cert)]
    const file = await makeFile(t, 300_000)
    const into = await makeFolder(t)
    const receive = startCli(
      t,
      ['receive', '--json', '--once', ...as('desk', server), ...ca, '--into', into, '--from', 'laptop@localhost'],
      environment,
    )
    await receive.event('ready')
    const args = ['send', '--json', file.path, ...asDirectly('laptop', server), ...ca, '--to', 'desk@localhost', '--method', 'direct']
    const send = startCli(t, args, environment)
    t.like(await send.event('sent'), { sha256: file.sha256 })
    t.like(await receive.event('received'), { sha256: file.sha256 })
    t.deepEqual(
      (await Promise.all([send.ended, receive.ended])).map(({ code }) => code),
      [0, 0],
    )
  })

  serverTest('an authority that is unknown is exit code 1, and one line that says what helps', async (t, server) => {
    const { code, stdout, stderr } = await ask(t, as('laptop', server))
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(
      stderr,
      /^streamhost: between laptop@localhost and its server: xmpp:\/\/127\.0\.0\.1:\d+ cannot be trusted: its certificate comes from an authority .*\n$/,
    )
    t.true(stderr.includes(UNKNOWN_HELP))
  })

  serverTest('no switch of the process makes it accept any certificate', async (t, server) => {
    const { code, stderr } = await ask(t, as('laptop', server), { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' })
    t.is(code, 1)
    t.true(stderr.includes(UNKNOWN_HELP))
  })

  serverTest(
    '--tls-ca is a key of the file and a variable of the environment, too; the code of the error is told as JSON',
    async (t, server) => {
      const good = await fileOf(t, authority.cert)
      t.is((await ask(t, as('laptop', server), { STREAMHOST_TLS_CA: good })).code, 0)
      const config = await fileOf(t, `tls-ca = "${good}"\n`)
      t.is((await ask(t, [...as('laptop', server), '--config', config])).code, 0)
      const other = await fileOf(t, (await selfSigned('localhost')).cert)
      const { code, stdout } = await ask(t, ['--json', ...as('laptop', server), '--tls-ca', other])
      t.is(code, 1)
      t.like(JSON.parse(stdout), { event: 'error', code: 'ERR_TLS' })
    },
  )

  serverTest('--tls-insecure accepts any certificate, and warns', async (t, server) => {
    const { code, stderr } = await ask(t, [...asDirectly('laptop', server), '--tls-insecure'])
    t.is(code, 0)
    t.is(stderr, 'warning: --tls-insecure: any certificate is accepted, so the server may be somebody else\n')
  })

  serverTest('a file without certificates is wrong usage, exit code 2', async (t, server) => {
    const empty = await fileOf(t, 'nothing')
    const { code, stderr } = await ask(t, [...as('laptop', server), '--tls-ca', empty])
    t.is(code, 2)
    t.is(
      stderr,
      `streamhost: --tls-ca: ${empty} cannot be used: there is no certificate in it: expected PEM, -----BEGIN CERTIFICATE-----\n`,
    )
    const missing = await ask(t, [...as('laptop', server), '--tls-ca', `${empty}.missing`])
    t.is(missing.code, 2)
    t.regex(missing.stderr, /^streamhost: --tls-ca: .* cannot be used: ENOENT/)
  })
})

/** `streamhost serve --embedded`, ready: where clients connect to, and what it logs. */
async function serve(t: ExecutionContext, args: readonly string[]) {
  const accounts = await fileOf(t, 'laptop = "pencil"\n')
  const where = ['--domain', PROXY, '--listen', '127.0.0.1:0', '--embedded-listen', '127.0.0.1:0', '--embedded-accounts-file', accounts]
  const command = startCli(t, ['serve', '--json', '--embedded', ...where, ...args])
  const { client } = (await command.event('ready')) as { client: { host: string; port: number } }
  const stop = async () => {
    command.child.kill('SIGTERM')
    return await command.ended
  }
  return { as: ['--account', 'laptop@localhost', '--service', `xmpp://${client.host}:${client.port}`], stop }
}

test('serve --embedded shows the certificate it is given; clients trust it with --tls-ca', async (t) => {
  const [cert, key] = [await fileOf(t, certified.cert), await fileOf(t, certified.key)]
  const { as: laptop, stop } = await serve(t, ['--embedded-tls-cert', cert, '--embedded-tls-key', key])
  t.is((await ask(t, [...laptop, '--tls-ca', cert])).code, 0)
  const other = await fileOf(t, (await selfSigned('localhost')).cert)
  const { code, stderr } = await ask(t, [...laptop, '--tls-ca', other])
  t.is(code, 1)
  t.regex(stderr, /its certificate comes from an authority that is unknown here/)
  t.is((await stop()).code, 0)
})

test('serve --embedded makes a certificate of its own, and logs its fingerprint; on this machine nobody has to look', async (t) => {
  const { as: laptop, stop } = await serve(t, [])
  t.is((await ask(t, laptop)).code, 0)
  t.is((await ask(t, [...laptop, '--tls-insecure'])).code, 0)
  const { code, stderr } = await stop()
  t.is(code, 0)
  t.regex(stderr, /"fingerprint":"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}","msg":"the embedded XMPP server accepts clients"/)
})

test('serve complains in one line about a certificate without its key, or with that of another', async (t) => {
  const [cert, key] = [await fileOf(t, certified.cert), await fileOf(t, (await selfSigned('localhost')).key)]
  for (const [args, pattern] of [
    [['--embedded-tls-cert', cert], /^streamhost: --embedded-tls-cert and --embedded-tls-key belong together: set both, or none\n$/],
    [['--embedded-tls-key', key], /^streamhost: --embedded-tls-cert and --embedded-tls-key belong together: set both, or none\n$/],
    [['--embedded-tls-cert', cert, '--embedded-tls-key', key], /cannot be used: certificate and private key do not belong together\n$/],
    [['--embedded-tls-cert', `${cert}.missing`, '--embedded-tls-key', key], /cannot be used: ENOENT/],
  ] as const) {
    const { code, stderr } = await startCli(t, ['serve', '--embedded', '--domain', PROXY, ...args]).ended
    t.is(code, 2)
    t.regex(stderr, pattern)
  }
})
