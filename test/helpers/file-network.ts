import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Authority } from './certificates.ts'
import { startCli } from './cli.ts'
import { forwardPorts, type Host, type Star, type StarInit, startStar } from './namespaces.ts'
import { DOMAIN, PROXY } from './prosody.ts'
import type { ServerInit, ServerKind, ServerUnderTest } from './server.ts'

/** Whoever sends has the one account, on the one leaf; whoever receives the other, on the other. */
export const roles = { sender: 'laptop', receiver: 'desk' } as const

export type Role = keyof typeof roles

/**
 * Two hosts that cannot reach each other, and between them a third with an XMPP server and our proxy, which advertises
 * an address of each family, unless it is told otherwise: whatever gets from the one to the other went through the proxy,
 * or, where there is none, through the server.
 */
export interface FileNetwork extends AsyncDisposable {
  readonly star: Star
  readonly server: ServerUnderTest
  /** For files; goes with the network. */
  readonly folder: string
  readonly hasProxy: boolean
  /** A file with the authority of the server's certificate; `undefined`: it has none, and clients use no TLS. */
  readonly trusted: string | undefined
  /** What the proxy has logged so far. */
  readonly log: readonly Logged[]
  /** Settles with what the proxy logs of the bytestream that carried exactly so many octets one way, once it is over; of each once. */
  relayed(bytes: number): Promise<Logged>
}

export const fileNetworkNeeds = ['namespaces'] as const

/** A line of the log of `serve`. */
export interface Logged {
  readonly level: number
  readonly msg: string
  readonly host?: string
  readonly dstAddr?: string
  readonly remoteAddress?: string
  readonly firstToSecond?: number
  readonly secondToFirst?: number
  readonly end?: string
}

export interface FileNetworkInit {
  /** Of the server's certificate; with one, clients have to use TLS. */
  readonly authority?: Authority | undefined
  /** Which addresses the hosts have. Default: both. */
  readonly families?: StarInit['families']
  /** Server and proxy run on a host of their own, and the one in the middle forwards two ports to it. Needs nftables. */
  readonly isBehindNat?: boolean
  /** Where the proxy listens, and what it advertises; `false`: there is none. Default: an address of each family, and those. */
  readonly proxy?: false | ((at: Host) => readonly string[])
  /** More of the server. */
  readonly server?: Pick<ServerInit, 'components' | 'keepsMessages'>
  /** Builds the hosts, in place of all of the above that is about them. */
  readonly hosts?: (t: Pick<ExecutionContext, 'teardown'>) => Promise<Star>
}

/** Behind NAT: where the proxy is, and where clients find it. */
export const natPorts = { bound: 7777, advertised: 1080 } as const

export async function startFileNetwork(kind: ServerKind, init: FileNetworkInit = {}): Promise<FileNetwork> {
  const { authority, families, isBehindNat = false, proxy: where = everyAddress, hosts = startHosts, server: more } = init
  function startHosts(until: Pick<ExecutionContext, 'teardown'>) {
    return startStar(until, { leaves: isBehindNat ? 3 : 2, ...(families && { families }) })
  }
  const teardowns: (() => unknown)[] = []
  const t: Pick<ExecutionContext, 'teardown'> = { teardown: (end) => void teardowns.push(end) }
  const close = async () => {
    for (const end of teardowns.splice(0).reverse()) await end()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'streamhost-files-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const star = await hosts(t)
    const on = isBehindNat ? (star.leaves[2] as Host) : star.centre
    const certified = await authority?.issue(DOMAIN)
    const trusted = authority && join(folder, 'ca.pem')
    if (trusted) await writeFile(trusted, authority.cert)
    const inside = await kind.start({ ...more, accounts: Object.values(roles), on, ...(certified && { certified }) })
    t.teardown(() => inside[Symbol.asyncDispose]())
    const { port } = inside.client
    const server = isBehindNat ? { ...inside, client: { host: star.centre.ipv4, port } } : inside
    if (isBehindNat) {
      const forwards = [
        { port, to: { host: on, port } },
        { port: natPorts.advertised, to: { host: on, port: natPorts.bound } },
      ]
      await forwardPorts(star, forwards)
    }
    const proxy = where ? await startProxy(t, on, server, where(on)) : noProxy
    return { star, server, folder, hasProxy: where !== false, trusted, ...proxy, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

const everyAddress = ({ ipv4, ipv6 }: Host) =>
  [ipv4 && `${ipv4}:0`, ipv6 && `[${ipv6}]:0`].filter((address) => address).flatMap((address) => ['--listen', address])

const noProxy: Pick<FileNetwork, 'log' | 'relayed'> = {
  log: [],
  relayed: () => Promise.reject(new TypeError('this network has no proxy')),
}

async function startProxy(t: Pick<ExecutionContext, 'teardown'>, on: Host, server: ServerUnderTest, where: readonly string[]) {
  const { host, port } = server.componentAt(PROXY)
  const service = host.includes(':') ? `[${host}]` : host
  const options = ['--domain', PROXY, '--service', `xmpp://${service}:${port}`, '--log-level', 'debug', ...where]
  const serve = startCli(t, ['serve', '--json', ...options], { STREAMHOST_SECRET: server.secret }, on)
  const log: Logged[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: serve.child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    log.push(JSON.parse(line) as Logged)
    for (const look of waiting) look()
  })
  await serve.event('ready')
  const told = new Set<Logged>()
  const relayed = (bytes: number) =>
    new Promise<Logged>((resolve) => {
      const look = () => {
        const found = log.find((line) => {
          const { msg, firstToSecond = 0, secondToFirst = 0 } = line
          return msg === 'a bytestream is over' && Math.max(firstToSecond, secondToFirst) === bytes && !told.has(line)
        })
        if (!found) return
        told.add(found)
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  return { log, relayed }
}
