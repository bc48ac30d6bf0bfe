import ava, { type ExecutionContext } from 'ava'
import { EmbeddedServer, type EmbeddedServerInit } from '../../src/embedded/index.ts'
import type { Certified } from './certificates.ts'
import { startEjabberd } from './ejabberd.ts'
import { startEmbeddedProcess } from './embedded-process.ts'
import { foreign } from './foreign.ts'
import type { ForeignProgram } from './foreign-programs.ts'
import type { Host } from './namespaces.ts'
import { DOMAIN, PROXY, SECRET, startProsody } from './prosody.ts'
import type { Address, Login } from './raw-client.ts'
import { readRepositoryFile } from './repository-files.ts'

/** Every account of a server under test has it. */
const PASSWORD = 'pencil'

/** Milliseconds for a component of ours to log in to a server, however busy the machine is. */
export const LOGIN_MS_MAX = 60_000

/** A running XMPP server, whoever made it: accounts at `localhost`, external components at addresses below. */
export interface ServerUnderTest extends AsyncDisposable {
  readonly domain: string
  /** Where it accepts clients. */
  readonly client: Address
  /** Where it accepts clients with TLS from the first octet, if it does. */
  readonly directTls?: Address | undefined
  /** Where it accepts the component of that address. */
  componentAt(jid: string): Address
  /** Of every component. */
  readonly secret: string
  /** How to log in to an account. */
  account(local: string): Login
}

export interface ServerInit {
  /** Their local parts. */
  readonly accounts?: readonly string[]
  /** Addresses at which an external component may connect. */
  readonly components?: readonly string[]
  /** Address of a service for Multi-User Chat, where the server has one of its own. */
  readonly rooms?: string
  /** Where it runs, and accepts clients over the network; components connect over loopback. Not for the embedded one. Default: here. */
  readonly on?: Host
  /** With one, clients are offered TLS, and have to use it but for the embedded server: there it is up to them. */
  readonly certified?: Certified
  /** Address of a bytestream proxy of the server's own, where it has one. */
  readonly ownProxy?: string
  /** Octets a second at which that reads one socket, on ejabberd. */
  readonly ownProxyRate?: number
  /** Address of a publish-subscribe service of the server's own, where it has one; the first account may create nodes there. */
  readonly ownPubsub?: string
  /** Component that may read the rosters of all accounts (XEP-0356), on Prosody and ejabberd; Prosody needs `prosody-modules` for it. */
  readonly rosterReader?: string
  /** Whether Prosody and ejabberd keep what comes for who is away, and archive all of it, as servers for people do. */
  readonly keepsMessages?: boolean
  /** Whether Prosody and ejabberd limit the rate at which they read from clients, as Debian's files have it. */
  readonly isRateLimited?: boolean
}

