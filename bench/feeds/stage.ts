import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PublishSubscribe, presentComponent } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { componentConnector, Session } from '../../src/session/index.ts'
import { buildAnnouncement, writeXml } from '../../src/xep/index.ts'

export const SERVICE = 'pubsub.localhost'
/** All those who are no accounts of the server. */
export const CROWD = 'crowd.localhost'
/** Who sends what is ready, and keeps nothing. */
export const NOTHING = 'nothing.localhost'
export const PASSWORD = 'pencil'
export const PUBLISHER = `publisher@${CROWD}/desk`

export const accountsUpTo = (count: number, domain: string): string[] => Array.from({ length: count }, (_, at) => `wall${at}@${domain}`)

export const median = (numbers: readonly number[]) =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] as number

export const announcement = (id: string) => ({
  id,
  payload: writeXml(
    buildAnnouncement({
      ...{ id, owner: PUBLISHER, protocols: ['jingle', 'si'], state: 'available' },
      file: { name: 'image.iso', sizeBytes: 1_024, hashes: [{ algo: 'sha-256', value: Buffer.alloc(32, 7) }] },
    }),
  ),
})

/** The embedded server with our service behind it, which has its database on disk. */
export class Stage implements AsyncDisposable {
  readonly folder: string
  readonly server: EmbeddedServer
  readonly whole: PublishSubscribe
  readonly #ends: (() => unknown)[]
  readonly #components: { readonly host: string; readonly port: number }
  readonly clients: { readonly host: string; readonly port: number }

  private constructor(init: Pick<Stage, 'folder' | 'server' | 'whole' | 'clients'> & { components: { host: string; port: number } }) {
    this.folder = init.folder
    this.server = init.server
    this.whole = init.whole
    this.clients = init.clients
    this.#components = init.components
    this.#ends = [
      () => rm(init.folder, { recursive: true, force: true }),
      () => init.server.close(),
      () => init.whole[Symbol.asyncDispose](),
    ]
  }

  /** @param accounts local parts */
  static async set(accounts: readonly string[]): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'streamhost-bench-'))
    const listen = { host: '127.0.0.1', port: 0 }
    const server = new EmbeddedServer(
      {},
      {
        domain: 'localhost',
        accounts: accounts.map((local) => ({ local, password: PASSWORD })),
        components: [SERVICE, CROWD, NOTHING].map((jid) => ({ jid, secret: PASSWORD })),
        clientListen: listen,
        componentListen: listen,
      },
    )
    const { client: clients, component: components } = await server.listen()
    const whole = await openService(folder)
    const stage = new Stage({ folder, server, whole, clients, components })
    const session = await stage.plug(SERVICE)
    const { part } = whole.attach(session, SERVICE)
    presentComponent(session, systemClock, { version: { name: 'streamhost', version: '0' }, parts: [part] })
    await session.start()
    return stage
  }

  /** A component's session, which is still to be started. */
  async plug(jid: string): Promise<Session> {
    const connect = componentConnector(systemClock, { jid, secret: PASSWORD, service: this.#components })
    const session = new Session({}, connect, { reconnect: 'never' })
    this.onEnd(() => session.stop())
    return session
  }

  /** What was begun last ends first. */
  onEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  /** A node, and whoever is subscribed there. */
  open(node: string, jids: readonly string[], queue: boolean): void {
    const { pubsub } = this.whole
    pubsub.create({ jid: PUBLISHER }, { node })
    for (const jid of jids) pubsub.subscribe({ jid }, { node, jid, options: { queue } })
  }

  /** Announces files there, and tells whoever is to be told. */
  async publish(node: string, ids: readonly string[]): Promise<void> {
    const { pubsub, notifications } = this.whole
    for (const id of ids) {
      const { notices } = pubsub.publish({ jid: PUBLISHER }, { node, items: [announcement(id)] })
      notifications?.tell(notices)
    }
    await pubsub.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }
}

/** @param directory without one, all is kept in memory */
export function openService(directory: string | undefined): Promise<PublishSubscribe> {
  return PublishSubscribe.open(
    { clock: systemClock, logger: silentLogger },
    { directory, limits: {}, mayCreate: () => true, onFailed: (error: Error) => console.error(error) },
  )
}
