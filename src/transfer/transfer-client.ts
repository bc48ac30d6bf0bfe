import {
  BytestreamTarget,
  bytestreamsPart,
  type ForwardedHost,
  InBandTarget,
  inBandPart,
  JingleSessions,
  LastWays,
  type MayConnect,
  ProxyFinder,
  ResourceFinder,
  StreamInitiationResponder,
  type StreamTargets,
  type WayMemory,
} from '../bytestreams/index.ts'
import { type Clock, type Logger, orAbort, silentLogger, systemClock, throwIfAborted, version } from '../core/index.ts'
import { PortMapper } from '../nat/index.ts'
import {
  type AccountInit,
  answerEntityQueries,
  clientConnector,
  type NameResolver,
  ServiceDiscovery,
  type ServicePart,
  Session,
  systemResolver,
} from '../session/index.ts'
import { buildPresence, NS, type Presence } from '../xep/index.ts'
import { type FetchedBefore, type FetchInit, fetchFile } from './fetch.ts'
import { hashesPart } from './hashes.ts'
import { FileSessions } from './jingle/file-sessions.ts'
import { Together } from './jingle/together.ts'
import { checkProxyIsUsed } from './negotiation.ts'
import { type FileToSend, OfferedBefore, type SendInit } from './offering.ts'
import { pausable } from './queue/pausing.ts'
import { Turns } from './queue/turns.ts'
import { type ReceiveInit, Receiver } from './receiver.ts'
import { defaultRetry, type RetryInit, retrying } from './retry.ts'
import { RunningTransfers } from './running-transfers.ts'
import { type SenderComponents, sendFile } from './sender.ts'
import { type ShareInit, Sharing } from './sharing.ts'
import { Transfer } from './transfer.ts'

/** What a program gives a client, besides what its user sets. */
export interface TransferClientComponents {
  readonly clock?: Clock
  readonly logger?: Logger
  /** Where the server of an account is, when nobody says. Default: what DNS and this machine know. */
  readonly resolver?: NameResolver
  /** How peers were last reached, for a program that makes one client after the other. Default: each client's own. */
  readonly ways?: WayMemory
}

/** An account, and how its client behaves. */
export interface TransferClientInit extends AccountInit {
  /** Files sent, and asked for, at once; more wait for their turn. Default 4. */
  readonly concurrency?: number
  /** Of them, those with one account. Default: all. */
  readonly concurrencyPerPeer?: number
  /** Whether to log in again after the connection was lost. Default true. */
  readonly reconnect?: boolean
  /**
   * Of this client's presence (RFC 6121 §4.7.2.3), -128 to 127. Default -1: with a negative one, messages to the bare JID
   * go to the account's other clients only.
   */
  readonly priority?: number
  /**
   * Whether to connect to an address the other side has named as a streamhost. Default: {@link isOpenDestination}. Proxies of the
   * account's own server may be anywhere.
   */
  readonly mayConnect?: MayConnect
  /**
   * What a NAT forwards to this machine, offered to the other side of Jingle transfers (XEP-0260 §2.1). Each port serves one
   * transfer at a time.
   */
  readonly forwarded?: readonly ForwardedHost[]
  /**
   * Whether the router of this network is asked, by NAT-PMP or UPnP, to forward a port for each Jingle transfer that may go
   * directly; renewed as long as it is needed, and taken back afterwards. That it does not is told by the step `port not mapped`.
   * Default false.
   */
  readonly portMapping?: boolean
  /** Ends the logging in; afterwards it has no meaning. */
  readonly signal?: AbortSignal | undefined
}

const CONCURRENCY = 4
/** Of this software, in its presence (XEP-0115 §4). */
const SOFTWARE = 'https://www.npmjs.com/package/streamhost'
/** Full JIDs that are remembered to have our presence. */
const ANSWERED_MAX = 10_000

/**
 * An account that sends and receives files.
 *
 * ```ts
 * await using client = await TransferClient.connect({ jid: 'laptop@example.org', password })
 * const { sha256 } = await client.send('photo.jpg', { to: 'desk@example.org' }).done
 * ```
 */
export class TransferClient implements AsyncDisposable {
  readonly session: Session
  readonly #clock: Clock
  readonly #components: SenderComponents
  readonly #discovery: ServiceDiscovery
  readonly #targets: StreamTargets
  readonly #responder: StreamInitiationResponder
  readonly #jingle: JingleSessions
  readonly #files: FileSessions
  readonly #turns: Turns
  readonly #priority: number
  readonly #comesBack: boolean
  readonly #running = new RunningTransfers()
  /** Full JIDs that have our presence already; answering each once keeps two receivers from greeting forever. */
  readonly #answered = new Set<string>()
  readonly #portMapper: PortMapper | undefined
  #receiver: Receiver | undefined
  #sharing: Sharing | undefined

