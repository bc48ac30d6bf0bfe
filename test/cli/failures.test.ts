// Goal: whatever a file does not arrive for, a person reads which hop has failed, what happened there, and what to do.
// Method: each failure provoked, with the command in this process, against the embedded server, real and faulty proxies.

import { truncateSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { selfSigned } from '../helpers/certificates.ts'
import { type RunningCommand, startCommand } from '../helpers/command.ts'
import { type Fault, startFaultyProxy } from '../helpers/faulty-proxy.ts'
import { JingleHand } from '../helpers/jingle-hand.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { embedded, type ServerInit } from '../helpers/server.ts'
import { makeFolder, makeLargeFile } from '../helpers/transfers.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const MIB = 2 ** 20
const LARGE = 64 * MIB

async function setScene(t: ExecutionContext, init: ServerInit = {}) {
  const server = await embedded.start({ accounts: ['laptop', 'desk'], components: [PROXY], ...init })
  t.teardown(() => server[Symbol.asyncDispose]())
  const folder = await makeFolder(t)
  const file = join(folder, 'one.bin')
  await writeFile(file, 'one'.repeat(1_000))
  const service = `xmpp://${server.client.host}:${server.client.port}`
  const standard = { STREAMHOST_PASSWORD: server.account('desk').password, STREAMHOST_SERVICE: service }
  const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}, columns?: number) =>
    startCommand(t, args, { environment: { ...standard, ...environment }, columns })
  const send = (args: readonly string[], environment = {}, columns?: number) =>
    start(['send', '--account', 'laptop@localhost', '--to', 'desk@localhost', '--retry-for', '0', ...args], environment, columns)
  const receive = async (args: readonly string[] = [], environment = {}): Promise<RunningCommand> => {
    const fixed = ['--account', 'desk@localhost/Desk', '--from', 'laptop@localhost', '--into', join(folder, 'inbox')]
    const command = start(['receive', ...fixed, ...args], environment)
    await command.said('accepts files')
    return command
  }
  return { server, network: networkOn(t, server), folder, file, service, send, receive }
}
type Scene = Awaited<ReturnType<typeof setScene>>

/** What a row does: as far as the end of the command whose words count. */
type Provoke = (scene: Scene, t: ExecutionContext) => Promise<string>

/** The words of `send`, while `receive` runs. */
const sending =
  (args: (scene: Scene) => readonly string[], into: readonly string[] = []): Provoke =>
  async (scene) => {
    await scene.receive(into)
    return (await scene.send(args(scene)).ended).stderr
  }

const throughProxy =
  (faults: readonly Fault[], ...args: readonly string[]): Provoke =>
  async (scene, t) => {
    const large = await makeLargeFile(t, 3_000_000)
    const proxy = await startFaultyProxy(scene.server, PROXY, faults)
    t.teardown(() => proxy[Symbol.asyncDispose]())
    await scene.receive()
    return (await scene.send([large.path, '--method', 'proxy', ...args]).ended).stderr
  }

/** A large file goes in band; `meet` happens to it on the way. */
const onTheWay =
  (who: 'send' | 'receive', meet: (commands: { send: RunningCommand; receive: RunningCommand; path: string }) => void): Provoke =>
  async (scene, t) => {
    const { path } = await makeLargeFile(t, LARGE)
    const receive = await scene.receive(['--once', '--retry-for', '0'])
    const send = scene.send([path, '--method', 'ibb'])
    await send.said('in band')
    meet({ send, receive, path })
    const commands = { send: await send.ended, receive: await receive.ended }
    return commands[who].stderr
  }

