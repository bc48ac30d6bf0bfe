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
  type StreamTargets,
  type WayMemory,
} from '../bytestreams/index.ts'
import { type Clock, type Logger, orAbort, silentLogger, softwareUri, systemClock, throwIfAborted, version } from '../core/index.ts'
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
import { type FetchedBefore, type FetchInit, fetchFile } from './fetch.ts'
import { hashesPart } from './hashes.ts'
import { FileSessions } from './jingle/file-sessions.ts'
import { Together } from './jingle/together.ts'
import { checkProxyIsUsed } from './negotiation.ts'
import { type FileToSend, OfferedBefore, type SendInit } from './offering.ts'
import { OwnPresence } from './own-presence.ts'
import { type ObtainInit, obtainFile } from './published/obtain.ts'
import { PendingStarts } from './published/pending-starts.ts'
import { Publications, type PublishInit, publicationsPart } from './published/publications.ts'
import { StartResponder } from './published/start-responder.ts'
import { pausable } from './queue/pausing.ts'
import { Turns } from './queue/turns.ts'
import { type ReceiveInit, Receiver } from './receiver.ts'
import { defaultRetry, retrying } from './retry.ts'
import { RunningTransfers } from './running-transfers.ts'
import { type SenderComponents, sendFile } from './sender.ts'
import { type ShareInit, Sharing } from './sharing.ts'
import { SiOffers } from './si-offers.ts'
import { Transfer } from './transfer.ts'
import type { Sent, TransferFacts } from './transfer-facts.ts'

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
/** What others may begin, or ask for. */
type Open = Receiver | Sharing | Publications

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
  readonly #components: SenderComponents & { readonly jingle: JingleSessions }
  readonly #discovery: ServiceDiscovery
  readonly #targets: StreamTargets
  readonly #presence: OwnPresence
  readonly #siOffers: SiOffers
  readonly #files: FileSessions
  readonly #pendingStarts: PendingStarts
  readonly #starts: StartResponder
  readonly #turns: Turns
  readonly #comesBack: boolean
  readonly #running = new RunningTransfers()
  readonly #portMapper: PortMapper | undefined
  readonly #open = new Set<Open>()

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
    this.#comesBack = reconnect
    this.#clock = clock
    this.session = new Session({ clock, logger }, clientConnector(clock, init, resolver), {
      reconnect: reconnect ? 'once online' : 'never',
    })
    const { session } = this
    this.#portMapper = portMapping ? new PortMapper({ clock, logger }) : undefined
    const proxies = new ProxyFinder(session, clock, logger)
    this.#turns = new Turns({ concurrency, concurrencyPerPeer })
    this.#discovery = new ServiceDiscovery(this.session.iqs, { node: softwareUri })
    this.#discovery.add({ identities: [{ category: 'client', type: 'bot', name: 'streamhost' }], features: [] })
    this.#discovery.add(answerEntityQueries(this.session.iqs, clock, { name: 'streamhost', version }))
    this.#targets = {
      socks5: new BytestreamTarget(session, clock, logger, { mayConnect, proxies }),
      inBand: new InBandTarget({ session, clock, logger }),
    }
    const { inBand } = this.#targets
    this.#presence = new OwnPresence(session, this.#discovery, { clock, priority, responders: () => this.#open })
    const announce = (to: string) => this.#presence.show(to)
    const resources = new ResourceFinder(session, clock, announce)
    const portMapper = this.#portMapper
    const basics = { session, clock, logger, proxies, inBand, mayConnect, forwarded, ways, portMapper, resources, announce }
    this.#components = { ...basics, jingle: JingleSessions.of(basics) }
    this.#starts = new StartResponder(session)
    this.#pendingStarts = new PendingStarts(session)
    this.#siOffers = new SiOffers(session, this.#pendingStarts)
    this.#files = new FileSessions(this.#components)
    this.#files.awaited = (peer, sid) => this.#pendingStarts.find('jingle', peer, sid)
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
    const together = new Together(this.#components)
    let hasAccepted = false
    return files.map((each) => {
      const file = typeof each === 'string' ? { path: each } : each
      const before = new OfferedBefore()
      const attempt = (transfer: Transfer) => sendFile(this.#components, file, init, { transfer, together, before })
      const facts = { direction: 'send', peer: init.to, name: file.path } as const
      return this.#begin(facts, { ...init, hasAccepted: () => hasAccepted }, attempt).on('step', ({ step }) => {
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
    if (this.#files.receiver) throw new TypeError('this client receives already')
    const receiver = new Receiver(this.#targets, this.#clock, init)
    this.#files.receiver = receiver
    this.#siOffers.receiver = receiver // Also once it is stopped: it says that it is.
    return this.#openTo(receiver, [this.#siOffers.part, bytestreamsPart, inBandPart, hashesPart, ...this.#files.parts], () => {
      this.#files.receiver = undefined
    })
  }

  /** Asks somebody for a file they share, and receives it, when its turn has come (XEP-0234 §6.2). */
  fetch(init: FetchInit): Transfer {
    const before: FetchedBefore = {}
    const facts = { direction: 'receive', peer: init.from, name: init.file.name ?? '' } as const
    return this.#begin(facts, init, (transfer) => fetchFile(this.#components, init, { transfer, before }))
  }

  /**
   * Begins to send files to those who ask for them. A client shares in one way at a time.
   *
   * @throws BytestreamError `ERR_JID_MALFORMED`, `ERR_CONFIG` for a proxy beside a method that uses none; TypeError when it shares already
   */
  share(init: ShareInit): Sharing {
    checkProxyIsUsed(init)
    if (this.#files.sharing) throw new TypeError('this client shares already')
    const sharing = new Sharing(this.#clock, init)
    this.#files.sharing = sharing
    return this.#openTo(sharing, [hashesPart, ...this.#files.parts], () => {
      this.#files.sharing = undefined
    })
  }

  /**
   * Begins to send what was published elsewhere, in a feed for example, to those who ask for it by its id (XEP-0358, XEP-0137). A client
   * publishes in one way at a time.
   *
   * @throws BytestreamError `ERR_CONFIG` for a proxy beside a method that uses none; TypeError when it publishes already
   */
  publish(init: PublishInit): Publications {
    checkProxyIsUsed(init)
    if (this.#starts.publications) throw new TypeError('this client publishes already')
    const publications = new Publications(this.#components, init)
    this.#starts.publications = publications
    return this.#openTo(publications, [publicationsPart(publications.protocols)], () => {
      this.#starts.publications = undefined
    })
  }

  /** Asks the owner of a published file for it by its id, and receives it, when its turn has come (XEP-0358, XEP-0137). */
  obtain(init: ObtainInit): Transfer {
    const components = { ...this.#components, targets: this.#targets, starts: this.#pendingStarts }
    const facts = { direction: 'receive', peer: init.from, name: init.as ?? init.file?.name ?? '' } as const
    return this.#begin(facts, init, (transfer) => obtainFile(components, init, transfer))
  }

  /** Shows what else this client is to those who ask. @returns to be called when it is to be shown no more @internal */
  show(part: ServicePart): () => void {
    return this.#discovery.add(part)
  }

  /** Sends somebody the presence of this client. @internal */
  showPresence(to: string): void {
    this.#presence.show(to)
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
    const running = [...this.#running.all, ...[...this.#open].flatMap((each) => [...each.running])]
    for (const each of [...this.#open]) each.stop()
    for (const transfer of running) transfer.cancel()
    await Promise.allSettled(running.map(({ done }) => done))
    await Promise.all([this.#portMapper?.[Symbol.asyncDispose](), this.session.stop()])
  }

  /** Does what {@link close} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Does its work whenever its turn has come, until that is done, or no more worth trying. */
  #begin(
    facts: TransferFacts,
    { priority, retry, signal, hasAccepted }: Pick<SendInit, 'priority' | 'retry' | 'signal'> & { readonly hasAccepted?: () => boolean },
    attempt: (transfer: Transfer) => Promise<Sent>,
  ): Transfer {
    const course = { forMs: retry?.forMs ?? (this.#comesBack ? defaultRetry.forMs : 0), ...(hasAccepted && { hasAccepted }) }
    const work = (transfer: Transfer) =>
      pausable(transfer, () => retrying(this.#components, transfer, course, () => this.#turns.take(transfer, () => attempt(transfer))))
    return this.#running.add(new Transfer(this.#clock, { ...facts, priority, isOurs: true }, work, signal))
  }

  /** Lets others begin something, or ask for it, and shows that, until it is stopped. */
  #openTo<T extends Open>(responder: T, parts: readonly ServicePart[], onStopped: () => void): T {
    const shown = parts.map((part) => this.#discovery.add({ ...part })) // Another may show the same.
    const onEnd = () => {
      this.#open.delete(responder)
      onStopped()
      for (const withdraw of shown) withdraw()
      this.#presence.show()
    }
    responder.once('stopped', onEnd)
    this.#open.add(responder)
    this.#presence.announce()
    return responder
  }
}