  private constructor(components: TransferClientComponents, init: TransferClientInit) {
    const { clock = systemClock, logger = silentLogger, resolver = systemResolver, ways = new LastWays(clock) } = components
    const {
      concurrency = CONCURRENCY,
      concurrencyPerPeer = concurrency,
      reconnect = true,
      priority = -1,
      mayConnect,
      forwarded,
      portMapping = false,
    } = init
    this.#priority = priority
    this.#comesBack = reconnect
    this.#clock = clock
    this.session = new Session({ clock, logger }, clientConnector(clock, init, resolver), {
      reconnect: reconnect ? 'once online' : 'never',
    })
    const { session } = this
    this.#portMapper = portMapping ? new PortMapper({ clock, logger }) : undefined
    const proxies = new ProxyFinder(session, clock, logger)
    this.#turns = new Turns({ concurrency, concurrencyPerPeer })
    this.#discovery = new ServiceDiscovery(this.session.iqs, { node: SOFTWARE })
    this.#discovery.add({ identities: [{ category: 'client', type: 'bot', name: 'streamhost' }], features: [] })
    this.#discovery.add(answerEntityQueries(this.session.iqs, clock, { name: 'streamhost', version }))
    this.#targets = {
      socks5: new BytestreamTarget(session, clock, logger, { mayConnect, proxies }),
      inBand: new InBandTarget({ session, clock, logger }),
    }
    const { inBand } = this.#targets
    const announce = (to: string) => this.#showPresence(to)
    const resources = new ResourceFinder(session, clock, announce)
    this.#components = {
      session,
      clock,
      logger,
      proxies,
      inBand,
      mayConnect,
      forwarded,
      ways,
      portMapper: this.#portMapper,
      resources,
      announce,
    }
    this.#responder = new StreamInitiationResponder(session)
    this.#jingle = JingleSessions.of(this.#components)
    this.#files = new FileSessions(this.#components)
    this.session.on('online', () => this.#announce())
    this.session.on('presence', (presence) => this.#onPresence(presence))
  }

  /**
   * Logs in.
   *
   * @throws BytestreamError `ERR_UNREACHABLE`, `ERR_TLS`, `ERR_AUTHENTICATION`, `ERR_HOST_UNKNOWN`, `ERR_TIMEOUT`, `ERR_JID_MALFORMED`,
   *   `ERR_CONFIG`, `ERR_ABORTED`
   */
  static async connect(init: TransferClientInit, components: TransferClientComponents = {}): Promise<TransferClient> {
    throwIfAborted(init.signal)
    const client = new TransferClient(components, init)
    try {
      await orAbort(client.session.start(), init.signal)
      return client
    } catch (error) {
      await client.session.stop()
      throw error
    }
  }

  /** The full JID of this client. */
  get jid(): string {
    return this.session.jid
  }

  /** Sends a file, when its turn has come. */
  send(path: string, init: SendInit): Transfer {
    const [transfer] = this.sendAll([path], init)
    return transfer as Transfer
  }

  /**
   * Sends files, each when its turn has come; by Jingle in one session, where the receiver takes that. One that fails is no
   * matter of the others. {@link filesIn} finds those of a folder.
   *
   * @param files those with a folder are stored in it, where the receiver makes folders
   */
  sendAll(files: readonly (string | FileToSend)[], init: SendInit): readonly Transfer[] {
    const together = new Together({ clock: this.#clock, jingle: this.#jingle })
    let hasAccepted = false
    return files.map((each) => {
      const file = typeof each === 'string' ? { path: each } : each
      const facts = { direction: 'send', peer: init.to, name: file.path, priority: init.priority, isOurs: true } as const
      const before = new OfferedBefore()
      const work = (transfer: Transfer) => {
        const attempt = () => this.#turns.take(transfer, () => sendFile(this.#components, file, init, { transfer, together, before }))
        const retry = { forMs: this.#retryMs(init), hasAccepted: () => hasAccepted }
        return pausable(transfer, () => retrying(this.#components, transfer, retry, attempt))
      }
      const transfer = this.#running.add(new Transfer(this.#clock, facts, work, init.signal))
      return transfer.on('step', ({ step }) => {
        hasAccepted ||= step === 'accepted'
      })
    })
  }

  /**
   * Begins to accept files. A client receives into one folder at a time.
   *
   * @throws BytestreamError `ERR_JID_MALFORMED`, `ERR_CONFIG` for a proxy beside a method that uses none; TypeError when it receives already
   */
  receive(init: ReceiveInit): Receiver {
    checkProxyIsUsed(init)
    if (this.#receiver && !this.#receiver.isStopped) throw new TypeError('this client receives already')
    const receiver = new Receiver(this.#targets, this.#clock, init)
    const siPart = this.#responder.handle(NS.siFileTransfer, (offer) => receiver.decide(offer))
    const withdraw = this.#show([siPart, bytestreamsPart, inBandPart, hashesPart, ...this.#files.parts])
    this.#files.receiver = receiver
    receiver.once('stopped', () => {
      this.#files.receiver = undefined
      withdraw()
    })
    this.#receiver = receiver
    this.#announce()
    return receiver
  }

  /** Asks somebody for a file they share, and receives it, when its turn has come (XEP-0234 §6.2). */
  fetch(init: FetchInit): Transfer {
    const { from: peer, file, priority } = init
    const facts = { direction: 'receive', peer, name: file.name ?? '', priority, isOurs: true } as const
    const components = { ...this.#components, jingle: this.#jingle }
    const before: FetchedBefore = {}
    const work = (transfer: Transfer) => {
      const attempt = () => this.#turns.take(transfer, () => fetchFile(components, init, { transfer, before }))
      return pausable(transfer, () => retrying(this.#components, transfer, { forMs: this.#retryMs(init) }, attempt))
    }
    return this.#running.add(new Transfer(this.#clock, facts, work, init.signal))
  }

  /**
   * Begins to send files to those who ask for them. A client shares in one way at a time.
   *
   * @throws BytestreamError `ERR_JID_MALFORMED`, `ERR_CONFIG` for a proxy beside a method that uses none; TypeError when it shares already
   */
  share(init: ShareInit): Sharing {
    checkProxyIsUsed(init)
    if (this.#sharing && !this.#sharing.isStopped) throw new TypeError('this client shares already')
    const sharing = new Sharing(this.#clock, init)
    const withdraw = this.#show([hashesPart, ...this.#files.parts])
    this.#files.sharing = sharing
    sharing.once('stopped', () => {
      this.#files.sharing = undefined
      withdraw()
    })
    this.#sharing = sharing
    this.#announce()
    return sharing
  }

  /** Nothing new is sent or asked for until {@link resume}; what runs goes on, and others may still send and ask. */
  pause(): void {
    this.#turns.pause()
  }

  /** What waits gets its turn again. */
  resume(): void {
    this.#turns.resume()
  }

  /** Whether nothing new begins. */
  get isPaused(): boolean {
    return this.#turns.isPaused
  }

  /** Cancels what is under way, and logs out. */
  async close(): Promise<void> {
    const running = [...this.#running.all, ...(this.#receiver?.running ?? []), ...(this.#sharing?.running ?? [])]
    this.#receiver?.stop()
    this.#sharing?.stop()
    for (const transfer of running) transfer.cancel()
    await Promise.allSettled(running.map(({ done }) => done))
    await Promise.all([this.#portMapper?.[Symbol.asyncDispose](), this.session.stop()])
  }

  /** Does what {@link close} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #retryMs({ retry }: { readonly retry?: RetryInit | undefined }): number {
    return retry?.forMs ?? (this.#comesBack ? defaultRetry.forMs : 0)
  }

  /** @returns to be called when it is to be shown no more */
  #show(parts: readonly ServicePart[]): () => void {
    const shown = parts.map((part) => this.#discovery.add({ ...part })) // Another may show the same.
    return () => {
      for (const withdraw of shown) withdraw()
      this.#showPresence()
    }
  }

  /** Who knows where to find us, also when the two accounts have never met. */
  #announce(): void {
    this.#showPresence()
    this.#answered.clear()
    for (const each of [this.#receiver, this.#sharing]) {
      for (const jid of each?.expected ?? []) this.#showPresence(jid)
    }
  }

  /** Some look for what a client can nowhere else than in its presence: COMPAT(Gajim). */
  #showPresence(to?: string): void {
    this.session.send(buildPresence({ type: 'available', to, priority: this.#priority }, this.#discovery.capabilities))
  }

  /** Whoever shows up and may send, or ask, learns where to. */
  #onPresence({ type, from, to }: Presence): void {
    if (!from || from === this.jid) return
    if (type === 'unavailable') this.#answered.delete(from)
    const isExpected = this.#receiver?.isExpected(from) || this.#sharing?.isExpected(from)
    if (type !== 'available' || !to || !isExpected || this.#answered.has(from)) return
    if (this.#answered.size >= ANSWERED_MAX) this.#answered.clear()
    this.#answered.add(from)
    this.#showPresence(from)
  }
}