const ACCOUNT = 'streamhost: between laptop@localhost and its server: '
const rows: readonly (readonly [what: string, provoke: Provoke, said: RegExp])[] = [
  [
    'a wrong password',
    async ({ send, file }) => (await send([file], { STREAMHOST_PASSWORD: 'wrong' }).ended).stderr,
    new RegExp(`^${ACCOUNT}xmpp://\\S+ refuses to log laptop@localhost in \\(not-authorized\\); check --account and its password\n$`),
  ],
  [
    'a wrong password of the receiver',
    async ({ receive }) => (await (await receive([], { STREAMHOST_PASSWORD: 'wrong' })).ended).stderr,
    /^streamhost: between desk@localhost and its server: xmpp:\S+ refuses .*; check --account and its password\n$/,
  ],
  [
    'a server that is away',
    async ({ send, file }) => (await send([file], { STREAMHOST_SERVICE: 'xmpp://127.0.0.1:1' }).ended).stderr,
    new RegExp(`^${ACCOUNT}xmpp://127.0.0.1:1 cannot be reached: .*; check the network, or name the server with --service\n$`),
  ],
  [
    'a server that DNS does not know',
    async ({ send, file }) => (await send([file, '--account', 'laptop@nowhere.invalid'], { STREAMHOST_SERVICE: '' }).ended).stderr,
    /^streamhost: between laptop@nowhere\.invalid and its server: .* cannot be reached: .*; check the network, or name .*--service\n$/,
  ],
  [
    'a server of another domain',
    async ({ send, file }) => (await send([file, '--account', 'laptop@other.test']).ended).stderr,
    /^streamhost: between laptop@other\.test and its server: .* does not serve other\.test; check the domain of --account, and --service\n$/,
  ],
  [
    'an account that logs in twice',
    async ({ receive }) => {
      const first = await receive()
      await receive()
      return (await first.ended).stderr
    },
    /^streamhost: between desk@localhost and its server: another connection took over .*; let each program log in with a resource of its own/,
  ],
  [
    'a device that is not there',
    async ({ send, file }) => (await send([file, '--resource', 'Home']).ended).stderr,
    /^streamhost: desk@localhost\/Home answered service-unavailable; is it online, and does it accept files from us\?\n$/,
  ],
  [
    'a receiver at a server that is away',
    async ({ send, file }) => (await send([file, '--to', 'desk@elsewhere.test/Home']).ended).stderr,
    /^streamhost: between our server and desk@elsewhere\.test\/Home: .* answered remote-server-not-found; check the domain, or try again/,
  ],
  [
    'a receiver that declines',
    sending(({ file }) => [file], ['--name', '*.txt']),
    /^streamhost: desk@localhost\/Desk has ended the session: decline, files of this name are not accepted; ask them why.*\n$/,
  ],
  [
    'a receiver that declines by stream initiation',
    sending(({ file }) => [file, '--negotiation', 'si'], ['--name', '*.txt']),
    /^streamhost: desk@localhost\/Desk declined: files of this name are not accepted; ask them why.*\n$/,
  ],
  [
    'a receiver that takes smaller files only',
    sending(({ file }) => [file], ['--file-max', '1KiB']),
    /^streamhost: on the disk of desk@localhost\/Desk: .* file-too-large, .*; ask them to make room, or to take files of that size\n$/,
  ],
  [
    "a receiver's folder that cannot be written to, as the receiver says it",
    async ({ send, receive, file }) => {
      const command = await receive(['--into', join(file, 'inbox')])
      await send([file]).ended
      return command.stderr.written
    },
    /^declined a file from laptop@localhost\/\S+: on our disk: .* cannot be written to: ENOTDIR/,
  ],
  [
    'a file that is not there',
    async ({ send, folder }) => (await send([join(folder, 'absent.bin')]).ended).stderr,
    /^streamhost: on our disk: .*absent\.bin cannot be read: ENOENT/,
  ],
  [
    'a file that changes on the way',
    onTheWay('send', ({ path }) => truncateSync(path, MIB)),
    /^streamhost: on our disk: file\.bin changed while it was being sent; send it again once nothing writes to it\n$/,
  ],
  [
    'a file that changes on the way, as the receiver says it',
    onTheWay('receive', ({ path }) => truncateSync(path, MIB)),
    /^file\.bin from (laptop@localhost\/\S+): on the disk of \1: \1 has ended the session: .* changed while .*; ask them to send it again\n/,
  ],
  [
    'a sender that is interrupted',
    onTheWay('send', ({ send }) => send.interrupt()),
    /^(what has arrived is kept there for a week: the same command again goes on with it\n)?streamhost: cancelled\n$/,
  ],
  [
    'a sender that is interrupted, as the receiver says it',
    onTheWay('receive', ({ send }) => send.interrupt()),
    /^file\.bin from (laptop@localhost\/\S+): \1 has ended the session: cancel; ask them why, and send it again\nstreamhost: \1 has ended/,
  ],
  [
    'a receiver that is interrupted',
    onTheWay('send', ({ receive }) => receive.interrupt()),
    /^streamhost: desk@localhost\/Desk has ended the session: cancel; ask them why, and send it again\n$/,
  ],
  [
    'a proxy that cannot be reached',
    throughProxy(['open to strangers', 'a closed port']),
    /^streamhost: through a proxy to desk\S+: .* could not reach the proxy proxy\.localhost at 127\.0\.0\.1:1; .*; name another with --proxy/,
  ],
  [
    'a proxy that cannot be reached, by stream initiation',
    throughProxy(['open to strangers', 'a closed port'], '--negotiation', 'si'),
    /^streamhost: through a proxy to desk\S+: .* reach none of the streamhosts offered: 127\.0\.0\.1:1; name another with --proxy/,
  ],
  [
    'a proxy that lets nobody in',
    throughProxy(['forbidden'], '--proxy', PROXY),
    /^streamhost: between us and the proxy proxy\.localhost: proxy\.localhost answered forbidden; name another with --proxy, or try --method auto\n$/,
  ],
  [
    'a proxy that is not there',
    sending(({ file }) => [file, '--method', 'proxy', '--proxy', PROXY]),
    /^streamhost: between us and the proxy proxy\.localhost: proxy\.localhost answered remote-server-timeout; name another with --proxy/,
  ],
  [
    'no proxy that lets us in',
    throughProxy(['forbidden']),
    /^streamhost: through a proxy to desk\S+: .* we have no proxy that lets us in to offer; .*; name another with --proxy, or try --method auto\n$/,
  ],
  [
    'a proxy that changes what it relays',
    throughProxy(['open to strangers', 'changes large bursts'], '--proxy', PROXY),
    /^streamhost: between us and the proxy proxy\.localhost: .* SHA-256 is another; send it again, maybe by another --method\n$/,
  ],
  [
    'no direct connection',
    sending(({ file }) => [file, '--method', 'direct'], ['--method', 'proxy']),
    /^streamhost: directly between us and desk@localhost\/Desk: neither side could reach .*; try --method auto\n$/,
  ],
  [
    'a receiver that does not decide',
    async ({ network, send, file }) => {
      const desk = await network.logIn('desk')
      new JingleHand(desk)
      const args = [file, '--to', String(desk.jid), '--negotiation', 'jingle', '--answer-time-max', '1s']
      return (await send(args).ended).stderr
    },
    /^streamhost: desk@localhost\/\S+ has not decided .* within 1 s; ask them to accept, or wait longer with --answer-time-max\n$/,
  ],
  [
    'a deadline of its own, which is about no hop',
    async ({ network, send, file }) => {
      const desk = await network.logIn('desk')
      new JingleHand(desk)
      return (await send([file, '--to', String(desk.jid), '--negotiation', 'jingle', '--time-max', '1s']).ended).stderr
    },
    /^streamhost: not everything was sent within 1 s\n$/,
  ],
]

