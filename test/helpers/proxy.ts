import { BytestreamProxy, presentComponent } from '../../src/component/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { AccessList } from '../../src/policy/index.ts'
import { componentConnector, Session, type SessionInit } from '../../src/session/index.ts'
import { type BoundAddress, Streamhost } from '../../src/streamhost/index.ts'
import type { StreamhostAddress } from '../../src/xep/index.ts'
import type { ServerUnderTest } from './server.ts'

/** Our proxy, plugged into a server. */
export interface RunningProxy extends AsyncDisposable {
  readonly jid: string
  /** Where its streamhost listens. */
  readonly address: BoundAddress
  readonly session: Session
  readonly proxy: BytestreamProxy
  readonly streamhost: Streamhost
}

export interface RunningProxyInit {
  readonly jid: string
  /** Who may use it; the accounts of the server where it is left out. */
  readonly allow?: readonly string[]
  /** What requesters are told, given where it listens; just that where it is left out. */
  readonly advertise?: (at: StreamhostAddress) => readonly StreamhostAddress[]
  /** Whether it comes back when the connection is lost; not where it is left out. */
  readonly session?: SessionInit
}

export async function startProxy(
  { domain, componentAt, secret }: ServerUnderTest,
  { jid, allow = [domain], advertise = (at) => [at], session: sessionInit = { reconnect: 'never' } }: RunningProxyInit,
): Promise<RunningProxy> {
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }] })
  const [address] = (await streamhost.listen()) as [BoundAddress]
  const session = new Session({}, componentConnector(systemClock, { jid, secret, service: componentAt(jid) }), sessionInit)
  const proxy = new BytestreamProxy(
    { session, streamhost, access: new AccessList(allow) },
    { advertised: advertise({ jid, ...address }), name: 'File Transfer Relay' },
  )
  presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [proxy.part] })
  await session.start()
  return {
    jid,
    address,
    session,
    proxy,
    streamhost,
    async [Symbol.asyncDispose]() {
      await session.stop()
      await streamhost.close()
    },
  }
}
