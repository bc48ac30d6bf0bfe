import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Cli, startCli } from './cli.ts'
import { type FileNetwork, fileNetworkNeeds, type Role, roles, startFileNetwork } from './file-network.ts'
import { forwardLoopback } from './namespaces.ts'
import { type Home, type Homes, type MappingRouter, starOf, startHomes, startMiniupnpd } from './nats.ts'
import type { ServerKind } from './server.ts'
import { makeFile } from './transfers.ts'

export const twoNatsNeeds = [...fileNetworkNeeds, 'nftables', 'miniupnpd'] as const

/** Two homes behind NATs, and between them a server and our proxy. The router of the first maps ports, that of the second does not. */
export interface TwoNats extends AsyncDisposable {
  readonly network: FileNetwork
  readonly homes: readonly [sender: Home, receiver: Home]
  readonly router: MappingRouter
  /** Every address of both homes. */
  readonly addresses: readonly string[]
}

export async function startTwoNats(kind: ServerKind): Promise<TwoNats> {
  let built: Homes | undefined
  const network = await startFileNetwork(kind, {
    hosts: async (until) => {
      built = await startHomes(until, 2)
      return starOf(built)
    },
    proxy: ({ ipv4 }) => ['--listen', `${ipv4}:0`],
  })
  const teardowns: (() => unknown)[] = []
  const close = async () => {
    for (const end of teardowns) await end()
    await network[Symbol.asyncDispose]()
  }
  try {
    const homes = (built as Homes).homes as unknown as readonly [Home, Home]
    const until = { teardown: (end: () => unknown) => void teardowns.push(end) }
    const router = await startMiniupnpd(until, homes[0], { folder: network.folder })
    const addresses = homes.flatMap(({ host, outside, inside }) => [host.ipv4, outside, inside])
    return { network, homes, router, addresses, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Moved {
  /** What `send` and `receive` have told, an object a line, and to people. */
  readonly opened: Record<string, unknown>
  readonly received: Record<string, unknown>
  readonly sent: { readonly stdout: string; readonly stderr: string }
  readonly receiverSaid: string
  /** Every stanza of both. */
  readonly stanzas: string
}

export interface MoveInit {
  readonly bytes?: number
  readonly send?: readonly string[]
  readonly receive?: readonly string[]
}

/** Starts one of our commands in a home, logged in to the account of its role. @param record a file for its stanzas */
export async function startAtHome(
  t: ExecutionContext,
  { network: { server }, homes }: TwoNats,
  role: Role,
  args: readonly string[],
  record?: string,
): Promise<Cli> {
  const { host } = homes[role === 'sender' ? 0 : 1]
  const { local, password, domain } = server.account(roles[role])
  const port = await forwardLoopback(t, host, server.client, 0, record)
  const environment = { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: `xmpp://127.0.0.1:${port}` }
  return startCli(t, [...args, '--json', '--account', `${local}@${domain}`], environment, host)
}

/** Sends a file from the first home to the second, with `send` and `receive`. */
export async function moveHome(t: ExecutionContext, scene: TwoNats, { bytes = 300_000, ...options }: MoveInit = {}): Promise<Moved> {
  const { server, folder } = scene.network
  const record = join(await mkdtemp(join(folder, 'stanzas-')), 'both.xml')
  const command = (role: Role, args: readonly string[]) => startAtHome(t, scene, role, args, record)
  const inbox = await mkdtemp(join(folder, 'inbox-'))
  const { path, sha256 } = await makeFile(t, bytes)
  const from = `${roles.sender}@${server.domain}`
  const receive = await command('receiver', ['receive', '--once', '--into', inbox, '--from', from, ...(options.receive ?? [])])
  const { jid } = await receive.event('ready')
  const send = await command('sender', ['send', path, '--to', String(jid), ...(options.send ?? [])])
  const sent = await send.ended
  t.is(sent.code, 0, sent.stderr)
  const received = await receive.event('received')
  t.is(received['sha256'], sha256)
  const { code, stderr: receiverSaid } = await receive.ended
  t.is(code, 0)
  return { opened: await send.event('opened'), received, sent, receiverSaid, stanzas: await readFile(record, 'utf8') }
}
