import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { computeDstAddr } from '../../src/socks5/index.ts'
import { startCli } from '../helpers/cli.ts'
import { outcomeOf } from '../helpers/component-line.ts'
import { PROXY } from '../helpers/prosody.ts'
import { type Address, login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost } from '../helpers/raw-socks5.ts'
import { listenScripted } from '../helpers/scripted-server.ts'
import { embedded } from '../helpers/server.ts'

// SIGTERM: no new bytestreams; running ones get the drain time, at once when none runs; exit 0. `serve` is a process, beside
// an XMPP server that goes on.

const TARGET = 'target@localhost/x'
const STOPPING = 'stopping: running bytestreams may finish'
/** Longer than any test: who ends in time did not wait for it. */
const HOURS = ['--drain-time-max', '9h']

/** Starts `serve` for a component's port, wherever that is. */
function serve(t: ExecutionContext, { host, port }: Address, args: readonly string[]) {
  const at = ['--service', `xmpp://${host}:${port}`, '--listen', '127.0.0.1:0', '--json']
  return startCli(t, ['serve', '--domain', PROXY, ...at, ...args], { STREAMHOST_SECRET: 'component secret' })
}

/** A server, `serve` beside it, and a requester. */
async function setScene(t: ExecutionContext, args: readonly string[]) {
  const server = await embedded.start({ accounts: ['requester'] })
  t.teardown(() => server[Symbol.asyncDispose]())
  const cli = serve(t, server.componentAt(PROXY), args)
  const { advertised } = (await cli.event('ready')) as { advertised: [Address] }
  // Sockets of its own are gone then.
  await cli.logged('looked from this machine: clients can find the proxy, and reach it')
  const requester = await login(server.client, server.account('requester'), 'x')
  t.teardown(() => requester.destroy())
  return { server, cli, at: advertised[0], requester }
}

const query = (content: string) => `<query xmlns='http://jabber.org/protocol/bytestreams'${content}`

async function ask(requester: RawStream, type: 'get' | 'set', payload: string): Promise<string> {
  requester.send(`<iq type='${type}' id='q' to='${PROXY}'>${payload}</iq>`)
  return outcomeOf(await requester.next())
}

const activate = (requester: RawStream, sid: string) => ask(requester, 'set', query(` sid='${sid}'><activate>${TARGET}</activate></query>`))

async function pairOf(t: ExecutionContext, at: Address, requester: RawStream, sid: string): Promise<readonly [Socket, Socket]> {
  const dstAddr = computeDstAddr(sid, requester.jid, TARGET)
  return [await connectToStreamhost(t, at, dstAddr), await connectToStreamhost(t, at, dstAddr)]
}

/** How a socket is closed: the code of its error, or `end`. */
function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? ''))
    socket.on('end', () => resolve('end'))
    socket.resume()
  })
}

test('SIGTERM: running bytestreams finish, new ones are turned away, and then it ends with 0', async (t) => {
  const { cli, at, requester } = await setScene(t, HOURS)
  const [one, other] = await pairOf(t, at, requester, 'running')
  t.is(await activate(requester, 'running'), 'result')
  const waiting = await pairOf(t, at, requester, 'waiting')
  const halfOpen = connect({ ...at, allowHalfOpen: true })
  await once(halfOpen, 'connect')
  // Listened to from here on: each of them may be closed while something else is being waited for.
  const turnedAway = Promise.all(waiting.map(endOf))
  const halfOpenEnd = endOf(halfOpen)
  const content = randomBytes(4 * 1024 * 1024)
  one.write(content.subarray(0, 1024 * 1024))

  cli.child.kill('SIGTERM')
  t.like(await cli.logged(STOPPING), { active: 1, waiting: 2 })
  t.deepEqual(await turnedAway, ['ECONNRESET', 'ECONNRESET'])
  await halfOpenEnd
  const newcomer = connect({ ...at })
  t.is(await endOf(newcomer), 'ECONNREFUSED')
  const refusal = 'wait service-unavailable: the proxy is shutting down'
  t.is(await activate(requester, 'waiting'), refusal)
  t.like(await cli.logged('could not activate a bytestream'), { code: 'ERR_SHUTTING_DOWN', sid: 'waiting' })
  t.is(await ask(requester, 'get', query('/>')), refusal)

  const hash = createHash('sha256')
  other.on('data', (octets: Buffer) => hash.update(octets))
  one.end(content.subarray(1024 * 1024))
  await once(other, 'end')
  other.end()
  t.is(hash.digest('hex'), createHash('sha256').update(content).digest('hex'))
  t.like(await cli.logged('a bytestream is over'), { end: 'end', firstToSecond: content.length })
  t.is((await cli.ended).code, 0)
  t.is(await ask(requester, 'get', query('/>')), 'wait remote-server-timeout', 'the server goes on without it')
})

