import { EmbeddedServer, type EmbeddedServerComponents, type EmbeddedServerInit } from '../../src/embedded/index.ts'
import { type Address, login, loginComponent, type RawStream } from './raw-client.ts'

export const DOMAIN = 'example.org'
export const PROXY = 'proxy.example.org'
export const SECRET = 'xyzzy'

/** By local part. */
const PASSWORDS = { romeo: 'call me but love', juliet: 'r0m30myr0m30', nurse: 'peter' } as const

export type Name = keyof typeof PASSWORDS

/** A running embedded server, with three accounts and one component that may connect. */
export interface TestServer extends AsyncDisposable {
  readonly server: EmbeddedServer
  readonly client: Address
  readonly component: Address
  /** Logs an account in. */
  login(name: Name, resource?: string): Promise<RawStream>
  connectProxy(): Promise<RawStream>
}

export const accountOf = (name: Name) => ({ local: name, password: PASSWORDS[name], domain: DOMAIN })

export async function startServer(init: Partial<EmbeddedServerInit> = {}, components: EmbeddedServerComponents = {}): Promise<TestServer> {
  const server = new EmbeddedServer(components, {
    domain: DOMAIN,
    accounts: Object.entries(PASSWORDS).map(([local, password]) => ({ local, password })),
    components: [{ jid: PROXY, secret: SECRET }],
    clientListen: { host: '127.0.0.1', port: 0 },
    componentListen: { host: '127.0.0.1', port: 0 },
    ...init,
  })
  const { client, component } = await server.listen()
  return {
    server,
    client,
    component,
    login: (name, resource) => login(client, accountOf(name), resource),
    connectProxy: () => loginComponent(component, PROXY, SECRET),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
