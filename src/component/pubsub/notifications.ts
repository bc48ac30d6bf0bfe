import { bareJid, type Clock, type Logger, LogRation, toBytestreamError } from '../../core/index.ts'
import type { Broadcast, ContactsOf, NodeRecord, Notice, Pubsub, Recipient, Told } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import {
  buildPing,
  type DataForm,
  type Element,
  type Message,
  type NotificationParts,
  type Presence,
  parseStanzaError,
} from '../../xep/index.ts'
import { FanOut, type FanOutInit, type Origin } from './fan-out.ts'
import { type FanOutLimits, FanOuts, fanOutLimits } from './fan-outs.ts'
import { NotificationIds } from './notification-ids.ts'
import type { Rosters } from './rosters.ts'
import { WordRates } from './word-rates.ts'
import { writeNotice } from './write-notice.ts'

export interface NotificationsComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly pubsub: Pubsub
  readonly clock: Clock
  readonly logger: Logger
  /** The configuration of a node, as a form of type result. */
  readonly configForm: (node: NodeRecord) => DataForm
  /** Without them nodes that are for contacts tell nobody else than those whose affiliation lets them in. */
  readonly rosters?: Pick<Rosters, 'readNow'>
}

export interface NotificationsInit {
  /** The address of the service. */
  readonly jid: string
  readonly limits?: Partial<FanOutLimits>
}

/** How telling goes; counts are since the start. */
export interface NotificationCounts {
  readonly sent: number
  /** What there was no room for: each for all its recipients. */
  readonly dropped: number
  readonly ended: number
  /** Now: what is not yet told to all. */
  readonly waiting: number
  /** Now. */
  readonly waitingBytes: number
}

/**
 * Tells what has happened to whoever is to know: in pieces, at the pace the server reads, in the order of each node, fair between nodes.
 * While there is no connection it waits. Who sends notifications back is left alone, and its subscription ends in the end.
 *
 * @see XEP-0060 §12.4
 */
export class Notifications implements Disposable {
  readonly #components: NotificationsComponents
  readonly #jid: string
  readonly #fanOuts: FanOuts
  readonly #ids = new NotificationIds()
  readonly #rations: LogRation<'no room' | 'not ended' | 'too often'>
  readonly #wordRates: WordRates
  #sent = 0
  #dropped = 0
  #ended = 0
  #isTelling = false
  /** Nothing waits any more. */
  #onTold = () => {}
  #isOver = false
  /** Connections there have been. */
  #connections = 0

