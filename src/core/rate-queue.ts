import type { Clock } from './clock.ts'
import type { TokenBucket } from './token-bucket.ts'

/** From one sharing out to the next, while anybody wants octets. */
const TICK_MS = 80
/** What one gets at the least, if there is as much, so that octets do not trickle; the others are first next time. */
const SHARE_BYTES = 4_096
/** What one gets at the most, where nothing limits it. */
const UNLIMITED_BYTES = 2 ** 32
/** How often what is left over is shared out again in a tick; what is left then stays in the buckets. */
const ROUNDS = 4

/** A claim on the octets of a bucket, and of all above it. */
export interface Claim {
  /** @returns how many of `octets` may pass now. When not all of them may, it is told once more may. */
  take(octets: number): number
  /** Wants nothing more. */
  close(): void
}

interface Entry {
  /** Its bucket, and those above it. */
  readonly buckets: readonly TokenBucket[]
  readonly resume: () => void
  /** Octets it may take until the next tick. */
  promised: number
  isWaiting: boolean
  /** Whether it took octets since the last tick. */
  isTaking: boolean
  isClosed: boolean
}

/**
 * Shares the octets of buckets out among those who want more than there is.
 *
 * Who wants no more than is there, and for which nobody else waits, takes it at once. All others wait for the next tick.
 * Then each gets an equal share of every bucket above it, for the time of a tick; what one cannot take because of another
 * bucket is for the others. There is one timer for all, and none while nobody wants more than there is.
 */
export class RateQueue {
  readonly #clock: Clock
  /** Those who wait, and those who took of their share since the last tick: in the order in which they are served. */
  #entries = new Set<Entry>()
  #cancelTick: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param resume told at a tick, after a `take` that was not granted in full */
  claim(bucket: TokenBucket, resume: () => void): Claim {
    const buckets: TokenBucket[] = []
    for (let above: TokenBucket | undefined = bucket; above; above = above.parent) buckets.push(above)
    const entry: Entry = { buckets, resume, promised: 0, isWaiting: false, isTaking: false, isClosed: false }
    return { take: (octets) => this.#take(entry, octets), close: () => this.#close(entry) }
  }

  #take(entry: Entry, octets: number): number {
    if (entry.isWaiting || entry.isClosed) return 0
    const taken = entry.promised > 0 ? takePromised(entry, octets) : takeAtOnce(entry, octets)
    entry.isTaking = true
    if (taken < octets) this.#wait(entry)
    return taken
  }

  #wait(entry: Entry): void {
    entry.isWaiting = true
    for (const bucket of entry.buckets) bucket.waiting += 1
    this.#entries.add(entry)
    this.#cancelTick ??= this.#clock.after(TICK_MS, () => this.#tick())
  }

  #close(entry: Entry): void {
    entry.isClosed = true
    stopWaiting(entry)
    withdraw(entry)
    this.#entries.delete(entry)
    if (this.#entries.size > 0) return
    this.#cancelTick?.()
    this.#cancelTick = undefined
  }

  #tick(): void {
    for (const entry of this.#entries) withdraw(entry)
    const wanting = [...this.#entries].filter(({ isWaiting, isTaking }) => isWaiting || isTaking)
    shareOut(wanting)
    const served = wanting.filter(({ promised }) => promised > 0)
    this.#entries = new Set([...wanting.filter(({ promised }) => promised === 0), ...served])
    this.#cancelTick = this.#entries.size > 0 ? this.#clock.after(TICK_MS, () => this.#tick()) : undefined
    for (const entry of served) {
      entry.isTaking = false
      if (stopWaiting(entry)) entry.resume()
    }
  }
}

/** Takes of what was promised at the last tick; a bucket whose rate was lowered since may hold less. */
function takePromised(entry: Entry, octets: number): number {
  let taken = Math.min(octets, entry.promised)
  for (const bucket of entry.buckets) taken = Math.min(taken, Math.floor(bucket.octets))
  for (const bucket of entry.buckets) {
    bucket.take(taken)
    bucket.promised -= taken
  }
  entry.promised -= taken
  return taken
}

/** All or nothing: who takes what trickles in takes it an octet at a time. */
function takeAtOnce({ buckets }: Entry, octets: number): number {
  for (const bucket of buckets) {
    if (bucket.bytesPerSecond !== undefined && (bucket.waiting > 0 || bucket.octets - bucket.promised < octets)) return 0
  }
  for (const bucket of buckets) bucket.take(octets)
  return octets
}

/** In rounds: what those leave over who are held back by another bucket is shared out in the next one. */
function shareOut(entries: readonly Entry[]): void {
  let hungry = entries
  for (let round = 0; round < ROUNDS && hungry.length > 0; round += 1) {
    const shares = sharesOf(hungry)
    hungry = hungry.filter((entry) => promise(entry, shares))
  }
}

/** What each bucket has for each of those that want of it. */
function sharesOf(entries: readonly Entry[]): Map<TokenBucket, number> {
  const shares = new Map<TokenBucket, number>()
  for (const { buckets } of entries) for (const bucket of buckets) shares.set(bucket, (shares.get(bucket) ?? 0) + 1)
  for (const [bucket, wanting] of shares) shares.set(bucket, Math.max((bucket.octets - bucket.promised) / wanting, SHARE_BYTES))
  return shares
}

/** @returns whether it was given anything, and could do with more */
function promise(entry: Entry, shares: ReadonlyMap<TokenBucket, number>): boolean {
  let share = UNLIMITED_BYTES
  for (const bucket of entry.buckets) share = Math.min(share, shares.get(bucket) ?? 0, bucket.octets - bucket.promised)
  share = Math.floor(share)
  if (share < 1) return false
  for (const bucket of entry.buckets) bucket.promised += share
  entry.promised += share
  return share < UNLIMITED_BYTES
}

/** What was promised and not taken is there for all again. */
function withdraw(entry: Entry): void {
  for (const bucket of entry.buckets) bucket.promised -= entry.promised
  entry.promised = 0
}

/** @returns whether it waited */
function stopWaiting(entry: Entry): boolean {
  if (!entry.isWaiting) return false
  entry.isWaiting = false
  for (const bucket of entry.buckets) bucket.waiting -= 1
  return true
}
