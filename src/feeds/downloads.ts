import { BytestreamError, type Clock } from '../core/index.ts'
import type { Transfer } from '../transfer/index.ts'

/** How often a file is sent. */
export interface DownloadLimits {
  /** Downloads in all; with the last one the offer ends. Default: unlimited. */
  readonly downloadsMax?: number | undefined
  /** Downloads at once; whoever asks meanwhile is to try again later. Default: unlimited. */
  readonly atOnceMax?: number | undefined
}

/** Milliseconds a download that was granted has to begin in. */
const BEGIN_MS_MAX = 120_000

/** The downloads of one offer: those that are done, those under way, and those that were granted and have not begun. */
export class Downloads {
  readonly #clock: Clock
  readonly #limits: DownloadLimits
  readonly #running = new Set<Transfer>()
  /** By the full JID of whoever asked: what gives up the place of each. */
  readonly #granted = new Map<string, (() => void)[]>()
  #grants = 0
  #done = 0

  /** @throws BytestreamError `ERR_CONFIG` for a limit that lets nobody in */
  constructor(clock: Clock, limits: DownloadLimits) {
    for (const max of [limits.downloadsMax, limits.atOnceMax]) {
      if (max !== undefined && !(max >= 1)) throw new BytestreamError('ERR_CONFIG', `at most ${max} downloads would be none`)
    }
    this.#clock = clock
    this.#limits = limits
  }

  get done(): number {
    return this.#done
  }

  get running(): ReadonlySet<Transfer> {
    return this.#running
  }

  /** Whether nobody may download it any more. */
  get isUsedUp(): boolean {
    return this.#done >= (this.#limits.downloadsMax ?? Infinity)
  }

  /**
   * Grants a download to a full JID.
   *
   * @throws BytestreamError `ERR_OFFER_USED_UP`, `ERR_OFFER_BUSY`
   */
  grant(from: string): void {
    const { downloadsMax = Infinity, atOnceMax = Infinity } = this.#limits
    const atOnce = this.#running.size + this.#grants
    if (this.isUsedUp) throw new BytestreamError('ERR_OFFER_USED_UP', `it was to be had ${downloadsMax} times`)
    if (atOnce >= atOnceMax) throw new BytestreamError('ERR_OFFER_BUSY', `it is to be had ${atOnceMax} times at once: try again later`)
    // One of those under way may fail.
    if (this.#done + atOnce >= downloadsMax) throw new BytestreamError('ERR_OFFER_BUSY', 'others have it now: try again later')
    const leave = this.#clock.after(BEGIN_MS_MAX, () => this.giveUp(from))
    this.#granted.set(from, [...(this.#granted.get(from) ?? []), leave])
    this.#grants += 1
  }

  /** What was granted to somebody does not begin. */
  giveUp(from: string): void {
    const [leave, ...others] = this.#granted.get(from) ?? []
    if (!leave) return
    leave()
    if (others.length > 0) this.#granted.set(from, others)
    else this.#granted.delete(from)
    this.#grants -= 1
  }

  /** What was granted has begun. */
  begin(from: string, transfer: Transfer): void {
    this.giveUp(from)
    this.#running.add(transfer)
    transfer.once('done', () => {
      this.#running.delete(transfer)
      this.#done += 1
    })
    transfer.once('failed', () => this.#running.delete(transfer))
  }

  /** Another file is on offer: those of this one count no more. */
  startAgain(): void {
    this.#done = 0
  }

  [Symbol.dispose](): void {
    for (const leaves of this.#granted.values()) for (const leave of leaves) leave()
    this.#granted.clear()
    this.#grants = 0
  }
}
