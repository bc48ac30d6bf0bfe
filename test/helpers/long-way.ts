import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { fileOf, startAuthority } from './certificates.ts'
import { type Cli, startCli } from './cli.ts'
import { roles } from './file-network.ts'
import { type Host, startStar } from './namespaces.ts'
import { DOMAIN, PROXY } from './prosody.ts'
import type { ServerKind } from './server.ts'

const run = promisify(execFile)

/** Where the proxy listens, on a host of its own. */
const PROXY_PORT = 1080

/**
 * TCP's largest buffers on every host, as Linux has had them for long; from 6.16 on it receives up to 32 MiB for whoever is slow, as a
 * proxy with a rate is. What is in them when a connection breaks is sent twice.
 */
const BUFFERS = ['net.ipv4.tcp_rmem=4096 131072 6291456', 'net.ipv4.tcp_wmem=4096 16384 4194304'] as const

export interface LongWayInit {
  /** Octets a second, as `serve` takes it. */
  readonly rate: string
  /** Of every host: times TCP sends again what nobody acknowledges, before it gives up (`net.ipv4.tcp_retries2`). Default: the kernel's. */
  readonly retries?: number
}

/**
 * Three hosts: one that sends and one that receives, which cannot reach each other, and between them one with an XMPP server and our
 * proxy, all of which can go and come back.
 */
export interface LongWay {
  /** Starts `receive`; it ends with the test. */
  receive(into: string, ...args: readonly string[]): Cli
  /** Starts `send`; it ends with the test. */
  send(path: string, ...args: readonly string[]): Cli
  /** Both cables are pulled, at the end of the host in the middle. */
  unplug(): Promise<void>
  plugIn(): Promise<void>
  /** The proxy ends at once, as by `kill -9`; and is there again, at the same address. */
  killProxy(): Promise<void>
  startProxy(): Promise<void>
  /** Ends the proxy. @returns octets it has relayed of bytestreams that were over, since it was started last */
  stopProxy(): Promise<number>
}

export async function startLongWay(
  t: Pick<ExecutionContext, 'teardown'>,
  kind: ServerKind,
  { rate, retries }: LongWayInit,
): Promise<LongWay> {
  const { centre, leaves } = await startStar(t, { leaves: 2, families: ['ipv4'] })
  const [sending, receiving] = leaves as readonly [Host, Host]
  const settings = [...BUFFERS, ...(retries === undefined ? [] : [`net.ipv4.tcp_retries2=${retries}`])]
  for (const { name } of [centre, ...leaves]) await run('ip', ['netns', 'exec', name, 'sysctl', '-qw', ...settings])
  const authority = await startAuthority()
  const certified = await authority.issue(DOMAIN)
  const server = await kind.start({ accounts: Object.values(roles), on: centre, certified })
  t.teardown(() => server[Symbol.asyncDispose]())
  const { host, port } = server.componentAt(PROXY)
  const options = ['--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--listen', `${centre.ipv4}:${PROXY_PORT}`]
  const environment = {
    STREAMHOST_PASSWORD: server.account(roles.sender).password,
    STREAMHOST_TLS_CA: await fileOf(t, authority.cert),
    STREAMHOST_SERVICE: `xmpp://${server.client.host}:${server.client.port}`,
  }
  let proxy: Cli
  const startProxy = async () => {
    const args = ['serve', '--json', ...options, '--log-level', 'debug', '--bytestream-rate-max', rate]
    proxy = startCli(t, args, { STREAMHOST_SECRET: server.secret }, centre)
    await proxy.event('ready')
  }
  const endProxy = async (signal: NodeJS.Signals) => {
    proxy.child.kill(signal)
    return await proxy.ended
  }
  const setLinks = async (state: 'up' | 'down') => {
    for (const index of leaves.keys()) await run('ip', ['-n', centre.name, 'link', 'set', `leaf${index}`, state])
  }
  await startProxy()
  return {
    receive: (into, ...args) => {
      const account = ['--json', '--account', `${roles.receiver}@${DOMAIN}`]
      return startCli(t, ['receive', ...account, '--into', into, '--from', `${roles.sender}@${DOMAIN}`, ...args], environment, receiving)
    },
    send: (path, ...args) => {
      const account = ['--json', '--account', `${roles.sender}@${DOMAIN}`]
      return startCli(t, ['send', path, ...account, '--to', `${roles.receiver}@${DOMAIN}`, ...args], environment, sending)
    },
    unplug: () => setLinks('down'),
    plugIn: () => setLinks('up'),
    killProxy: async () => void (await endProxy('SIGKILL')),
    startProxy,
    async stopProxy() {
      const { stderr } = await endProxy('SIGTERM')
      return octetsIn(stderr)
    },
  }
}

function octetsIn(log: string): number {
  const lines = log.trim().split('\n')
  const facts = lines.map((line) => JSON.parse(line) as { msg: string; firstToSecond?: number; secondToFirst?: number })
  return facts
    .filter(({ msg }) => msg === 'a bytestream is over')
    .reduce((total, { firstToSecond = 0, secondToFirst = 0 }) => total + firstToSecond + secondToFirst, 0)
}
