import PQueue from 'p-queue'
import { BytestreamTarget, bytestreamsPart, ProxyFinder, ResourceFinder, StreamInitiationResponder } from '../bytestreams/index.ts'
import { type Clock, type Logger, silentLogger, systemClock, version } from '../core/index.ts'
import { type AccountInit, answerEntityQueries, clientConnector, ServiceDiscovery, Session } from '../session/index.ts'
import { buildPresence, NS } from '../xep/index.ts'
import { type ReceiveInit, Receiver } from './receiver.ts'
import { type SendInit, sendFile } from './sender.ts'
import { Transfer } from './transfer.ts'

export interface TransferClientComponents {
  readonly clock?: Clock
  readonly logger?: Logger
}

export interface TransferClientInit extends AccountInit {
  /** Files sent at once; more wait for their turn. Default 4. */
  readonly concurrency?: number
  /** Whether to log in again after the connection was lost. Default true. */
  readonly reconnect?: boolean
  /**
   * Of this client's presence (RFC 6121 §4.7.2.3), -128 to 127. Default -1: with a negative one, messages to the bare JID
   * go to the account's other clients only.
   */
  readonly priority?: number
}

const CONCURRENCY = 4

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
  readonly #logger: Logger
  readonly #proxies: ProxyFinder
  readonly #resources: ResourceFinder
  readonly #discovery: ServiceDiscovery
  readonly #queue: PQueue
  readonly #priority: number
  readonly #running = new Set<Transfer>()
  /** Full JIDs that have our presence already; answering each once keeps two receivers from greeting forever. */
  readonly #answered = new Set<string>()
  #receiver: Receiver | undefined

  private constructor({ clock = systemClock, logger = silentLogger }: TransferClientComponents, init: TransferClientInit) {
    const { concurrency = CONCURRENCY, reconnect = true, priority = -1 } = init
    this.#priority = priority
    this.#clock = clock
    this.#logger = logger
    this.session = new Session({ clock, logger }, clientConnector(clock, init), { reconnect: reconnect ? 'once online' : 'never' })
    this.#proxies = new ProxyFinder(this.session, clock, logger)
    this.#resources = new ResourceFinder(this.session, clock)
    this.#queue = new PQueue({ concurrency })
    this.#discovery = new ServiceDiscovery(this.session.iqs)
    this.#discovery.add({ identities: [{ category: 'client', type: 'bot', name: 'streamhost' }], features: [] })
    this.#discovery.add(answerEntityQueries(this.session.iqs, clock, { name: 'streamhost', version }))
    this.session.on('online', () => this.#announce())
  }

  /**
   * Logs in.
   *
   * @throws BytestreamError `ERR_UNREACHABLE`, `ERR_AUTHENTICATION`, `ERR_HOST_UNKNOWN`, `ERR_TIMEOUT`, `ERR_JID_MALFORMED`
   */
  static async connect(init: TransferClientInit, components: TransferClientComponents = {}): Promise<TransferClient> {
    const client = new TransferClient(components, init)
    await client.session.start()
    return client
  }

  /** The full JID of this client. */
  get jid(): string {
    return this.session.jid
  }

  /** Sends a file, when its turn has come. */
  send(path: string, init: SendInit): Transfer {
    const components = {
      session: this.session,
      proxies: this.#proxies,
      resources: this.#resources,
      clock: this.#clock,
      logger: this.#logger,
    }
    const facts = { direction: 'send', peer: init.to, name: path } as const
    const transfer = new Transfer(this.#clock, facts, (self) => this.#queue.add(() => sendFile(components, path, init, self)), init.signal)
    this.#running.add(transfer)
    const forget = () => this.#running.delete(transfer)
    transfer.once('done', forget).once('failed', forget)
    return transfer
  }

  /**
   * Begins to accept files. A client receives into one folder at a time.
   *
   * @throws BytestreamError `ERR_JID_MALFORMED`; TypeError when it receives already
   */
  receive(init: ReceiveInit): Receiver {
    if (this.#receiver) throw new TypeError('this client receives already')
    const receiver = new Receiver(new BytestreamTarget(this.session, this.#clock, this.#logger), this.#clock, init)
    const responder = new StreamInitiationResponder(this.session)
    this.#discovery.add(responder.handle(NS.siFileTransfer, (offer) => receiver.decide(offer)))
    this.#discovery.add(bytestreamsPart)
    this.#receiver = receiver
    // Whoever may send learns where to, also when the two accounts have never met.
    this.session.on('presence', ({ type, from, to }) => {
      if (type === 'unavailable' && from) this.#answered.delete(from)
      if (type === 'available' && from && to && receiver.isExpected(from) && from !== this.jid) this.#answerPresence(from)
    })
    this.#greetSenders(receiver.expected)
    return receiver
  }

  /** Cancels what is under way, and logs out. */
  async close(): Promise<void> {
    this.#receiver?.stop()
    for (const transfer of this.#running) transfer.cancel()
    await Promise.allSettled([...this.#running].map(({ done }) => done))
    await this.session.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #announce(): void {
    this.session.send(buildPresence({ type: 'available', priority: this.#priority }))
    this.#answered.clear()
    if (this.#receiver) this.#greetSenders(this.#receiver.expected)
  }

  #greetSenders(senders: readonly string[]): void {
    for (const sender of senders) this.session.send(buildPresence({ type: 'available', to: sender, priority: this.#priority }))
  }

  #answerPresence(from: string): void {
    if (this.#answered.has(from)) return
    if (this.#answered.size >= 10_000) this.#answered.clear()
    this.#answered.add(from)
    this.session.send(buildPresence({ type: 'available', to: from, priority: this.#priority }))
  }
}