/** One that runs as a process of its own. */
export interface RestartableServer extends ServerUnderTest {
  /** Ends it at once, as `kill -9` does; `start` brings it back on the same ports. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** A kind of server, and what a machine needs to run it. */
export interface ServerKind<Server extends ServerUnderTest = ServerUnderTest> {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  start(init: ServerInit): Promise<Server>
}

const account = (local: string): Login => ({ local, password: PASSWORD, domain: DOMAIN })

/** How the embedded server is configured for a test. */
function embeddedInit({ accounts = [], components = [PROXY], certified }: ServerInit): EmbeddedServerInit {
  const listen = { host: '127.0.0.1', port: 0 }
  return {
    domain: DOMAIN,
    accounts: accounts.map((local) => ({ local, password: PASSWORD })),
    components: components.map((jid) => ({ jid, secret: SECRET })),
    clientListen: listen,
    componentListen: listen,
    ...(certified && { tls: certified }),
  }
}

export const embedded: ServerKind<ServerUnderTest & { readonly server: EmbeddedServer }> = {
  name: 'the embedded server',
  needs: [],
  async start(init) {
    const server = new EmbeddedServer({}, embeddedInit(init))
    const { client, component } = await server.listen()
    return {
      ...{ server, domain: DOMAIN, client, componentAt: () => component, secret: SECRET, account },
      [Symbol.asyncDispose]: () => server.close(),
    }
  },
}

export const embeddedProcess: ServerKind<RestartableServer> = {
  name: 'the embedded server in a process of its own',
  needs: [],
  async start(init) {
    const server = await startEmbeddedProcess(embeddedInit(init))
    const { client, component, kill, start } = server
    return {
      ...{ domain: DOMAIN, client, componentAt: () => component, secret: SECRET, account, kill, start },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

/** Only its administrators may create nodes, and they are owners of all. */
const ownPubsubOfProsody = (jid: string, [first]: readonly string[]) => `Component "${jid}" "pubsub"\n  admins = { "${first}@${DOMAIN}" }`

/** What docs/pubsub.md has administrators write, for a component of ours. */
function grantOf(language: 'lua' | 'yaml', jid: string): string {
  const [, section = ''] = readRepositoryFile('docs/pubsub.md').split(/^## Nodes for contacts$/m)
  const [, block = ''] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section) ?? []
  return block.replaceAll('pubsub.example.org', jid).replaceAll('example.org', DOMAIN).replaceAll('the secret', SECRET)
}

/** With what clients want for them. */
const KEEPING_OF_PROSODY = ['offline', 'mam', 'carbons', 'smacks', 'pep']
const KEEPING_OF_EJABBERD = {
  mod_offline: {},
  mod_mam: { default: 'always', assume_mam_usage: true },
  mod_carboncopy: {},
  mod_stream_mgmt: { resend_on_timeout: 'if_offline' },
}

export const prosody: ServerKind<RestartableServer> = {
  name: 'Prosody',
  needs: ['prosody'],
  async start({
    accounts = [],
    components = [PROXY],
    rooms,
    ownProxy,
    ownPubsub,
    rosterReader,
    keepsMessages,
    on,
    certified,
    isRateLimited,
  }) {
    const server = await startProsody({
      ownProxy,
      isRateLimited,
      accounts: Object.fromEntries(accounts.map((local) => [local, PASSWORD])),
      hosts: [
        rosterReader === undefined ? `VirtualHost "${DOMAIN}"` : grantOf('lua', rosterReader),
        keepsMessages ? `  modules_enabled = { ${KEEPING_OF_PROSODY.map((name) => `"${name}"`).join('; ')} }` : '',
        ...components.filter((jid) => jid !== rosterReader).map((jid) => `Component "${jid}"\n  component_secret = "${SECRET}"`),
        rooms ? `Component "${rooms}" "muc"` : '',
        ownPubsub ? ownPubsubOfProsody(ownPubsub, accounts) : '',
      ].join('\n'),
      certified: certified && { [DOMAIN]: certified },
      ...(on && { on }),
    })
    const host = on?.ipv4 || on?.ipv6 || '127.0.0.1'
    return {
      domain: DOMAIN,
      client: { host, port: server.clientPort },
      directTls: { host, port: server.directTlsPort },
      componentAt: () => ({ host: on?.loopback ?? '127.0.0.1', port: server.componentPort }),
      secret: SECRET,
      account,
      kill: server.kill,
      start: server.start,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

export const ejabberd: ServerKind<RestartableServer> = {
  name: 'ejabberd',
  needs: ['ejabberd'],
  async start({
    accounts = [],
    components = [PROXY],
    rooms,
    ownProxy,
    ownProxyRate,
    ownPubsub,
    rosterReader,
    keepsMessages,
    on,
    certified,
    isRateLimited,
  }) {
    const pubsub = ownPubsub && { mod_pubsub: { host: ownPubsub, access_createnode: 'local', plugins: ['flat'] } }
    const server = await startEjabberd({
      ownProxy,
      ownProxyRate,
      isRateLimited,
      domain: DOMAIN,
      accounts: Object.fromEntries(accounts.map((local) => [local, PASSWORD])),
      components: Object.fromEntries(components.map((jid) => [jid, SECRET])),
      rooms,
      configuration: rosterReader === undefined ? undefined : grantOf('yaml', rosterReader),
      certified,
      modules: { ...pubsub, ...(keepsMessages && KEEPING_OF_EJABBERD) },
      ...(on && { on }),
    })
    const host = on?.ipv4 || on?.ipv6 || '127.0.0.1'
    return {
      domain: DOMAIN,
      client: { host, port: server.clientPort },
      directTls: { host, port: server.directTlsPort },
      componentAt: (jid) => ({ host: on?.loopback ?? '127.0.0.1', port: server.componentPorts.get(jid) ?? 0 }),
      secret: SECRET,
      account,
      kill: server.kill,
      start: server.start,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

/** Declares one test of a suite that runs on a server. */
export type ServerTest = (title: string, run: (t: ExecutionContext, server: ServerUnderTest) => void | Promise<void>) => void

/**
 * Declares the same tests for each kind of server, `, on NAME` added to their titles. They share one server of each
 * kind, and run beside each other: what they do to it should not meet.
 *
 * @param suite unlike any other in the same file
 */
export function onEachServer(suite: string, init: ServerInit, declare: (test: ServerTest, kind: ServerKind) => void): void {
  for (const kind of [embedded, prosody, ejabberd]) onServer(kind, suite, init, (test) => declare(test, kind))
}

/** The same for one kind of server. */
export function onServer(kind: ServerKind, suite: string, init: ServerInit, declare: (test: ServerTest) => void): void {
  const test = kind.needs.length === 0 ? ava : foreign(`${suite}, on ${kind.name},`, kind.needs)
  let server: ServerUnderTest
  test.before(`${kind.name} starts for ${suite}`, async () => {
    server = await kind.start(init)
  })
  test.after.always(`${kind.name} ends after ${suite}`, () => server?.[Symbol.asyncDispose]())
  declare((title, run) => test(`${title}, on ${kind.name}`, (t) => run(t, server)))
}
