import { type Logger, LogRation } from '../../core/index.ts'
import type { Notice } from '../../pubsub/index.ts'
import { BoundedMap } from './bounded-map.ts'
import type { Consumer } from './consumers.ts'
import type { DeliveryForms } from './delivery-forms.ts'
import { FullLanes } from './full-lanes.ts'
import { type Handed, type HandOverComponents, nextFor, takeShare } from './hand-over.ts'
import { Keeping } from './keeping.ts'
import { Lane } from './lane.ts'
import { Preparing, type PreparingComponents } from './preparing.ts'
import { Settling } from './settling.ts'

export interface DeliveriesComponents extends PreparingComponents {
  /** Borrowed. */
  readonly forms: DeliveryForms
  readonly logger: Logger
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** How delivering goes, since the start. */
export interface DeliveryCounts {
  /** What is handed over again counts again. */
  readonly handed: number
  readonly acknowledged: number
  readonly returned: number
  /** Given up: they are dead letters. */
  readonly dead: number
}

/** Octets of one piece. */
const PIECE_BYTES = 64 * 1024
/** Milliseconds for the making of one piece. */
const PIECE_MS_MAX = 4
/** Accounts of which it is remembered that what the process before had handed over is to be handed over again, once it was. */
const MET_MAX = 100_000

interface Piece {
  readonly text: string
  readonly handed: readonly Handed[]
}

/**
 * Hands what waits in queues to those of its account who are there: in order, one of them each message, at the pace the server reads, and
 * fair between accounts. It sleeps until something is queued, somebody comes, or something is due again.
 *
 * What is handed over is kept before it is sent: who acknowledges gets it again by another process, who cannot gets nothing twice.
 *
 * @see docs/feeds.md
 */
export class Deliveries implements Disposable {
  readonly #components: DeliveriesComponents
  readonly #preparing: Preparing
  readonly #handing: HandOverComponents
  /** Of accounts that have something to get, and somebody there. */
  readonly #lanes = new Map<string, Lane>()
  /** Accounts whose turn it is, the first being the next. */
  readonly #ready = new Set<string>()
  readonly #keeping: Keeping
  readonly #settling: Settling
  readonly #full: FullLanes
  readonly #rations: LogRation<'not asked' | 'dead'>
  /** Accounts whose messages were handed over by this process alone. */
  #met = new BoundedMap<string, true>(MET_MAX)
  readonly #counts = { handed: 0, acknowledged: 0, returned: 0, dead: 0 }
  #isRunning = false
  #isOver = false
  #onIdle = () => {}

