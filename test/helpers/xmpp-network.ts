import type { ExecutionContext } from 'ava'
import { type Clock, systemClock } from '../../src/core/index.ts'
import type { EmbeddedServer } from '../../src/embedded/index.ts'
import { type AccountInit, clientConnector, componentConnector, Session } from '../../src/session/index.ts'
import type { StreamhostInit } from '../../src/streamhost/index.ts'
import { TransferClient, type TransferClientComponents, type TransferClientInit } from '../../src/transfer/index.ts'
import type { StreamhostAddress } from '../../src/xep/index.ts'
import { anywhere } from './anywhere.ts'
import { PROXY } from './prosody.ts'
import { type RunningProxy, startProxy } from './proxy.ts'
import { embedded, LOGIN_MS_MAX, type ServerUnderTest } from './server.ts'
import { steadyClock } from './steady-clock.ts'

/** An XMPP server, and whoever a test logs in to it: they are logged out with the test. */
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

interface ProxySetup extends Partial<StreamhostInit> {
  /** Instead of where it listens. */
  readonly advertised?: readonly StreamhostAddress[]
}

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
  const started = await embedded.start({ accounts, components })
  t.teardown(() => started[Symbol.asyncDispose]())
  return { server: started.server, ...networkOn(t, started) }
}

/** The same on a server that is there already. By the clocks of accounts deadlines are not over because this process has stood still. */
export function networkOn(t: ExecutionContext, server: ServerUnderTest): XmppNetwork {
  const account = (local: string) => ({
    jid: `${local}@${server.domain}`,
    password: server.account(local).password,
    service: `xmpp://${server.client.host}:${server.client.port}`,
  })
  const started = async (session: Session) => {
    t.teardown(() => session.stop())
    await session.start()
    return session
  }
  return {
    account,
    plugIn: (jid) => {
      const connect = componentConnector(systemClock, {
        jid,
        secret: server.secret,
        service: server.componentAt(jid),
        loginMsMax: LOGIN_MS_MAX,
      })
      return started(new Session({}, connect, { reconnect: 'never' }))
    },
    logIn: (local, clock = steadyClock()) =>
      started(new Session({ clock }, clientConnector(clock, account(local)), { reconnect: 'never' })),
    async startProxy(jid = PROXY, { advertised, ...streamhost } = {}) {
      const proxy = await startProxy(server, { jid, streamhost, ...(advertised && { advertise: () => advertised }) })
      t.teardown(() => proxy[Symbol.asyncDispose]())
      return proxy
    },
    async connect(local, init = {}, components = {}) {
      const client = await TransferClient.connect(
        { reconnect: false, ...anywhere, ...account(local), ...init },
        { clock: steadyClock(), ...components },
      )
      t.teardown(() => client.close())
      return client
    },
  }
}
