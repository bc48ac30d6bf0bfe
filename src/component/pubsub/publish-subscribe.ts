import { type BytestreamError, type Clock, type Logger, LogRation } from '../../core/index.ts'
import {
  keptBytesMax,
  MemoryPresence,
  MemoryStore,
  type NodeRecord,
  type Notice,
  type PresenceStore,
  Pubsub,
  type PubsubInit,
  type PubsubLimits,
  type PubsubStore,
  pubsubMigrations,
  SqlitePresence,
  SqliteStore,
  startSweeping,
} from '../../pubsub/index.ts'
import type { ServicePart, Session } from '../../session/index.ts'
import { Storage } from '../../storage/index.ts'
import type { DataForm } from '../../xep/index.ts'
import { Feeds } from '../feeds/feeds.ts'
import { buildConfigForm } from './config-form.ts'
import { Notifications } from './notifications.ts'
import { Privileges } from './privileges.ts'
import { logPubsub, logStorage } from './pubsub-log.ts'
import { PubsubService } from './pubsub-service.ts'
import { GrantedRosters } from './rosters.ts'

export interface PublishSubscribeComponents {
  readonly clock: Clock
  readonly logger: Logger
}

export interface PublishSubscribeInit {
  /** Where everything is kept; without it, in memory, until the process ends. */
  readonly directory: string | undefined
  readonly limits: Partial<PubsubLimits>
  /** Octets of all that is kept. */
  readonly bytesMax?: number | undefined
  readonly mayCreate: NonNullable<PubsubInit['mayCreate']>
  /** The server's domains, of whose accounts rosters are read where it grants that (XEP-0356). Default none. */
  readonly rosterDomains?: readonly string[]
  /** Nothing can be kept any more: only a new start finds out what is there. */
  readonly onFailed: (error: BytestreamError) => void
}

/** Publish-subscribe as a whole: what it keeps, what it answers, whom it tells. */
export class PublishSubscribe implements AsyncDisposable {
  readonly pubsub: Pubsub
  readonly #components: PublishSubscribeComponents
  readonly #store: PubsubStore
  readonly #presence: PresenceStore
  readonly #rosterDomains: readonly string[]
  #service: PubsubService | undefined
  #notifications: Notifications | undefined
  #privileges: Privileges | undefined
  #rosters: GrantedRosters | undefined
  #feeds: Feeds | undefined
  #stopSweeping = () => {}

  /** @throws BytestreamError `ERR_STORAGE…` */
  static async open(components: PublishSubscribeComponents, init: PublishSubscribeInit): Promise<PublishSubscribe> {
    const { directory, bytesMax } = init
    if (directory === undefined) {
      const stores = { store: new MemoryStore(bytesMax ?? keptBytesMax.inMemory), presence: new MemoryPresence() }
      return new PublishSubscribe(components, stores, init)
    }
    const storage = await Storage.open({ directory, migrations: pubsubMigrations, bytesMax: bytesMax ?? keptBytesMax.onDisk })
    const stores = { store: new SqliteStore(storage), presence: new SqlitePresence(storage) }
    const whole = new PublishSubscribe(components, stores, init)
    const { logger, clock } = components
    logStorage(storage, logger, clock)
    storage.on('failed', (err) => {
      logger.error({ err }, 'nothing can be kept any more: see to the disk, then start again')
      init.onFailed(err)
    })
    return whole
  }

  private constructor(
    components: PublishSubscribeComponents,
    { store, presence }: { readonly store: PubsubStore; readonly presence: PresenceStore },
    init: PublishSubscribeInit,
  ) {
    const { limits, mayCreate, rosterDomains = [] } = init
    this.#components = components
    this.#store = store
    this.#presence = presence
    this.#rosterDomains = rosterDomains
    const ration = new LogRation(components.clock)
    const onBounceUnsaved = (err: unknown) => {
      const suppressed = ration.take('bounces')
      if (suppressed !== undefined) components.logger.error({ err, suppressed }, 'who sends notifications back could not be kept')
    }
    const hasRosters = () => this.#privileges?.hasRosters ?? false
    this.pubsub = new Pubsub({ store, presence }, { limits, mayCreate, hasRosters, onBounceUnsaved })
  }