test('SIGTERM with no bytestream running ends it at once', async (t) => {
  const { cli, at, requester } = await setScene(t, HOURS)
  const waiting = await pairOf(t, at, requester, 'waiting')
  const turnedAway = Promise.all(waiting.map(endOf))
  cli.child.kill('SIGTERM')
  t.is((await cli.ended).code, 0)
  t.deepEqual(await turnedAway, ['ECONNRESET', 'ECONNRESET'])
})

test('--drain-time-max: a bytestream that does not finish is broken off, and it ends with 0', async (t) => {
  const { cli, at, requester } = await setScene(t, ['--drain-time-max', '50ms'])
  const pair = await pairOf(t, at, requester, 'stuck')
  t.is(await activate(requester, 'stuck'), 'result')
  const ends = Promise.all(pair.map(endOf))
  cli.child.kill('SIGTERM')
  t.deepEqual(await ends, ['ECONNRESET', 'ECONNRESET'])
  t.like(await cli.logged('a bytestream is over'), { end: 'aborted' })
  t.is((await cli.ended).code, 0)
})

test('a second signal ends it at once, and breaks off whatever runs', async (t) => {
  const { cli, at, requester } = await setScene(t, HOURS)
  const pair = await pairOf(t, at, requester, 'stuck')
  t.is(await activate(requester, 'stuck'), 'result')
  const ends = Promise.all(pair.map(endOf))
  cli.child.kill('SIGTERM')
  await cli.logged(STOPPING)
  cli.child.kill('SIGTERM')
  t.is((await cli.ended).code, 130)
  t.deepEqual(await ends, ['ECONNRESET', 'ECONNRESET'])
})

test('SIGTERM while the component is offline: what runs may finish, and then it ends with 0', async (t) => {
  const { server, cli, at, requester } = await setScene(t, HOURS)
  const [one, other] = await pairOf(t, at, requester, 'running')
  t.is(await activate(requester, 'running'), 'result')
  await server[Symbol.asyncDispose]()
  await cli.logged('the component is offline, and will try again')
  cli.child.kill('SIGTERM')
  await cli.logged(STOPPING)
  const arrived = once(other, 'data')
  one.end('to the end')
  t.is(String((await arrived)[0]), 'to the end')
  other.end()
  t.is((await cli.ended).code, 0)
})

test('SIGTERM while it looks for its server ends it with 0, at once', async (t) => {
  const server = await listenScripted(t)
  server.close()
  const cli = serve(t, server, HOURS)
  await cli.logged('the component is offline, and will try again')
  cli.child.kill('SIGTERM')
  t.is((await cli.ended).code, 0)
})

test('SIGTERM while its server keeps it waiting for the login ends it with 0, at once', async (t) => {
  const server = await listenScripted(t)
  const cli = serve(t, server, HOURS)
  const side = await server.next()
  await side.hears(/<stream:stream[^>]*>/)
  cli.child.kill('SIGTERM')
  t.is((await cli.ended).code, 0)
  await side.hungUp
})
