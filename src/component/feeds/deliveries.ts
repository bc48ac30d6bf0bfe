import { type Clock, type ErrorCode, type Logger, LogRation, toBytestreamError } from '../../core/index.ts'
import type { Notice, Pubsub } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import type { Rosters } from '../pubsub/rosters.ts'
import type { Availability } from './availability.ts'
import { ConsumerAbilities } from './consumer-abilities.ts'
import type { DeliveryForms } from './delivery-forms.ts'
import { type Handed, type HandOverComponents, lookedAt, takeShare } from './hand-over.ts'
import { findCrew, Lane } from './lane.ts'

export interface DeliveriesComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Borrowed. */
  readonly availability: Availability
  /** Borrowed. */
  readonly forms: DeliveryForms
  /** Without them nodes that are for contacts have nothing delivered. */
  readonly rosters?: Pick<Rosters, 'contacts'> | undefined
  readonly clock: Clock
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
/** Entries that are settled at once. */
const SETTLED_AT_ONCE = 500
/** Milliseconds until it is tried again to write what could not be kept. */
const PAUSE_MS = 10_000
/** The longest sleep: the time of the machine may be set. */
const SLEEP_MS_MAX = 600_000
/** Milliseconds for an error to come back from somebody who should have sent a receipt, and has not. */
const LATE_ERROR_MS_MAX = 1_800_000

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
  readonly #abilities: ConsumerAbilities
  readonly #handing: HandOverComponents
  readonly #now: () => number
  /** Of accounts that have something to get, and somebody there. */
  readonly #lanes = new Map<string, Lane>()
  /** Accounts whose turn it is, the first being the next. */
  readonly #ready = new Set<string>()
  readonly #rations: LogRation<'not kept' | 'not asked' | 'dead'>
  readonly #counts = { handed: 0, acknowledged: 0, returned: 0, dead: 0 }
  #isRunning = false
  #isPaused = false
  #isOver = false
  #onIdle = () => {}
  #callOff = () => {}

  constructor(components: DeliveriesComponents) {
    const { session, pubsub, availability, forms, clock, now = Date.now } = components
    this.#components = components
    this.#now = now
    this.#abilities = new ConsumerAbilities({ session, clock })
    this.#handing = { pubsub, forms, now }
    this.#rations = new LogRation(clock)
    session.on('online', this.#run)
    availability.on('available', this.#onAvailable).on('unavailable', this.#onUnavailable)
    this.#setAlarm()
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
    if (isAbsent) availability.vanished(jid)
    this.#setAlarm()
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
    this.#callOff()
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
    this.#keeping(() => this.#components.pubsub.queues.released(account, { jid }))
    this.#wake(account)
  }

  #wake(account: string): void {
    if (this.#isOver) return
    this.#ready.add(account)
    void this.#run()
  }

  #letGo(account: string, messageId: number): void {
    this.#lanes.get(account)?.held.delete(messageId)
    this.#wake(account)
  }

  readonly #run = async (): Promise<void> => {
    if (this.#isRunning) return
    this.#isRunning = true
    // What is said in one turn of the event loop goes together.
    await new Promise(setImmediate)
    while (this.#ready.size > 0 && this.#components.session.isOnline && !this.#isPaused && !this.#isOver) {
      const piece = this.#takePiece()
      if (piece.handed.length > 0) await this.#send(piece)
      // Others have their turn, however fast the system takes it.
      await new Promise(setImmediate)
    }
    this.#isRunning = false
    this.#setAlarm()
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
      const share = this.#keeping(() => this.#takeFor(account))
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
    const { pubsub, availability } = this.#components
    const lane = this.#lanes.get(account) ?? this.#openLane(account)
    const isWanted = !this.#isOver && availability.resourcesOf(account).length > 0
    if (lane.isPreparing || !isWanted || pubsub.queues.next(account, { limit: lookedAt(lane), nowMs: this.#now() }).length === 0) {
      if (!isWanted || (!lane.isPreparing && lane.held.size === 0 && lane.skipped.size === 0)) this.#lanes.delete(account)
      return nothing
    }
    if (!lane.crew) {
      void this.#prepare(lane)
      return nothing
    }
    const share = takeShare(this.#handing, lane, lane.crew)
    lane.contacts = new Map() // Rosters change.
    if (share.rest === 'unknown') void this.#prepare(lane)
    else if (share.rest === 'more') this.#ready.add(account)
    return share
  }

  /** What another process of ours handed over is to be handed over again. */
  #openLane(account: string): Lane {
    const lane = new Lane(account)
    this.#lanes.set(account, lane)
    this.#components.pubsub.queues.released(account, {})
    return lane
  }

  /** Asks all that has to be asked before an account gets something. */
  async #prepare(lane: Lane): Promise<void> {
    const { pubsub, availability, rosters, logger } = this.#components
    const { account, changes } = lane
    lane.isPreparing = true
    try {
      const crew = lane.crew ?? (await findCrew(availability, this.#abilities, account))
      const entries = pubsub.queues.next(account, { limit: lookedAt(lane), nowMs: this.#now() })
      const asked = [...new Set(entries.map(({ message }) => message.node))].map(async (node) => {
        const owners = pubsub.rostersFor({ jid: account }, node)
        return [node, owners.length > 0 && rosters ? await rosters.contacts(owners, account) : []] as const
      })
      lane.contacts = new Map(await Promise.all(asked))
      if (lane.changes === changes) lane.crew = crew
    } catch (err) {
      const suppressed = this.#rations.take('not asked')
      if (suppressed !== undefined) logger.warn({ err, suppressed }, 'it could not be asked what subscribers of feeds can take')
      this.#pause()
    }
    lane.isPreparing = false
    this.#wake(account)
  }

  async #send({ text, handed }: Piece): Promise<void> {
    const { session, pubsub, logger } = this.#components
    try {
      await pubsub.settled()
    } catch (err) {
      for (const { account, messageId } of handed) this.#letGo(account, messageId)
      this.#notKept(err)
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
      this.#keeping(() => pubsub.queues.released(account, { jid, messageId }))
      this.#letGo(account, messageId)
    }
  }

  /** Until something is due. */
  #setAlarm(): void {
    this.#callOff()
    if (this.#isOver) return
    const dueMs = this.#components.pubsub.queues.nextDueMs()
    if (dueMs === undefined) return
    const sleepMs = Math.min(Math.max(0, dueMs - this.#now()), SLEEP_MS_MAX)
    this.#callOff = this.#components.clock.after(sleepMs, () => this.#settle())
  }

  #settle(): void {
    const { queues } = this.#components.pubsub
    const settled = this.#keeping(() => {
      const some = queues.settleHanded(this.#now(), SETTLED_AT_ONCE)
      for (const entry of some.unacknowledged) {
        const { account, message, handedTo } = entry
        const consumer = this.#lanes.get(account)?.held.get(message.id)
        this.#letGo(account, message.id)
        // XEP-0184 §4: that there is no receipt does not mean that it has not arrived; that there is an error does.
        if (consumer?.jid !== handedTo || consumer?.abilities.acknowledges !== 'by receipt') continue
        queues.handed(entry, { to: consumer.jid, awaits: 'error', untilMs: this.#now() + LATE_ERROR_MS_MAX })
      }
      return some
    })
    if (!settled) return
    if (settled.dead > 0) this.#bury(settled.dead)
    for (const account of settled.accounts) this.#wake(account)
    this.#setAlarm()
  }

  #bury(letters: number): void {
    this.#counts.dead += letters
    const suppressed = this.#rations.take('dead')
    if (suppressed !== undefined) {
      this.#components.logger.warn({ letters, suppressed }, 'messages of feeds are given up: owners see them as dead letters')
    }
  }

  /** @returns what was to be done; `undefined` where it could not be kept, and has not happened */
  #keeping<Result>(work: () => Result): Result | undefined {
    try {
      return work()
    } catch (err) {
      this.#notKept(err)
      return undefined
    }
  }

  #notKept(err: unknown): void {
    const suppressed = this.#rations.take('not kept')
    const { code }: { code: ErrorCode } = toBytestreamError(err)
    if (suppressed !== undefined) this.#components.logger.error({ err, code, suppressed }, 'what is delivered of feeds could not be kept')
    this.#pause()
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#components.clock.after(PAUSE_MS, () => {
      this.#isPaused = false
      this.#setAlarm()
      void this.#run()
    })
  }
}

const nothing: Piece = { text: '', handed: [] }