for (const [what, provoke, said] of rows) {
  test(`${what}: the hop is named, and what to do`, async (t) => {
    t.regex(await provoke(await setScene(t), t), said)
  })
}

test('a server whose certificate is unknown: the hop is named, and what to do', async (t) => {
  const scene = await setScene(t, { certified: await selfSigned('localhost') })
  const certificate = await selfSigned('localhost')
  const path = join(scene.folder, 'another.pem')
  await writeFile(path, certificate.cert)
  const { stderr } = await scene.send([scene.file, '--tls-ca', path]).ended
  t.regex(stderr, new RegExp(`^${ACCOUNT}.* cannot be trusted: its certificate is self-signed, and not one of those that --tls-ca names`))
})

test('what is the same of several files is said once, with their number; on a narrow terminal it is wrapped', async (t) => {
  const { send, folder } = await setScene(t)
  for (const name of ['two.bin', 'three.bin']) await writeFile(join(folder, name), name)
  const terminal = send([folder], {}, 40)
  const piped = await send([folder]).ended
  await terminal.ended
  const [reason, more, last] = piped.stderr.split('\n')
  t.regex(
    reason ?? '',
    /^\S+: no device of desk@localhost that takes files has answered within 10 s; start "streamhost receive --from laptop@localhost" there/,
  )
  t.is(more, `2 more files were not sent for the same reason as ${reason?.split(': ')[0]}`)
  t.is(last, 'streamhost: 3 of 3 files were not sent')
  t.is(piped.stderr.split('no device of').length, 2)
  const { screen } = terminal.stderr
  t.true(screen.includes('    no device of desk@localhost that'), screen.join('\n'))
  t.true(screen.every((line) => line.length <= 40 || !line.includes(' ')))
  t.is(screen.at(-1), 'streamhost: 3 of 3 files were not sent')
})

test('with --json the hop has a name', async (t) => {
  const { server, send, receive, file } = await setScene(t)
  await using _ = await startProxy(server, { jid: PROXY, allow: ['nobody@localhost'] })
  await receive()
  const { stdout } = await send([file, '--json', '--method', 'proxy', '--proxy', PROXY]).ended
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const name of ['failed', 'error'])
    t.like(
      told.find(({ event }) => event === name),
      { code: 'ERR_STANZA', hop: 'proxy' },
      name,
    )
})
