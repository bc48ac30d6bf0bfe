import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ForeignProgram } from '../../test/helpers/foreign-programs.ts'
import { SECRET } from '../../test/helpers/prosody.ts'
import { processTree } from '../usage.ts'
import { Driver } from './driver.ts'
import type { Measure } from './measures.ts'
import { type Databases, subscribed } from './ours.ts'
import { end, ready } from './processes.ts'
import { BEHIND, ejabberd, OWN, prosody, type Server, type ServerKind, type Subscribed } from './servers.ts'

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
  readonly subscribed?: Subscribed
  /** How many nodes, and how many subscriptions of one, it takes in bearable time. */
  readonly nodesMax: number
  readonly subscriptionsMax: number
  /** Whether its subscriptions cost the same however many there are: nobody has to be there before. */
  readonly isIndifferent?: boolean
  /** In how many rounds it is measured, when it need not be in all. */
  rounds?(measure: Pick<Measure, 'name' | 'n'>): number
  /** @param server the one it stands behind */
  start(server: Server | undefined, databases: Databases): Promise<Service>
}

const BOUNDLESS = { nodesMax: Number.POSITIVE_INFINITY, subscriptionsMax: Number.POSITIVE_INFINITY }
const [NOTHING, OURS] = BEHIND

const own = (kind: ServerKind, subscriptionsMax: number): Contender => ({
  ...{ name: `${kind.name}'s own`, needs: kind.needs, nodesMax: 10_000, subscriptionsMax },
  ...(kind.subscribed && { subscribed: kind.subscribed }),
  rounds: ({ name, n }) => (name === 'nodes' || n === 1 ? 2 : 1),
  async start() {
    const server = await kind.start(true)
    const { driver, pids } = server
    return { ...{ driver, address: OWN, pids, serverPids: [] }, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
  },
})

const DO_NOTHING = fileURLToPath(new URL('do-nothing.ts', import.meta.url))

const startNothing = (port: number, jid: string): Promise<ChildProcess> =>
  ready(spawn(process.execPath, ['--import=tsx', DO_NOTHING, String(port), jid, SECRET], { stdio: ['pipe', 'pipe', 'inherit'] }))

/** Behind a server of that kind, at one of its addresses. */
const behind = (kind: ServerKind, address: string, start: (port: number, databases: Databases) => Promise<ChildProcess>) => ({
  ...{ needs: kind.needs, behind: kind, ...BOUNDLESS },
  async start(server: Server | undefined, databases: Databases): Promise<Service> {
    if (!server) throw new Error('it stands behind a server')
    const child = await start(server.port(address), databases)
    return {
      ...{ driver: server.driver, address, pids: processTree(child.pid as number), serverPids: server.pids },
      [Symbol.asyncDispose]: () => end(child),
    }
  },
})

const ours = (kind: ServerKind): Contender => ({
  ...{ name: `streamhost, ${kind.name}`, subscribed },
  ...behind(kind, OURS, (port, databases) => databases.serve(port, OURS)),
})

const nothing = (kind: ServerKind): Contender => ({
  ...{ name: `do-nothing, ${kind.name}`, isIndifferent: true, rounds: ({ name }) => (name === 'nodes' ? 1 : Number.POSITIVE_INFINITY) },
  ...behind(kind, NOTHING, (port) => startNothing(port, NOTHING)),
})

/** What the driver itself can take: the same without a server in between. */
export const direct = {
  ...{ name: 'do-nothing, no server', needs: [], ...BOUNDLESS, isIndifferent: true },
  rounds: () => 1,
  async start() {
    const { port, driver } = await Driver.listen()
    const child = await startNothing(port, NOTHING)
    return {
      ...{ driver: await driver, address: NOTHING, pids: processTree(child.pid as number), serverPids: [] },
      [Symbol.asyncDispose]: () => end(child),
    }
  },
} satisfies Contender

const side = (kind: ServerKind) => ({
  server: kind.name,
  ours: ours(kind),
  nothing: nothing(kind),
  own: own(kind, kind === prosody ? 2_000 : 10_000),
})

/** By the server they stand behind, or are part of. */
export const sides = [side(prosody), side(ejabberd)]

/** Whoever is compared goes one after the other. */
export const contenders: readonly Contender[] = [...sides.flatMap(({ ours, nothing, own }) => [ours, nothing, own]), direct]
