import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { BytestreamError, bareJid, type ErrorCode, type Logger, silentLogger, toBytestreamError } from '../../core/index.ts'
import type { Notice, Pubsub, SubscriptionView } from '../../pubsub/index.ts'
import type { DiscoNodes, ServicePart, Session } from '../../session/index.ts'
import {
  attribute,
  buildApprovalRequest,
  buildErrorReply,
  buildMessage,
  buildPubsubAnswer,
  type Element,
  type IqRequest,
  NS,
  type PubsubAction,
  parseApproval,
  parseCommand,
  parsePubsubRequest,
} from '../../xep/index.ts'
import { askerOf } from './askers.ts'
import { Commands, performStep, type ServiceCommand } from './commands.ts'
import { getPending } from './get-pending.ts'
import { showNodes } from './nodes.ts'
import type { Notifications } from './notifications.ts'
import type { Rosters } from './rosters.ts'
import { featuresOf, perform, waitsForDisk } from './use-cases.ts'

export interface PubsubServiceComponents {
  readonly session: Session
  readonly pubsub: Pubsub
  readonly notifications: Pick<Notifications, 'tell'>
  /** Without them nobody is a contact of anybody. */
  readonly rosters?: Pick<Rosters, 'contacts'>
  readonly logger?: Logger
}

/** What somebody asks: a request of XEP-0060, a step of a command, an owner's decision, or nothing that is understood. */
export type AskedFor = PubsubAction | 'command' | 'decide' | 'unknown'

/** Facts, after the answer was decided. `code` is set where it is an error. */
export interface PubsubServiceEvents {
  asked: [{ from: string; action: AskedFor; code: ErrorCode | undefined }]
}

/** What a handler finds out on its way, for whoever tells of it. */
interface Course {
  action: AskedFor
}

/**
 * The XMPP side of publish-subscribe: takes what is asked, tells whom it is of interest once it is committed, and answers once it is
 * durable: nobody who is told has to wait for the disk.
 *
 * @see XEP-0060
 */
export class PubsubService extends EventEmitter<PubsubServiceEvents> {
  readonly part: ServicePart & { readonly nodes: DiscoNodes }
  readonly #components: PubsubServiceComponents
  readonly #commands: Commands
  #isClosing = false

