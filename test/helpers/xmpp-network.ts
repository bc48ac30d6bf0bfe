import type { ExecutionContext } from 'ava'
import { BytestreamProxy, type ProxyInit, presentComponent } from '../../src/component/index.ts'
import { type Clock, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { type AccountInit, clientConnector, componentConnector, Session } from '../../src/session/index.ts'
import { Streamhost, type StreamhostInit } from '../../src/streamhost/index.ts'
import { TransferClient, type TransferClientComponents, type TransferClientInit } from '../../src/transfer/index.ts'
import type { StreamhostAddress } from '../../src/xep/index.ts'
import { DOMAIN, PROXY, SECRET, startProsody } from './prosody.ts'

/** An XMPP server on this machine, and whoever is logged in to it; all of it ends with the test. */
export interface XmppNetwork {
  /** What it takes to log in. */
  account(local: string): AccountInit
  /** A session of an account, online. */
  logIn(local: string, clock?: Clock): Promise<Session>
  /** A session of a component, online. */
  plugIn(jid: string): Promise<Session>
  /** A whole proxy, on an address and port of its own. */
  startProxy(jid?: string, init?: ProxySetup): Promise<RunningProxy>
  /** An account that sends and receives files. */
  connect(local: string, init?: Partial<TransferClientInit>, components?: TransferClientComponents): Promise<TransferClient>
}

interface RunningProxy {
  readonly proxy: BytestreamProxy
  readonly streamhost: Streamhost
  readonly session: Session
  /** What it tells requesters. */
  readonly streamhosts: readonly StreamhostAddress[]
}

interface ProxySetup extends Partial<StreamhostInit> {
  /** Instead of where it listens. */
  readonly advertised?: ProxyInit['advertised']
}

const anywhere = { host: '127.0.0.1', port: 0 }
const passwordOf = (local: string) => `password of ${local}`

/**
 * Starts an embedded server with `accounts`; everything ends with the test.
 *
 * @param components addresses a component may connect for
 */
export async function startNetwork(
  t: ExecutionContext,
  accounts: readonly string[],
  components: readonly string[] = [PROXY],
): Promise<XmppNetwork & { readonly server: EmbeddedServer }> {
  const server = new EmbeddedServer(
    {},
    {
      domain: DOMAIN,
      accounts: accounts.map((local) => ({ local, password: passwordOf(local) })),
      components: components.map((jid) => ({ jid, secret: SECRET })),
      clientListen: anywhere,
      componentListen: anywhere,
    },
  )
  t.teardown(() => server.close())
  const { client, component } = await server.listen()
  return { server, ...networkAt(t, { clientPort: client.port, componentPort: component.port }) }
}

/** The same on a Prosody, with `proxy.localhost` for a component. */
export async function startProsodyNetwork(t: ExecutionContext, accounts: readonly string[]): Promise<XmppNetwork> {
  const prosody = await startProsody({ accounts: Object.fromEntries(accounts.map((local) => [local, passwordOf(local)])) })
  t.teardown(() => prosody[Symbol.asyncDispose]())
  return networkAt(t, prosody)
}

function networkAt(t: ExecutionContext, { clientPort, componentPort }: { clientPort: number; componentPort: number }): XmppNetwork {
  const account = (local: string) => ({
    jid: `${local}@${DOMAIN}`,
    password: passwordOf(local),
    service: `xmpp://127.0.0.1:${clientPort}`,
  })
  const started = async (session: Session) => {
    t.teardown(() => session.stop())
    await session.start()
    return session
  }
  const plugIn = (jid: string) =>
    started(
      new Session({}, componentConnector(systemClock, { jid, secret: SECRET, service: { host: '127.0.0.1', port: componentPort } }), {
        reconnect: 'never',
      }),
    )
  return {
    account,
    plugIn,
    logIn: (local, clock = systemClock) => started(new Session({ clock }, clientConnector(clock, account(local)), { reconnect: 'never' })),
    async startProxy(jid = PROXY, { advertised, ...init } = {}) {
      const streamhost = new Streamhost({}, { listen: [anywhere], ...init })
      t.teardown(() => streamhost.close())
      const bound = await streamhost.listen()
      const session = await plugIn(jid)
      const told = advertised ?? bound.map(({ host, port }) => ({ jid, host, port }))
      const proxy = new BytestreamProxy({ session, streamhost, access: new AccessList([DOMAIN]) }, { advertised: told })
      presentComponent(session, systemClock, { version: { name: 'proxy', version: '0' }, parts: [proxy.part] })
      return { proxy, streamhost, session, streamhosts: told }
    },
    async connect(local, init = {}, components = {}) {
      const client = await TransferClient.connect({ reconnect: false, ...account(local), ...init }, components)
      t.teardown(() => client.close())
      return client
    },
  }
}
