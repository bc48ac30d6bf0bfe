import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { BytestreamProxy, presentComponent } from '../../src/component/index.ts'
import type { Logger } from '../../src/core/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { componentConnector, Session, serverStanzaLimits } from '../../src/session/index.ts'
import { type BoundAddress, Streamhost } from '../../src/streamhost/index.ts'
import { TransferClient } from '../../src/transfer/index.ts'
import { attribute, NS, writeXml } from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import type { Victim } from './hostile-line.ts'
import { login, loginComponent, RawStream, scramProof } from './raw-client.ts'
import { connectToStreamhost, readAll } from './raw-socks5.ts'
import { componentStream } from './scripted-server.ts'
import type { ServerUnderTest } from './server.ts'

/** A victim of ours, in a server's hands. */
export interface OwnVictim extends Victim {
  readonly clock: FakeClock
  /** What was logged as an error. */
  readonly errors: readonly unknown[]
  /** It does for another what it is there for, as if nothing had been. */
  prove(t: ExecutionContext): Promise<void>
  close(): Promise<void>
}

/** Connections that are accepted one by one. */
async function listen() {
  const arrived: Socket[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    arrived.push(socket)
    server.emit('arrived')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const next = async () => {
    while (arrived.length === 0) await once(server, 'arrived')
    return new RawStream(arrived.shift() as Socket)
  }
  return { port: (server.address() as AddressInfo).port, next, close: () => server.close() }
}

/** No pause is waited for: the clock moves on to the next try. */
function hurry(session: Session, clock: FakeClock): void {
  session.on('offline', ({ retryMs }) => setImmediate(() => clock.advance(retryMs)))
}

function hearErrors(): { logger: Logger; errors: unknown[] } {
  const errors: unknown[] = []
  return { errors, logger: { debug() {}, info() {}, warn() {}, error: (...facts) => errors.push(facts) } }
}

const PROXY = 'proxy.localhost'

/** Our component, plugged into a server that is hostile. */
export async function hostileServerOfComponent(): Promise<OwnVictim> {
  const server = await listen()
  const clock = new FakeClock()
  const { logger, errors } = hearErrors()
  const streamhost = new Streamhost({ clock, logger }, { listen: [{ host: '127.0.0.1', port: 0 }] })
  const [address] = await streamhost.listen()
  const init = { jid: PROXY, secret: 'xyzzy', service: { host: '127.0.0.1', port: server.port } }
  const session = new Session({ clock, logger }, componentConnector(clock, init), { reconnect: 'always' })
  const advertised = address ? [{ jid: PROXY, ...address }] : []
  const proxy = new BytestreamProxy({ session, streamhost, access: new AccessList(['*']) }, { advertised })
  presentComponent(session, clock, { version: { name: 'streamhost', version: '0' }, parts: [proxy.part] })
  hurry(session, clock)
  let started: Promise<unknown> | undefined
  const open = async () => {
    started ??= session.start()
    const stream = await server.next()
    await stream.begun()
    stream.send(componentStream(PROXY))
    await stream.next()
    stream.send('<handshake/>')
    return stream
  }
  return {
    name: "the component's session",
    addresses: { from: 'juliet@localhost/balcony', to: PROXY },
    saysWhy: true,
    isGuarded: false,
    stanzaBytesMax: serverStanzaLimits.stanzaBytesMax,
    isCutting: true,
    clock,
    errors,
    open,
    async prove(t) {
      const stream = await open()
      const dstAddr = createHash('sha1').update('vxf9n471bn46romeo@localhost/orchardjuliet@localhost/balcony').digest('hex')
      const pair = [
        await connectToStreamhost(t, address as BoundAddress, dstAddr),
        await connectToStreamhost(t, address as BoundAddress, dstAddr),
      ] as const
      const query = `<query xmlns='${NS.bytestreams}' sid='vxf9n471bn46'><activate>juliet@localhost/balcony</activate></query>`
      stream.send(`<iq type='set' id='1' from='romeo@localhost/orchard' to='${PROXY}'>${query}</iq>`)
      t.is(attribute(await stream.next(), 'type'), 'result')
      for (const [one, other] of [pair, [pair[1], pair[0]]] as const) {
        one.end('octets')
        t.is(await readAll(other), 'octets')
      }
      await stream.close()
    },
    async close() {
      await started
      await session.stop()
      await streamhost.close()
      server.close()
    },
  }
}

const PASSWORD = 'pencil'
const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' from='localhost' id='1' version='1.0'>`
const decode = (text: string) => Buffer.from(text, 'base64').toString()
const encode = (text: string) => Buffer.from(text).toString('base64')

/** The server's side of a login: SCRAM-SHA-1 (RFC 5802), then a resource. */
async function letIn(stream: RawStream): Promise<void> {
  await stream.begun()
  stream.send(`${header}<stream:features><mechanisms xmlns='${NS.sasl}'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>`)
  const bare = decode((await stream.next()).text()).replace(/^n,[^,]*,/, '')
  const challenge = `r=${/r=([^,]*)/.exec(bare)?.[1]}x,s=${encode('salt')},i=4096`
  stream.send(`<challenge xmlns='${NS.sasl}'>${encode(challenge)}</challenge>`)
  await stream.next()
  stream.header = undefined
  stream.restart(`<success xmlns='${NS.sasl}'>${encode(scramProof(PASSWORD, bare, challenge).serverFinal)}</success>`)
  await stream.begun()
  stream.send(`${header}<stream:features><bind xmlns='${NS.bind}'/></stream:features>`)
  const id = attribute(await stream.next(), 'id')
  stream.send(`<iq type='result' id='${id}'><bind xmlns='${NS.bind}'><jid>romeo@localhost/orchard</jid></bind></iq>`)
}

/** Our account, that sends and receives files, logged in to a server that is hostile. */
export async function hostileServerOfAccount(): Promise<OwnVictim> {
  const server = await listen()
  const clock = new FakeClock()
  const { logger, errors } = hearErrors()
  const into = await mkdtemp(join(tmpdir(), 'streamhost-hostile-'))
  let client: Promise<TransferClient> | undefined
  const connect = async () => {
    const init = { jid: 'romeo@localhost/orchard', password: PASSWORD, service: `xmpp://127.0.0.1:${server.port}` }
    const connected = await TransferClient.connect(init, { clock, logger })
    hurry(connected.session, clock)
    connected.receive({ into, from: ['friend@localhost'] })
    return connected
  }
  const open = async () => {
    client ??= connect()
    const stream = await server.next()
    await letIn(stream)
    await client
    return stream
  }
  return {
    name: "the account's session",
    addresses: { from: 'juliet@localhost/balcony', to: 'romeo@localhost/orchard' },
    saysWhy: false,
    isGuarded: false,
    stanzaBytesMax: serverStanzaLimits.stanzaBytesMax,
    isCutting: true,
    clock,
    errors,
    open,
    async prove(t) {
      const stream = await open()
      stream.send(
        `<iq type='get' id='1' from='juliet@localhost/balcony' to='romeo@localhost/orchard'><query xmlns='${NS.discoInfo}'/></iq>`,
      )
      let answer = await stream.next()
      while (attribute(answer, 'id') !== '1') answer = await stream.next()
      t.regex(writeXml(answer), new RegExp(NS.siFileTransfer))
      t.deepEqual(await readdir(into), [])
      await stream.close()
    },
    async close() {
      await (await client)?.close()
      server.close()
      await rm(into, { recursive: true })
    },
  }
}

/** Somebody with an account at a server, against a component plugged into it. */
export function hostileClient(server: ServerUnderTest, local: string, component: string): Victim {
  return {
    name: 'a server and its component',
    addresses: { to: component },
    saysWhy: true,
    isGuarded: true,
    stanzaBytesMax: Number.POSITIVE_INFINITY,
    isCutting: false,
    open: () => login(server.client, server.account(local), 'hostile'),
  }
}

/** A component against another one. */
export function hostileComponent(server: ServerUnderTest, jid: string, component: string): Victim {
  return {
    name: 'a server and another component',
    addresses: { from: `x@${jid}/y`, to: component },
    saysWhy: true,
    isGuarded: true,
    stanzaBytesMax: Number.POSITIVE_INFINITY,
    isCutting: false,
    open: () => loginComponent(server.componentAt(jid), jid, server.secret),
  }
}
