import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Cli, startCli } from '../helpers/cli.ts'
import { outcomeOf } from '../helpers/component-line.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost, readAll } from '../helpers/raw-socks5.ts'
import { embedded, onEachServer, onServer, type ServerUnderTest } from '../helpers/server.ts'

// `serve` as a process, behind each server; its settings change while it runs.

const READ = 'the settings were read again: who may use the proxy and create nodes, the rates and the log level are as they say'
const NOT_READ = 'the settings could not be read again; the old ones stay'
const RESTART = 'some settings have changed that need a restart'
const BYTESTREAMS = 'http://jabber.org/protocol/bytestreams'

interface Served {
  readonly jid: string
  readonly serve: Cli
  readonly address: { host: string; port: number }
  /** Writes the file anew, behind what it takes to run, and has it read. */
  change(toml: string): Promise<void>
}

async function startServe(t: ExecutionContext, server: ServerUnderTest, label: string, toml = ''): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-reload-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'serve.toml')
  const jid = `${label}.localhost`
  const { host, port } = server.componentAt(jid)
  const base = `domain = "${jid}"\nservice = "xmpp://${host}:${port}"\nlisten = "127.0.0.1:0"\n`
  await writeFile(file, base + toml)
  const serve = startCli(t, ['serve', '--config', file, '--json'], { STREAMHOST_SECRET: server.secret })
  const { advertised } = (await serve.event('ready')) as { advertised: readonly [Served['address']] }
  const change = async (changed: string) => {
    await writeFile(file, base + changed)
    serve.child.kill('SIGHUP')
  }
  return { jid, serve, address: advertised[0], change }
}

async function enter(t: ExecutionContext, server: ServerUnderTest, local: string, resource: string): Promise<RawStream> {
  const stream = await login(server.client, server.account(local), resource)
  t.teardown(() => stream.destroy())
  return stream
}

async function ask(from: RawStream, to: string, type: 'get' | 'set', payload: string): Promise<string> {
  from.send(`<iq id='oqx6t1c9' to='${to}' type='${type}'>${payload}</iq>`)
  return outcomeOf(await from.next())
}

const ADDRESS = `<query xmlns='${BYTESTREAMS}'/>`
const ACTIVATE = `<query xmlns='${BYTESTREAMS}' sid='vxf9n471bn46'><activate>target@localhost/bar</activate></query>`

async function openPair(t: ExecutionContext, address: Served['address'], requester: string) {
  const dstAddr = createHash('sha1').update(`vxf9n471bn46${requester}target@localhost/bar`).digest('hex')
  return [await connectToStreamhost(t, address, dstAddr), await connectToStreamhost(t, address, dstAddr)] as const
}

const accounts = ['requester', 'other']

onEachServer('a ban', { accounts, components: ['ban.localhost'] }, (test) => {
  test('a requester that is banned by SIGHUP cannot activate a pair that was opened before, until the ban is lifted', async (t, server) => {
    const { jid, serve, address, change } = await startServe(t, server, 'ban')
    const requester = await enter(t, server, 'requester', 'ban')
    const other = await enter(t, server, 'other', 'ban')
    const [one, two] = await openPair(t, address, requester.jid)
    await change('deny = ["requester@localhost"]')
    await serve.logged(READ)
    t.is(await ask(requester, jid, 'set', ACTIVATE), 'auth forbidden')
    t.is(await ask(requester, jid, 'get', ADDRESS), 'auth forbidden')
    t.is(await ask(other, jid, 'get', ADDRESS), 'result')
    await change('deny = []')
    await serve.logged(READ)
    t.is(await ask(requester, jid, 'set', ACTIVATE), 'result', 'the sockets have waited')
    one.end('octets')
    t.is(await readAll(two), 'octets')
  })
})

// What no server has a say in.
onServer(embedded, 'settings', { accounts, components: ['late', 'broken', 'restart'].map((label) => `${label}.localhost`) }, (test) => {
  test('sockets of a requester that was banned wait no longer than others, and running bytestreams go on', async (t, server) => {
    const { jid, serve, address, change } = await startServe(t, server, 'late', 'waiting-time-max = "20s"')
    const requester = await enter(t, server, 'requester', 'late')
    const other = await enter(t, server, 'other', 'late')
    const [running, opposite] = await openPair(t, address, other.jid)
    t.is(await ask(other, jid, 'set', ACTIVATE), 'result')
    const pair = await openPair(t, address, requester.jid)
    const gone = Promise.all(pair.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))))
    await change('waiting-time-max = "20s"\ndeny = ["localhost"]\nallow = "*"')
    await serve.logged(READ)
    t.is(await ask(requester, jid, 'set', ACTIVATE), 'auth forbidden')
    await gone
    t.is(await ask(requester, jid, 'set', ACTIVATE), 'auth forbidden')
    t.is(await ask(other, jid, 'set', ACTIVATE), 'auth forbidden', 'a bytestream that runs is not confirmed to whoever is banned')
    running.end('octets')
    t.is(await readAll(opposite), 'octets')
  })

  test('a file that is broken changes nothing, and its reason is logged', async (t, server) => {
    const { jid, serve, change } = await startServe(t, server, 'broken', 'deny = ["other@localhost"]')
    const requester = await enter(t, server, 'requester', 'broken')
    const other = await enter(t, server, 'other', 'broken')
    for (const [toml, reason] of [
      ['deny = [', /line 4, column/],
      ['denny = ["requester@localhost"]', /there is no setting "denny"/],
      ['deny = ["requester@localhost", "@"]', /"@" is neither a JID, a domain, nor \*/],
      ['allow = "*"\ndeny = "requester@localhost"\nwaiting-max = "many"', /waiting-max in .*: "many" is wrong/],
    ] as const) {
      await change(toml)
      const { code, reason: said } = await serve.logged(NOT_READ)
      t.is(code, 'ERR_CONFIG')
      t.regex(String(said), reason)
      t.is(await ask(requester, jid, 'get', ADDRESS), 'result', toml)
      t.is(await ask(other, jid, 'get', ADDRESS), 'auth forbidden', toml)
    }
  })

  test('settings that need a restart are named, and the others take effect', async (t, server) => {
    const { jid, serve, change } = await startServe(t, server, 'restart', 'log-level = "error"')
    const requester = await enter(t, server, 'requester', 'restart')
    await change('log-level = "debug"\nallow = "other@localhost"\nwaiting-max = 7\nadvertise = "example.org:7777"')
    await serve.logged(READ)
    t.is((await serve.logged(RESTART))['settings'], 'advertise, waiting-max')
    t.is(await ask(requester, jid, 'get', ADDRESS), 'auth forbidden')
    t.like(await serve.logged('refused to tell the address'), { from: requester.jid, code: 'ERR_FORBIDDEN' })
    serve.child.kill('SIGTERM')
    t.is((await serve.ended).code, 0)
  })
})