  /** Answers over a session that has not started yet, at the address it will have. */
  attach(session: Session, jid: string): PubsubService {
    const { clock, logger } = this.#components
    const { pubsub } = this
    const configForm = (node: NodeRecord) => this.#configForm(node)
    const privileges = new Privileges({ session, clock, logger }, this.#rosterDomains)
    const rosters = new GrantedRosters({ session, privileges, clock, logger })
    const notifications = new Notifications({ session, pubsub, clock, logger, configForm, rosters }, { jid })
    const all = this.#tellingBoth(notifications)
    const service = new PubsubService({ session, pubsub, notifications: all, rosters, logger })
    logPubsub(service, logger, clock)
    const { nodes } = service.part
    const feeds = new Feeds({ session, pubsub, store: this.#presence, notifications: all, rosters, nodes, clock, logger }, { jid })
    for (const command of feeds.commands) service.addCommand(command)
    this.#feeds = feeds
    this.#service = service
    this.#notifications = notifications
    this.#privileges = privileges
    this.#rosters = rosters
    this.#stopSweeping = this.#startSweeping(all)
    return service
  }

  /** What waits is delivered, all else is told. */
  #tellingBoth(notifications: Notifications): Pick<Notifications, 'tell'> {
    return {
      tell: (notices, by) => {
        notifications.tell(notices, by)
        this.#feeds?.deliveries.tell(notices)
      },
    }
  }

  /** What service discovery shows of it, once it is attached. */
  get parts(): readonly ServicePart[] {
    return [this.#service?.part, this.#feeds?.part].filter((part) => part !== undefined)
  }

  /** Feeds in rosters, and who of the subscribers is there. */
  get feeds(): Feeds | undefined {
    return this.#feeds
  }

  get notifications(): Notifications | undefined {
    return this.#notifications
  }

  get service(): PubsubService | undefined {
    return this.#service
  }

  #configForm(node: NodeRecord): DataForm {
    const { pubsub } = this
    const configured = { kind: node.kind, config: pubsub.configOf(node), collection: pubsub.collectionOf(node) }
    return buildConfigForm(configured, 'result', pubsub.accessModels)
  }

  #startSweeping(notifications: Pick<Notifications, 'tell'>): () => void {
    const { clock, logger } = this.#components
    const ration = new LogRation(clock)
    const onFailed = (err: unknown) => {
      const suppressed = ration.take('sweeping')
      if (suppressed !== undefined) logger.error({ err, suppressed }, 'what has expired could not be taken away')
    }
    const tell = (notices: readonly Notice[]) => {
      this.pubsub.committed().then(() => notifications.tell(notices), onFailed)
    }
    return startSweeping({ pubsub: this.pubsub, clock }, tell, onFailed)
  }

  /** Changes nothing any more, and tells what waits to be told, for so long at the most. */
  async drain(msMax: number): Promise<void> {
    this.#service?.close()
    this.#stopSweeping()
    // What was asked in this turn is told in the next.
    await this.pubsub.committed().catch(() => {})
    await new Promise(setImmediate)
    const endMs = this.#components.clock.now() + msMax
    await this.#notifications?.drain(msMax)
    await this.#feeds?.drain(Math.max(0, endMs - this.#components.clock.now()))
  }

  /** Once the session is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopSweeping()
    this.#feeds?.[Symbol.dispose]()
    this.#notifications?.[Symbol.dispose]()
    this.#rosters?.[Symbol.dispose]()
    this.#privileges?.[Symbol.dispose]()
    await this.#store.close()
  }
}