  constructor(components: NotificationsComponents, { jid, limits }: NotificationsInit) {
    const { session, clock } = components
    this.#components = components
    this.#jid = jid
    const onReady = () => void this.#tellAll()
    this.#fanOuts = new FanOuts(clock, { ...fanOutLimits, ...limits }, this.#onFailed, onReady)
    this.#rations = new LogRation(clock)
    this.#wordRates = new WordRates(clock)
    session.on('online', this.#onOnline).on('ended', this.#onEnded).on('message', this.#onMessage).on('presence', this.#onPresence)
  }

  get counts(): NotificationCounts {
    const { count: waiting, bytes: waitingBytes } = this.#fanOuts
    return { sent: this.#sent, dropped: this.#dropped, ended: this.#ended, waiting, waitingBytes }
  }

  /**
   * Tells what is committed.
   *
   * @param by whose request it comes of: others are written to by name for that at a rate only
   */
  tell(notices: readonly Notice[], by?: string): void {
    const { pubsub, configForm } = this.#components
    if (this.#isOver) return
    for (const notice of notices) {
      if (notice.kind === 'queued') continue
      if (by !== undefined && 'to' in notice && !this.#mayWrite(by, notice.to)) continue
      // What fails here has nobody who could be told.
      try {
        for (const parts of writeNotice({ pubsub, configForm, from: this.#jid }, notice)) this.#add(notice, parts)
      } catch (error) {
        this.#onFailed(error)
      }
    }
    void this.#tellAll()
  }

  /** Settles when everybody has been told, and the server has read all of it, or when the time for that is over. */
  async drain(msMax: number): Promise<void> {
    const { session, clock } = this.#components
    const endMs = clock.now() + msMax
    await this.#allTold(msMax)
    const answerMsMax = endMs - clock.now()
    if (answerMsMax <= 0 || this.#sent === 0 || !session.isOnline) return
    // What comes back to us the server has read behind all that was said before.
    await session.request({ type: 'get', to: this.#jid, payload: buildPing() }, { answerMsMax }).catch(() => {})
  }

  [Symbol.dispose](): void {
    const { session } = this.#components
    session.off('online', this.#onOnline).off('ended', this.#onEnded).off('message', this.#onMessage).off('presence', this.#onPresence)
    this.#onEnded()
  }

  readonly #onFailed = (err: unknown) => this.#components.logger.error({ err }, 'subscribers could not be told')
  readonly #onOnline = () => {
    this.#connections += 1
    void this.#tellAll()
  }
  readonly #onEnded = () => {
    const { count: waiting, bytes: waitingBytes } = this.#fanOuts
    if (waiting > 0)
      this.#components.logger.warn({ waiting, waitingBytes }, 'not everybody was told of what has happened: the service ends')
    this.#isOver = true
    this.#fanOuts.clear()
    this.#onTold()
  }
  readonly #onPresence = ({ type, from }: Presence) => {
    if (type === 'available' && from) this.#components.pubsub.bounces.heard(from)
  }
  readonly #onMessage = (message: Required<Message>, stanza: Element) => {
    if (message.type !== 'error' || !message.id || !message.from) return
    this.#takeBack(message.id, message.from, stanza).catch((err) => {
      const suppressed = this.#rations.take('not ended')
      if (suppressed === undefined) return
      this.#components.logger.error({ err, suppressed }, 'subscriptions whose notifications come back could not be ended')
    })
  }

  #mayWrite(by: string, to: readonly string[]): boolean {
    const account = bareJid(by)
    const others = to.filter((jid) => bareJid(jid) !== account).length
    if (others === 0 || this.#wordRates.take(account, others)) return true
    const suppressed = this.#rations.take('too often')
    if (suppressed !== undefined) {
      this.#components.logger.warn({ from: by, suppressed }, 'others are not told what an account does at nodes: it is too much')
    }
    return false
  }

  #add(notice: Told, parts: NotificationParts): void {
    const { pubsub, logger } = this.#components
    const { node, nodeId } = placeOf(notice)
    const fanOut = new FanOut({
      node,
      parts,
      ...('to' in notice ? { audience: [notice.to] } : this.#audienceOf(notice)),
      originOf: (collection) => this.#originOf(collection === undefined ? nodeId : this.#idOf(collection)),
      onOver: () => {
        if (!('to' in notice)) pubsub.told(notice)
      },
    })
    const dropped = this.#fanOuts.add(fanOut)
    if (dropped === 0) return
    this.#dropped += dropped
    const suppressed = this.#rations.take('no room')
    if (suppressed === undefined) return
    const { count: waiting, bytes: waitingBytes } = this.#fanOuts
    logger.warn({ suppressed, waiting, waitingBytes }, 'subscribers are not told: too much waits to be sent')
  }

  /** Rosters are read when all that decides whom to tell has happened: who has left one by then is told nothing any more. */
  #audienceOf(notice: Broadcast): Pick<FanOutInit, 'audience' | 'prepare'> {
    const { pubsub, rosters } = this.#components
    const owners = pubsub.rostersToTell(notice)
    if (owners.length === 0 || !rosters) return { audience: pubsub.audience(notice) }
    let contactsOf: ContactsOf = () => []
    const prepare = async () => {
      contactsOf = await rosters.readNow(owners)
    }
    return { audience: pubsub.audience(notice, (account) => contactsOf(account)), prepare }
  }

  #originOf(nodeId: number): Origin {
    return { nodeId, idPrefix: this.#ids.prefixOf(nodeId) }
  }

  #idOf(collection: string): number {
    try {
      return this.#components.pubsub.node(collection).id
    } catch (thrown) {
      if (toBytestreamError(thrown).code === 'ERR_ITEM_NOT_FOUND') return 0 // It was deleted meanwhile.
      throw thrown
    }
  }

  async #tellAll(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    const { session } = this.#components
    while (session.isOnline) {
      const piece = this.#fanOuts.take((fanOut, recipient) => this.#writeOne(fanOut, recipient))
      if (!piece) break
      const connection = this.#connections
      if (piece.text === '') await new Promise(setImmediate)
      else if (await session.sendPiece(piece.text)) this.#sent += piece.messages
      else if (this.#isOver) break
      else {
        this.#fanOuts.putBack(piece)
        if (connection === this.#connections) break
      }
    }
    this.#isTelling = false
    if (this.#fanOuts.count === 0) this.#onTold()
  }

  #allTold(msMax: number): Promise<void> {
    if (!this.#isTelling && this.#fanOuts.count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#components.clock.after(msMax, resolve)
      this.#onTold = () => {
        cancel()
        resolve()
      }
    })
  }

  #writeOne(fanOut: FanOut, recipient: Recipient): string | undefined {
    const { nodeId, idPrefix } = fanOut.originOf(recipient)
    const jid = typeof recipient === 'string' ? recipient : recipient.jid
    return this.#components.pubsub.bounces.mayTell(nodeId, jid) ? fanOut.write(recipient, this.#ids.next(idPrefix)) : undefined
  }

  /** A notification comes back. It counts from the address it went to, and while that is subscribed. */
  async #takeBack(id: string, from: string, stanza: Element): Promise<void> {
    const { pubsub, logger } = this.#components
    const nodeId = this.#ids.nodeOf(id)
    const node = nodeId && pubsub.subscribedNode(nodeId, from)
    if (!nodeId || !node) return
    if (!pubsub.bounces.failed(nodeId, from, parseStanzaError(stanza).stanzaError)) return
    pubsub.endSubscriptions(node, from)
    await pubsub.committed()
    this.#ended += 1
    logger.info({ from }, 'a subscription has ended: what its subscriber is told has come back for too long')
  }
}

/** The node a notice is of, and the id of that whose subscribers it is for: 0 where it is about a subscription, and belongs to none. */
function placeOf(notice: Told): { readonly node: string; readonly nodeId: number } {
  if ('subscription' in notice) return { node: notice.subscription.node, nodeId: 0 }
  const { node } = notice
  return typeof node === 'string' ? { node, nodeId: 0 } : { node: node.name, nodeId: node.id }
}
