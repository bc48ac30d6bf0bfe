import { EventEmitter } from 'node:events'
import { checkOwnProxy } from './check/index.ts'
import {
  BytestreamProxy,
  logProxy,
  type ProxyEvents,
  PublishSubscribe,
  type PubsubServiceEvents,
  presentComponent,
} from './component/index.ts'
import { advertise, type HostPort, limitsOf, pubsubLimitsOf, ratesOf, type ServiceSettings } from './config/index.ts'
import { BytestreamError, type Clock, type Logger, silentLogger, systemClock, version } from './core/index.ts'
import { EmbeddedServer, type EmbeddedServerInit } from './embedded/index.ts'
import type { Monitor } from './http/index.ts'
import { AccessList, defaultRules } from './policy/index.ts'
import { type ComponentInit, componentConnector, type ServicePart, Session } from './session/index.ts'
import type { DstAddr } from './socks5/index.ts'
import { descriptorLimit, Streamhost } from './streamhost/index.ts'
import { type IdentityInit, makeIdentity } from './tls/index.ts'
import type { StreamhostAddress } from './xep/index.ts'

/** Those that say how much may be relayed. */
export type RateSettings = Pick<ServiceSettings, 'rate-max' | 'bytestream-rate-max'>

/** Those that say who may use the proxy, and who may create nodes. */
export type AccessSettings = Pick<ServiceSettings, 'allow' | 'deny' | 'domain' | 'pubsub-create'>

/** What a program gives a service, besides what its user sets. */
export interface ServiceComponents {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** What a service is to be. */
export interface ServiceInit {
  readonly settings: ServiceSettings
  /** Shared with the XMPP server. */
  readonly secret: string
  /** That of `--feeds-domain`, where it has another one. */
  readonly feedsSecret?: string | undefined
  /** Accounts of the embedded server, by local part; without them it is not run. */
  readonly accounts?: EmbeddedServerInit['accounts']
  /** The certificate of the embedded server and its key; without them it makes its own. */
  readonly tls?: IdentityInit | undefined
}

/** Facts: those of the component, and of the session it speaks over. */
export interface ServiceEvents extends ProxyEvents, PubsubServiceEvents {
  discoAsked: [{ from: string; about: 'info' | 'items' }]
  /** It has looked whether clients find and reach it; `undefined` when there was no time to find out. */
  looked: [{ isReachable: boolean | undefined }]
  /** The service is over; `error` says why, unless it was closed. */
  ended: [{ error: BytestreamError | undefined }]
}

/**
 * Everything behind `streamhost serve`, put together from its settings: what tells how it is and the embedded server, if
 * wanted, streamhost, publish-subscribe, component. What was started is closed in reverse order.
 */
export class Service extends EventEmitter<ServiceEvents> implements AsyncDisposable {
  readonly streamhost: Streamhost
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #init: ServiceInit
  readonly #access: AccessList
  readonly #mayCreate: AccessList
  #pubsub: PublishSubscribe | undefined
  #monitor: Monitor | undefined
  #embedded: EmbeddedServer | undefined
  readonly #sessions: Session[] = []
  readonly #checking = new AbortController()
  #checked: Promise<void> | undefined
  #isClosing = false
  #advertised: readonly StreamhostAddress[] = []
  #clientAddress: HostPort | undefined
  #accountsDomain: string | undefined
  #httpAddress: HostPort | undefined

  /** @throws BytestreamError `ERR_CONFIG` for a rule of access that is none, or an address of feeds that is none of its own */
  constructor({ clock = systemClock, logger = silentLogger }: ServiceComponents, init: ServiceInit) {
    super()
    this.#clock = clock
    this.#logger = logger
    this.#init = init
    const { settings } = init
    checkFeedsDomain(settings)
    this.#access = new AccessList(...rulesOf(settings))
    this.#mayCreate = new AccessList(...creatorsOf(settings))
    this.streamhost = new Streamhost(
      { clock, logger },
      { listen: settings.listen, limits: limitsOf(settings), rates: ratesOf(settings), relayThreads: settings['relay-threads'] },
    )
  }

  /** Where clients are told to connect to. */
  get advertised(): readonly StreamhostAddress[] {
    return this.#advertised
  }