  constructor(components: DeliveriesComponents) {
    const { session, pubsub, availability, forms, clock, logger, now = Date.now } = components
    this.#components = components
    this.#preparing = new Preparing(components)
    this.#handing = { pubsub, forms, now }
    this.#rations = new LogRation(clock)
    this.#keeping = new Keeping({ clock, logger, onFailed: () => this.#forget(), onResumed: () => this.#resume() })
    const letGo = (account: string, messageId: number) => this.#letGo(account, messageId)
    const [onAgain, onDead] = [(account: string) => this.#wakeAgain(account), (letters: number) => this.#bury(letters)]
    this.#settling = new Settling({ pubsub, clock, now, keeping: this.#keeping, letGo, onAgain, onDead })
    this.#full = new FullLanes(clock, (account) => this.#wake(account))
    session.on('online', this.#run)
    availability.on('available', this.#onAvailable).on('unavailable', this.#onUnavailable)
    this.#settling.setAlarm()
  }

  get counts(): DeliveryCounts {
    return this.#counts
  }

  /** Something waits, and is committed. */
  tell(notices: readonly Notice[]): void {
    for (const notice of notices) {
      if (notice.kind !== 'queued') continue
      for (const account of notice.accounts) this.#wake(account)
    }
  }

  /** What had been given up waits again, at the place it had, and that is committed. */
  tellAgain(notices: readonly Notice[]): void {
    for (const notice of notices) {
      if (notice.kind !== 'queued') continue
      for (const account of notice.accounts) this.#wakeAgain(account)
    }
  }

  /** Somebody has it. @returns whether it still waited */
  acknowledge(account: string, messageId: number): boolean {
    const wasWaiting = this.#components.pubsub.queues.acknowledge(account, { messageId })
    this.#letGo(account, messageId)
    if (wasWaiting) this.#counts.acknowledged += 1
    return wasWaiting
  }

  /** It came back. @param isAbsent because nobody is there: then somebody else gets it, or the same account later */
  giveBack(account: string, messageId: number, { jid, reason, isAbsent }: { jid: string; reason: string; isAbsent: boolean }): void {
    const { pubsub, availability, logger } = this.#components
    const { queues } = pubsub
    const became = isAbsent ? queues.released(account, { jid, messageId }) : queues.returned(account, messageId, { reason })
    if (became === false || became === 'gone') return
    this.#counts.returned += 1
    if (became === 'dead') this.#bury(1)
    logger.debug({ jid, messageId, reason }, 'a message of a feed came back')
    this.#letGo(account, messageId)
    if (isAbsent) {
      this.#wakeAgain(account)
      availability.vanished(jid)
    }
    this.#settling.setAlarm()
  }

  /** Hands over what can be, for so long at most; what is left waits. */
  async drain(msMax: number): Promise<void> {
    if (!this.#isRunning) return
    await new Promise<void>((resolve) => {
      const cancel = this.#components.clock.after(msMax, resolve)
      this.#onIdle = () => {
        cancel()
        resolve()
      }
    })
  }

  [Symbol.dispose](): void {
    const { session, availability } = this.#components
    this.#isOver = true
    this.#keeping[Symbol.dispose]()
    this.#settling[Symbol.dispose]()
    this.#full[Symbol.dispose]()
    session.off('online', this.#run)
    availability.off('available', this.#onAvailable).off('unavailable', this.#onUnavailable)
    this.#ready.clear()
    this.#lanes.clear()
  }

  readonly #onAvailable = ({ account }: { readonly account: string }) => {
    this.#lanes.get(account)?.crewChanged()
    this.#wake(account)
  }

  readonly #onUnavailable = ({ account, jid }: { readonly account: string; readonly jid: string }) => {
    const lane = this.#lanes.get(account)
    lane?.crewChanged()
    for (const [messageId, consumer] of lane?.held ?? []) if (consumer.jid === jid) lane?.held.delete(messageId)
    this.#keeping.try(() => this.#components.pubsub.queues.released(account, { jid }))
    this.#wake(account)
  }

  #wake(account: string): void {
    if (this.#isOver) return
    this.#ready.add(account)
    void this.#run()
  }

  /** What was passed over, or handed over, may have to be handed over now. */
  #wakeAgain(account: string): void {
    this.#lanes.get(account)?.lookAgain()
    this.#wake(account)
  }

  /** @returns who had it, and was to acknowledge it */
  #letGo(account: string, messageId: number): Consumer | undefined {
    const lane = this.#lanes.get(account)
    const consumer = lane?.held.get(messageId)
    lane?.held.delete(messageId)
    this.#wake(account)
    return consumer
  }

  readonly #run = async (): Promise<void> => {
    if (this.#isRunning) return
    this.#isRunning = true
    // What is said in one turn of the event loop goes together.
    await new Promise(setImmediate)
    while (this.#ready.size > 0 && this.#components.session.isOnline && !this.#keeping.isPaused && !this.#isOver) {
      const piece = this.#takePiece()
      if (piece.handed.length > 0) await this.#send(piece)
      // Others have their turn, however fast the system takes it.
      await new Promise(setImmediate)
    }
    this.#isRunning = false
    this.#settling.setAlarm()
    this.#onIdle()
  }

  #takePiece(): Piece {
    const { clock } = this.#components
    const endMs = clock.now() + PIECE_MS_MAX
    const handed: Handed[] = []
    let text = ''
    // An account that is added again while they are gone through comes last, and is met again.
    for (const account of this.#ready) {
      this.#ready.delete(account)
      const share = this.#keeping.try(() => this.#takeFor(account))
      if (!share) {
        this.#ready.add(account)
        break
      }
      text += share.text
      handed.push(...share.handed)
      if (text.length >= PIECE_BYTES || clock.now() >= endMs) break
    }
    return { text, handed }
  }

