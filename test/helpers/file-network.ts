import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import type { Authority } from './certificates.ts'
import { startCli } from './cli.ts'
import { type Star, startStar } from './namespaces.ts'
import { DOMAIN, PROXY } from './prosody.ts'
import type { ServerKind, ServerUnderTest } from './server.ts'

/** Whoever sends has the one account, on the one leaf; whoever receives the other, on the other. */
export const roles = { sender: 'laptop', receiver: 'desk' } as const

export type Role = keyof typeof roles

/**
 * Two hosts that cannot reach each other, and between them a third with an XMPP server and our proxy, which advertises
 * an address of each family: whatever gets from the one to the other went through the proxy.
 */
export interface FileNetwork extends AsyncDisposable {
  readonly star: Star
  readonly server: ServerUnderTest
  /** For files; goes with the network. */
  readonly folder: string
  /** What the proxy has logged so far. */
  readonly log: readonly Logged[]
  /** Settles with what the proxy logs of the bytestream that carried exactly so many octets one way, once it is over; of each once. */
  relayed(bytes: number): Promise<Logged>
}

export const fileNetworkNeeds = ['namespaces'] as const

/** A line of the log of `serve`. */
export interface Logged {
  readonly msg: string
  readonly dstAddr?: string
  readonly remoteAddress?: string
  readonly firstToSecond?: number
  readonly secondToFirst?: number
  readonly end?: string
}

/** @param authority of the server's certificate; with one, clients have to use TLS */
export async function startFileNetwork(kind: ServerKind, authority?: Authority): Promise<FileNetwork> {
  const teardowns: (() => unknown)[] = []
  const t: Pick<ExecutionContext, 'teardown'> = { teardown: (end) => void teardowns.push(end) }
  const close = async () => {
    for (const end of teardowns.splice(0).reverse()) await end()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'streamhost-files-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const star = await startStar(t, { leaves: 2 })
    const certified = await authority?.issue(DOMAIN)
    const server = await kind.start({ accounts: Object.values(roles), on: star.centre, ...(certified && { certified }) })
    t.teardown(() => server[Symbol.asyncDispose]())
    const proxy = await startProxy(t, star, server)
    return { star, server, folder, ...proxy, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startProxy(t: Pick<ExecutionContext, 'teardown'>, { centre }: Star, server: ServerUnderTest) {
  const { host, port } = server.componentAt(PROXY)
  const addresses = [`${centre.ipv4}:0`, `[${centre.ipv6}]:0`].flatMap((address) => ['--listen', address])
  const options = ['--domain', PROXY, '--service', `xmpp://${host}:${port}`, '--log-level', 'debug', ...addresses]
  const serve = startCli(t, ['serve', '--json', ...options], { STREAMHOST_SECRET: server.secret }, centre)
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