  constructor(components: PubsubServiceComponents) {
    super()
    this.#components = components
    const { session, pubsub } = components
    const commands = new Commands([getPending(pubsub)])
    this.#commands = commands
    const nodes = showNodes({ pubsub, commands, jid: () => session.jid, askerOf: (from, node) => askerOf(components, from, node) })
    this.part = {
      identities: [{ category: 'pubsub', type: 'service', name: 'Publish-subscribe' }],
      // They come and go with what the server grants.
      get features() {
        // XEP-0004 §6: owners decide by forms that stand in messages themselves.
        return [...featuresOf(pubsub), NS.commands, NS.dataForms]
      },
      nodes,
    }
    for (const type of ['get', 'set'] as const) {
      for (const xmlns of [NS.pubsub, NS.pubsubOwner]) {
        session.iqs.handle(type, xmlns, 'pubsub', (request) => this.#answer(request, (course) => this.#perform(request, course)))
      }
    }
    session.iqs.handle('set', NS.commands, 'command', (request) => this.#answer(request, (course) => this.#command(request, course)))
    session.on('message', (_, stanza) => void this.#decide(stanza))
    session.iqs.refuseCut((from) => this.#refuseCut(from))
  }

  /** Shows another command, and performs it. */
  addCommand(command: ServiceCommand): void {
    this.#commands.add(command)
  }

  /** Nothing is changed any more; what is there can be asked for. */
  close(): void {
    this.#isClosing = true
  }

  async #perform({ type, from, payload }: IqRequest, course: Course): Promise<Element | undefined> {
    const request = parsePubsubRequest(type, payload)
    course.action = request.action
    if (type === 'set') this.#throwIfClosing()
    const { pubsub } = this.#components
    const node = 'node' in request ? request.node : undefined
    const found = node === undefined ? { jid: from } : askerOf(this.#components, from, node)
    const asker = found instanceof Promise ? await found : found
    // Once more: rosters take their time.
    if (type === 'set') this.#throwIfClosing()
    const { answer, notices = [], refused } = perform(pubsub, asker, request)
    const kept = type === 'set' ? pubsub.kept() : undefined
    await kept?.committed
    this.#tell(notices, from)
    if (waitsForDisk(request.action)) await kept?.settled
    if (refused) throw refused
    return buildPubsubAnswer(request.action, answer)
  }

  async #command({ from, payload }: IqRequest, course: Course): Promise<Element> {
    course.action = 'command'
    const name = attribute(payload, 'node')
    if (!name) throw new BytestreamError('ERR_BAD_REQUEST', 'no command is named')
    const command = this.#commands.find(name)
    const { answer, pending } = await performStep(command, { jid: from }, parseCommand(payload, command.formType))
    if (pending.length > 0) process.nextTick(() => this.#askAgain(from, pending))
    return answer
  }

  /** Who has asked is asked, at that device, and at once: what is answered from now on comes behind it, so that nothing more has to be waited for. */
  #askAgain(to: string, pending: readonly SubscriptionView[]): void {
    const { session } = this.#components
    for (const each of pending) session.send(buildMessage({ from: session.jid, to, id: randomUUID() }, buildApprovalRequest(each)))
  }

  /** Who would have to be told might not be any more. */
  #throwIfClosing(): void {
    if (this.#isClosing) throw new BytestreamError('ERR_SHUTTING_DOWN', 'the service is shutting down')
  }

  /** XEP-0060 §7.1.3.5: what is so large was to be published, as far as anybody can tell. */
  #refuseCut(from: string): BytestreamError {
    const { payloadBytesMax } = this.#components.pubsub.limits
    const error = new BytestreamError('ERR_PUBSUB_PAYLOAD_TOO_BIG', `a payload has at most ${payloadBytesMax} octets`)
    this.emit('asked', { from, action: 'unknown', code: error.code })
    return error
  }

  /** XEP-0060 §8.6: a decision is a message, and has no answer unless something is wrong with it. */
  async #decide(stanza: Element): Promise<void> {
    if (attribute(stanza, 'type') === 'error' || !stanza.getChild('x', NS.dataForms)) return
    const [from, to] = [attribute(stanza, 'from') ?? '', attribute(stanza, 'to') ?? '']
    const { session, logger = silentLogger } = this.#components
    try {
      await this.#answer({ from, to }, (course) => this.#settle(from, stanza, course))
    } catch (thrown) {
      const isOurs = thrown instanceof BytestreamError
      if (!isOurs) logger.error({ err: thrown, from }, 'a decision about a subscription failed')
      session.send(buildErrorReply(stanza, toBytestreamError(thrown).stanzaError, isOurs ? thrown.message : ''))
    }
  }

  async #settle(from: string, stanza: Element, course: Course): Promise<undefined> {
    course.action = 'decide'
    const approval = parseApproval(stanza)
    if (!approval) return
    this.#throwIfClosing()
    const { pubsub } = this.#components
    const { notices } = pubsub.decide({ jid: from }, approval, approval.isAllowed)
    await pubsub.committed()
    this.#tell(notices, from)
  }

  /** Tells how it went. What is wrong with the disk is no business of whoever asks. */
  async #answer(
    { from, to }: Pick<IqRequest, 'from' | 'to'>,
    work: (course: Course) => Promise<Element | undefined>,
  ): Promise<Element | undefined> {
    const course: Course = { action: 'unknown' }
    this.#components.pubsub.bounces.heard(from)
    try {
      // At the domain of the service nobody lives.
      if (bareJid(to).includes('@')) throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', '')
      const answer = await work(course)
      this.emit('asked', { from, action: course.action, code: undefined })
      return answer
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      this.emit('asked', { from, action: course.action, code: error.code })
      throw error.code.startsWith('ERR_STORAGE') ? new BytestreamError(error.code, '') : thrown
    }
  }

  /** Behind an answer that does not wait for the disk: a subscriber who was told first could not know yet of what. */
  #tell(notices: readonly Notice[], by: string): void {
    if (notices.length > 0) process.nextTick(() => this.#components.notifications.tell(notices, by))
  }
}
