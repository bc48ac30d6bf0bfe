import { BytestreamError, type Clock } from '../core/index.ts'
import type { StartRequest, Transfer } from '../transfer/index.ts'

/** How often a file is sent. */
export interface DownloadLimits {
  /** Downloads in all; with the last one the offer ends. Default: unlimited. */
  readonly downloadsMax?: number | undefined
  /** Downloads at once; whoever asks meanwhile is to try again later. Default: unlimited. */
  readonly atOnceMax?: number | undefined
}

/** Milliseconds a download that was granted has to begin in. */
const BEGIN_MS_MAX = 120_000

/** The downloads of one file. */
interface Round {
  done: number
  /** Granted, or begun. */
  underWay: number
}

/** A download that was granted, and has not begun. */
interface Grant {
  readonly round: Round
  readonly cancel: () => void
}

/** The downloads of one offer: those that are done, those under way, and those that were granted and have not begun. */
export class Downloads {
  readonly #clock: Clock
  readonly #limits: DownloadLimits
  readonly #running = new Set<Transfer>()
  readonly #granted = new Map<StartRequest, Grant>()
  /** Of the file that is on offer now. */
  #round: Round = { done: 0, underWay: 0 }

  /** @throws BytestreamError `ERR_CONFIG` for a limit that lets nobody in */
  constructor(clock: Clock, limits: DownloadLimits) {
    for (const max of [limits.downloadsMax, limits.atOnceMax]) {
      if (max !== undefined && !(max >= 1)) throw new BytestreamError('ERR_CONFIG', `at most ${max} downloads would be none`)
    }
    this.#clock = clock
    this.#limits = limits
  }

  /** Of the file that is on offer now. */
  get done(): number {
    return this.#round.done
  }

  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Whether nobody may download it any more. */
  get isUsedUp(): boolean {
    return this.done >= (this.#limits.downloadsMax ?? Infinity)
  }

  /**
   * Grants a download.
   *
   * @throws BytestreamError `ERR_OFFER_USED_UP`, `ERR_OFFER_BUSY`
   */
  grant(request: StartRequest): void {
    const { downloadsMax = Infinity, atOnceMax = Infinity } = this.#limits
    if (this.isUsedUp) throw new BytestreamError('ERR_OFFER_USED_UP', `it was to be had ${times(downloadsMax)}`)
    if (this.#running.size + this.#granted.size >= atOnceMax) {
      throw new BytestreamError('ERR_OFFER_BUSY', `it is to be had ${times(atOnceMax)} at the same time: try again later`)
    }
    const round = this.#round
    // One of those under way may fail.
    if (round.done + round.underWay >= downloadsMax) throw new BytestreamError('ERR_OFFER_BUSY', 'others have it now: try again later')
    const cancel = this.#clock.after(BEGIN_MS_MAX, () => this.giveUp(request))
    this.#granted.set(request, { round, cancel })
    round.underWay += 1
  }

  /** What was granted does not begin. */
  giveUp(request: StartRequest): void {
    this.#take(request)
  }

  /** What was granted has begun. */
  begin(request: StartRequest, transfer: Transfer): void {
    const { round } = this.#take(request) ?? { round: this.#round }
    this.#running.add(transfer)
    round.underWay += 1
    const end = () => {
      this.#running.delete(transfer)
      round.underWay -= 1
    }
    transfer.once('done', () => {
      end()
      round.done += 1
    })
    transfer.once('failed', end)
  }

  /** Another file is on offer: those of the one before count for it no more, also those that are under way. */
  startAgain(): void {
    this.#round = { done: 0, underWay: 0 }
  }

  [Symbol.dispose](): void {
    for (const request of [...this.#granted.keys()]) this.giveUp(request)
  }

  #take(request: StartRequest): Grant | undefined {
    const grant = this.#granted.get(request)
    if (!grant) return undefined
    grant.cancel()
    this.#granted.delete(request)
    grant.round.underWay -= 1
    return grant
  }
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)