  /** Whether bytestreams are relayed, and not only publish-subscribe is served. */
  get hasProxy(): boolean {
    return !this.#init.settings['pubsub-only']
  }

  /** Where the nodes of publish-subscribe are kept, if it is served. */
  get pubsubKeeps(): 'in memory' | 'on disk' | undefined {
    if (!this.#pubsub) return undefined
    return this.#init.settings.data === undefined ? 'in memory' : 'on disk'
  }

  /** Where the embedded server accepts clients, if it runs. */
  get clientAddress(): HostPort | undefined {
    return this.#clientAddress
  }

  /** Of the embedded server's accounts, if it runs. */
  get accountsDomain(): string | undefined {
    return this.#accountsDomain
  }

  /** Where it tells how it is, if it does. */
  get httpAddress(): HostPort | undefined {
    return this.#httpAddress
  }

  /**
   * Starts everything, and waits until the component is online.
   *
   * @throws BytestreamError `ERR_LISTEN`, `ERR_CONFIG`, `ERR_AUTHENTICATION`, `ERR_HOST_UNKNOWN`
   */
  async start(): Promise<void> {
    const { settings } = this.#init
    if (this.hasProxy) this.#warnOfDescriptors()
    await this.#startMonitor()
    if (this.hasProxy) await this.#startStreamhost()
    await this.#openPubsub()
    const service = (await this.#startEmbedded()) ?? settings.service
    this.#throwIfClosing()

    const { secret, feedsSecret = secret } = this.#init
    const session = this.#openSession({ jid: settings.domain, secret, service })
    const feedsDomain = this.#feedsDomain
    const feeds = feedsDomain === undefined ? undefined : this.#openSession({ jid: feedsDomain, secret: feedsSecret, service })
    const proxy = this.hasProxy ? this.#offerProxy(session) : undefined
    const pubsub = this.#pubsub?.attach(feeds ?? session, feedsDomain ?? settings.domain)
    pubsub?.on('asked', (facts) => this.emit('asked', facts))
    this.#monitor?.watch({ sessions: this.#sessions, proxy, pubsub: this.#pubsub })
    const pubsubParts = this.#pubsub?.parts ?? []
    this.#present(session, [...(proxy ? [proxy.part] : []), ...(feeds ? [] : pubsubParts)])
    if (feeds) this.#present(feeds, pubsubParts)
    await Promise.all(this.#sessions.map((each) => each.start()))
    for (const each of this.#sessions) each.on('ended', ({ error }) => this.emit('ended', { error }))
    if (proxy) this.#checked = this.#check(session)
  }

  /** The address of publish-subscribe, where it is not that of the proxy. */
  get #feedsDomain(): string | undefined {
    return this.#init.settings['feeds-domain']
  }

  /** Tries again, whatever becomes of its connection. */
  #openSession(init: ComponentInit): Session {
    const [clock, logger] = [this.#clock, this.#logger]
    const session = new Session({ clock, logger }, componentConnector(clock, init), { reconnect: 'always' })
    session.on('online', ({ jid }) => logger.info({ domain: jid }, 'the component is online'))
    session.on('offline', ({ error, retryMs }) =>
      logger.warn({ domain: init.jid, code: error.code, reason: error.message, retryMs }, 'the component is offline, and will try again'),
    )
    this.#sessions.push(session)
    return session
  }

  #present(session: Session, parts: readonly ServicePart[]): void {
    presentComponent(session, this.#clock, {
      version: { name: 'streamhost', version },
      parts,
      onAsked: (facts) => {
        // What we ask ourselves is no news.
        if (facts.from !== this.#init.settings.domain) this.emit('discoAsked', facts)
      },
    })
  }

  async #startStreamhost(): Promise<void> {
    const bound = await this.streamhost.listen()
    this.#tellEngine()
    this.#advertised = advertise(this.#init.settings, bound)
  }

  #offerProxy(session: Session): BytestreamProxy {
    const proxy = new BytestreamProxy({ session, streamhost: this.streamhost, access: this.#access }, { advertised: this.#advertised })
    logProxy(proxy, this.#logger, this.#clock)
    this.#logBytestreams(proxy)
    proxy.on('addressAsked', (facts) => this.emit('addressAsked', facts))
    proxy.on('activationRefused', (facts) => this.emit('activationRefused', facts))
    proxy.on('activationAsked', (facts) => this.emit('activationAsked', facts))
    return proxy
  }

  async #openPubsub(): Promise<void> {
    const { settings } = this.#init
    const { data: directory } = settings
    if (directory === undefined && !settings.pubsub && this.#feedsDomain === undefined && this.hasProxy) return
    const logger = this.#logger
    if (directory === undefined) logger.warn({}, 'nodes are kept in memory, and gone when this ends: --data DIR keeps them')
    this.#pubsub = await PublishSubscribe.open(
      { clock: this.#clock, logger },
      {
        directory,
        limits: pubsubLimitsOf(settings),
        bytesMax: settings['data-max'],
        mayCreate: (account) => this.#mayCreate.mayUse(account),
        rosterDomains: settings['pubsub-rosters-of'] ?? defaultRules(settings.domain),
        onFailed: (error) => this.emit('ended', { error }),
      },
    )
    this.#throwIfClosing()
  }

  /**
   * Puts other rules in place of who may use the proxy, and who may create nodes. They hold from the next question on, also
   * for pairs that wait already; bytestreams that run go on.
   *
   * @throws BytestreamError `ERR_CONFIG` for a rule that is none; then the old ones stay
   */
  changeAccess(settings: AccessSettings): void {
    const creators = creatorsOf(settings)
    // Both or none: what is wrong with one is found before the other is changed.
    new AccessList(...creators)
    this.#access.replace(...rulesOf(settings))
    this.#mayCreate.replace(...creators)
  }

  /** Puts other rates in place, for bytestreams that run, too. */
  changeRates(settings: RateSettings): void {
    this.streamhost.changeRates(ratesOf(settings))
  }

  /** Lets running bytestreams finish and tells subscribers what waits, for as long as the settings say, then closes everything. */
  async close({ drainMs = this.#init.settings['drain-time-max'] }: { drainMs?: number } = {}): Promise<void> {
    this.#isClosing = true
    this.#monitor?.stop()
    this.#checking.abort()
    await this.#checked
    await Promise.all([this.streamhost.close({ drainMs }), this.#pubsub?.drain(drainMs)])
    await Promise.all(this.#sessions.map((session) => session.stop()))
    await this.#pubsub?.[Symbol.asyncDispose]()
    await this.#embedded?.close()
    await this.#monitor?.close()
  }

  /** Does what {@link close} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ drainMs: 0 })
  }

  /** Whether clients can find and reach the proxy; nothing waits for the answer. */
  async #check(session: Session): Promise<void> {
    const components = { session, clock: this.#clock, logger: this.#logger }
    const waitingSockets = (dstAddr: DstAddr) => this.streamhost.waitingSockets(dstAddr)
    try {
      const isReachable = await checkOwnProxy(components, { advertised: this.#advertised, waitingSockets, signal: this.#checking.signal })
      this.emit('looked', { isReachable })
    } catch (err) {
      this.#logger.error({ err }, 'could not look whether clients reach the proxy')
    }
  }

  /** The limits promise more than the system gives. */
  #warnOfDescriptors(): void {
    const { openSocketsMax } = this.streamhost.limits
    const promised = this.#init.settings['open-sockets-max']
    if (promised <= openSocketsMax) return
    this.#logger.warn(
      { promised, openSocketsMax, descriptors: descriptorLimit() },
      'fewer sockets can be open than --open-sockets-max promises: raise ulimit -n (LimitNOFILE= of a systemd unit), or lower the setting',
    )
  }

  /** What moves the octets, and why it is not what does it best. */
  #tellEngine(): void {
    const { engine, engineReason: because } = this.streamhost
    if (because === undefined) this.#logger.info({ engine }, 'octets are relayed by native code')
    else this.#logger.info({ engine, because }, 'octets are relayed in JavaScript: the native relay is faster')
  }

  /** One line a bytestream at `info`; who came and went at `debug`. What is refused, the streamhost and the proxy tell. */
  #logBytestreams(proxy: BytestreamProxy): void {
    const logger = this.#logger
    this.streamhost.on('waiting', (facts) => logger.debug(facts, 'a socket waits'))
    this.streamhost.on('left', ({ code, ...facts }) => {
      if (code === undefined) logger.debug(facts, 'a waiting socket is gone')
    })
    const parties = new Map<DstAddr, { from: string; targetJid: string }>()
    proxy.on('activationAsked', ({ from, targetJid, dstAddr, code }) => {
      if (code === undefined) parties.set(dstAddr, { from, targetJid })
    })
    this.streamhost.on('closed', ({ dstAddr, engine, totals: { firstToSecond, secondToFirst, end }, durationMs: ms }) => {
      const { from, targetJid } = parties.get(dstAddr) ?? {}
      const durationMs = Math.round(ms)
      logger.info({ from, targetJid, dstAddr, engine, firstToSecond, secondToFirst, end, durationMs }, 'a bytestream is over')
      parties.delete(dstAddr)
    })
  }

  #throwIfClosing(): void {
    if (this.#isClosing) throw new BytestreamError('ERR_ABORTED', 'the service was closed while it started')
  }

  /** First of all, so that it can be asked how the start goes; what it needs is loaded only then. */
  async #startMonitor(): Promise<void> {
    const { http } = this.#init.settings
    if (!http) return
    const { Monitor } = await import('./http/index.ts')
    this.#throwIfClosing()
    const streamhost = this.hasProxy ? this.streamhost : undefined
    this.#monitor = new Monitor({ clock: this.#clock, logger: this.#logger, streamhost })
    this.#httpAddress = await this.#monitor.listen(http)
    this.#logger.info({ ...this.#httpAddress }, 'tells over HTTP how the service is')
  }

  /** @returns its port for components */
  async #startEmbedded(): Promise<HostPort | undefined> {
    const { settings, secret, accounts, tls } = this.#init
    if (!settings.embedded) return undefined
    const [domain] = defaultRules(settings.domain)
    if (!domain)
      throw new BytestreamError(
        'ERR_CONFIG',
        `--domain: "${settings.domain}" has one label; with --embedded it needs two, such as proxy.localhost`,
      )
    if (!accounts?.length)
      this.#logger.warn({ domain }, 'the embedded server has no accounts, so nobody can log in: --embedded-accounts-file names them')
    const identity = tls ?? (await makeIdentity(domain))
    this.#throwIfClosing()
    this.#embedded = new EmbeddedServer(
      { clock: this.#clock, logger: this.#logger },
      {
        domain,
        accounts: accounts ?? [],
        components: [settings.domain, ...(this.#feedsDomain ? [this.#feedsDomain] : [])].map((jid) => ({ jid, secret })),
        clientListen: settings['embedded-listen'],
        componentListen: { host: '127.0.0.1', port: 0 },
        tls: identity,
      },
    )
    const { client, component } = await this.#embedded.listen()
    this.#clientAddress = client
    this.#accountsDomain = domain
    const { fingerprint } = this.#embedded
    this.#logger.info({ domain, host: client.host, port: client.port, fingerprint }, 'the embedded XMPP server accepts clients')
    return component
  }
}

/** @returns who is allowed, who is denied */
function rulesOf({ allow, deny, domain }: AccessSettings): [allow: readonly string[], deny: readonly string[]] {
  return [allow ?? defaultRules(domain), deny]
}

/** @returns who may create nodes, who is denied */
function creatorsOf(settings: AccessSettings): [allow: readonly string[], deny: readonly string[]] {
  const [allow, deny] = rulesOf(settings)
  return [settings['pubsub-create'] ?? allow, deny]
}

/** @throws BytestreamError `ERR_CONFIG` where it is no second address */
function checkFeedsDomain({ 'feeds-domain': feedsDomain, 'pubsub-only': isAlone, domain }: ServiceSettings): void {
  if (feedsDomain === undefined || (feedsDomain !== domain && !isAlone)) return
  const message = '--feeds-domain is a second address, beside that of the proxy: publish-subscribe alone is served at --domain'
  throw new BytestreamError('ERR_CONFIG', message)
}