  #takeFor(account: string): Piece {
    const { availability } = this.#components
    if (this.#isOver || availability.resourcesOf(account).length === 0) {
      this.#lanes.delete(account)
      return nothing
    }
    const lane = this.#lanes.get(account) ?? this.#openLane(account)
    if (lane.isPreparing) return nothing
    const next = nextFor(this.#handing, lane)
    if (lane.isFull) this.#full.add(account)
    if (next.entries.length === 0) {
      if (lane.isIdle) this.#lanes.delete(account)
      return nothing
    }
    if (!lane.crew) {
      void this.#prepare(lane)
      return nothing
    }
    const share = takeShare(this.#handing, { lane, crew: lane.crew, ...next })
    lane.contacts = new Map() // Rosters change.
    if (lane.isFull) this.#full.add(account)
    if (share.rest === 'unknown') void this.#prepare(lane)
    else if (share.rest === 'more') this.#ready.add(account)
    return share
  }

  /** What another process of ours handed over is to be handed over again. */
  #openLane(account: string): Lane {
    const { pubsub } = this.#components
    if (!this.#met.get(account)) {
      if (pubsub.queues.released(account, {})) void pubsub.committed().catch((err) => this.#meetAgain(account, err))
      this.#met.set(account, true)
    }
    const lane = new Lane(account)
    this.#lanes.set(account, lane)
    return lane
  }

  /** Something else that was written in that turn could not be kept, and took it along. */
  #meetAgain(account: string, err: unknown): void {
    if (this.#isOver) return
    this.#keeping.failed(err)
    this.#lanes.delete(account)
    this.#wake(account)
  }

  /** Asks all that has to be asked before an account gets something. */
  async #prepare(lane: Lane): Promise<void> {
    lane.isPreparing = true
    try {
      await this.#preparing.prepare(lane, this.#handing)
    } catch (err) {
      const suppressed = this.#rations.take('not asked')
      if (suppressed !== undefined)
        this.#components.logger.warn({ err, suppressed }, 'it could not be asked what subscribers of feeds can take')
      this.#keeping.pause()
    }
    lane.isPreparing = false
    this.#wake(lane.account)
  }

  async #send({ text, handed }: Piece): Promise<void> {
    const { session, pubsub, logger } = this.#components
    try {
      await pubsub.settled()
    } catch (err) {
      for (const { account, messageId } of handed) {
        this.#letGo(account, messageId)
        this.#wakeAgain(account)
      }
      this.#keeping.failed(err)
      return
    }
    const hasConnection = session.isOnline
    if (await session.sendPiece(text)) {
      this.#counts.handed += handed.length
      logger.debug({ messages: handed.length }, 'messages of feeds were handed over')
      return
    }
    // Part of it may have left: then who cannot acknowledge gets none of it twice.
    for (const { account, messageId, consumer } of handed) {
      const { jid, abilities } = consumer
      if (hasConnection && abilities.acknowledges === 'not') continue
      this.#keeping.try(() => pubsub.queues.released(account, { jid, messageId }))
      this.#letGo(account, messageId)
      this.#wakeAgain(account)
    }
  }

  #bury(letters: number): void {
    this.#counts.dead += letters
    const suppressed = this.#rations.take('dead')
    if (suppressed !== undefined) {
      this.#components.logger.warn({ letters, suppressed }, 'messages of feeds are given up: owners see them as dead letters')
    }
  }

  /** What was written just now may have been taken back. */
  #forget(): void {
    this.#met = new BoundedMap(MET_MAX)
  }

  #resume(): void {
    this.#settling.setAlarm()
    void this.#run()
  }
}

const nothing: Piece = { text: '', handed: [] }
