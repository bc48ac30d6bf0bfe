import { BytestreamProxy, presentComponent } from '../../src/component/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { componentConnector, Session, type SessionInit } from '../../src/session/index.ts'
import { type BoundAddress, Streamhost, type StreamhostInit } from '../../src/streamhost/index.ts'
import type { StreamhostAddress } from '../../src/xep/index.ts'
import { LOGIN_MS_MAX, type ServerUnderTest } from './server.ts'

/** Our proxy, plugged into a server. */
export interface RunningProxy extends AsyncDisposable {
  readonly jid: string
  /** Where its streamhost listens. */
  readonly address: BoundAddress
  readonly session: Session
  readonly proxy: BytestreamProxy
  readonly streamhost: Streamhost
  /** What it tells requesters. */
  readonly streamhosts: readonly StreamhostAddress[]
}

export interface RunningProxyInit {
  readonly jid: string
  /** Who may use it; the accounts of the server where it is left out. */
  readonly allow?: readonly string[]
  /** Instead of one listener on loopback. */
  readonly streamhost?: Partial<StreamhostInit>
  /** What requesters are told, given the first address it listens on; all of them where it is left out. */
  readonly advertise?: (at: StreamhostAddress) => readonly StreamhostAddress[]
  /** Whether it comes back when the connection is lost; not where it is left out. */
  readonly session?: SessionInit
}

export async function startProxy(
  { domain, componentAt, secret }: Pick<ServerUnderTest, 'domain' | 'componentAt' | 'secret'>,
  { jid, allow = [domain], advertise, streamhost: streamhostInit, session: sessionInit = { reconnect: 'never' } }: RunningProxyInit,
): Promise<RunningProxy> {
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }], ...streamhostInit })
  const bound = (await streamhost.listen()) as readonly [BoundAddress, ...BoundAddress[]]
  const [address] = bound
  const streamhosts = advertise?.({ jid, ...address }) ?? bound.map((at) => ({ jid, ...at }))
  const session = new Session(
    {},
    componentConnector(systemClock, { jid, secret, service: componentAt(jid), loginMsMax: LOGIN_MS_MAX }),
    sessionInit,
  )
  const proxy = new BytestreamProxy(
    { session, streamhost, access: new AccessList(allow) },
    { advertised: streamhosts, name: 'File Transfer Relay' },
  )
  presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [proxy.part] })
  await session.start()
  return {
    jid,
    address,
    session,
    proxy,
    streamhost,
    streamhosts,
    async [Symbol.asyncDispose]() {
      await session.stop()
      await streamhost.close()
    },
  }
}
