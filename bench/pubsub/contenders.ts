import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ForeignProgram } from '../../test/helpers/foreign-programs.ts'
import { SECRET } from '../../test/helpers/prosody.ts'
import { processTree } from '../relay/usage.ts'
import { Driver } from './driver.ts'
import { BEHIND, ejabberd, OWN, prosody, type Server, type ServerKind } from './servers.ts'

/** A publish-subscribe service that runs. */
export interface Service extends AsyncDisposable {
  readonly driver: Driver
  readonly address: string
  /** Its processes. */
  readonly pids: readonly number[]
  /** Those of the server it stands behind, if that is another process. */
  readonly serverPids: readonly number[]
}

export interface Contender {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  /** Its server, for who stands behind one: they share it. */
  readonly behind?: ServerKind
  /** Subscribers it has from its start. */
  readonly subscribed?: ServerKind['subscribed']
  /** How many subscriptions of one node it takes in bearable time. */
  readonly subscriptionsMax: number
  /** Whether its subscriptions cost the same however many there are: nobody has to be there before. */
  readonly isIndifferent?: boolean
  /** Rounds it takes part in, when it need not be in all. */
  readonly rounds?: number
  /** @param server the one it stands behind */
  start(server: Server | undefined): Promise<Service>
}

const own = (kind: ServerKind, subscriptionsMax: number): Contender => ({
  ...{ name: `${kind.name}'s own`, needs: kind.needs, subscriptionsMax, rounds: 2 },
  ...(kind.subscribed && { subscribed: kind.subscribed }),
  async start() {
    const server = await kind.start(true)
    const { driver, pids } = server
    return { ...{ driver, address: OWN, pids, serverPids: [] }, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  },
})

const DO_NOTHING = fileURLToPath(new URL('do-nothing.ts', import.meta.url))

async function ready(child: ChildProcess): Promise<ChildProcess> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) if (line.includes('ready')) return child
  throw new Error(`${child.spawnargs.join(' ')} ended`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

const startNothing = (port: number, jid: string): Promise<ChildProcess> =>
  ready(spawn(process.execPath, ['--import=tsx', DO_NOTHING, String(port), jid, SECRET], { stdio: ['pipe', 'pipe', 'inherit'] }))

const nothing = (kind: ServerKind): Contender => ({
  ...{ name: `do-nothing, ${kind.name}`, needs: kind.needs, behind: kind, subscriptionsMax: Number.POSITIVE_INFINITY, isIndifferent: true },
  async start(server) {
    if (!server) throw new Error('it stands behind a server')
    const [address] = BEHIND
    const child = await startNothing(server.port(address), address)
    return {
      ...{ driver: server.driver, address, pids: processTree(child.pid as number), serverPids: server.pids },
      [Symbol.asyncDispose]: () => end(child),
    }
  },
})

/** What the driver itself can take: the same without a server in between. */
export const direct: Contender = {
  ...{ name: 'do-nothing, no server', needs: [], subscriptionsMax: Number.POSITIVE_INFINITY, isIndifferent: true },
  async start() {
    const { port, driver } = await Driver.listen()
    const [address] = BEHIND
    const child = await startNothing(port, address)
    return {
      ...{ driver: await driver, address, pids: processTree(child.pid as number), serverPids: [] },
      [Symbol.asyncDispose]: () => end(child),
    }
  },
}

const named = (kind: ServerKind) => ({ nothing: nothing(kind), own: own(kind, kind === prosody ? 2_000 : 10_000) })

/** By the server they stand behind, or are part of. */
const sides = { prosody: named(prosody), ejabberd: named(ejabberd) }

export const contenders: readonly Contender[] = [
  sides.prosody.nothing,
  sides.prosody.own,
  sides.ejabberd.nothing,
  sides.ejabberd.own,
  direct,
]
