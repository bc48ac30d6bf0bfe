import { BytestreamError, type Clock, StanzaError, toBytestreamError } from '../core/index.ts'
import { BackOff } from '../session/index.ts'
import { findFile, isTransient, type Transfer } from '../transfer/index.ts'
import { type Announcement, NS } from '../xep/index.ts'
import type { FeedEvent, OnFeed } from './feed-events.ts'
import { isSameFile } from './trust.ts'

/** An announcement that was heard, and what becomes of it. */
interface Entry {
  about: OnFeed
  /** By which it is acknowledged, where it waited in a queue. */
  readonly messageIds: Set<number>
  /** `told`: whoever iterates has it, where nothing is fetched. */
  state: 'told' | 'waiting' | 'running' | 'paused' | 'failed' | 'settled'
  readonly backOff: BackOff
  /** Of the attempt that runs. */
  attempt: AbortController | undefined
  /** Since when nothing has come of it. */
  quietSinceMs: number | undefined
  /** What it was last told to be paused by. */
  toldPause: string | undefined
  cancelPause: () => void
}

/** What fetching needs of whoever watches. */
export interface FetchesComponents {
  readonly clock: Clock
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** @param onDone called when whoever iterates is done with the event @returns whether they get it: nobody does when the watch is over */
  readonly tell: (event: FeedEvent, onDone?: () => void) => boolean
  /** What was told under that number needs not be told again. */
  readonly acknowledge: (service: string, messageId: number) => void
  /** Whether it is asked for at all. @throws BytestreamError why not */
  readonly check: (about: OnFeed, signal: AbortSignal) => Promise<void>
  readonly obtain: (announcement: Announcement, into: string, signal: AbortSignal) => Transfer
}

export interface FetchesInit {
  /** The folder files are stored in; nothing is fetched without one. */
  readonly into?: string | undefined
  /** Files fetched at once. */
  readonly concurrency: number
}

/** Announcements that are remembered. */
const ENTRIES_MAX = 10_000
/** How long it takes until an owner that was away, or too busy, is asked again. */
const backOff = { firstMs: 5_000, retryMsMax: 600_000 } as const
/** Milliseconds for which that goes on. */
const PAUSED_MS_MAX = 7 * 86_400_000
/** Milliseconds before it expires from which on what is gone is said to have: clocks differ. */
const EARLY_MS = 2_000

const keyOf = ({ service, node }: Pick<OnFeed, 'service' | 'node'>, id: string) => JSON.stringify([service, node, id])

/** Fetches what is announced, each file once: what cannot be had now is kept, and asked for again. */
export class Fetches implements Disposable {
  readonly #components: FetchesComponents
  readonly #init: FetchesInit
  readonly #entries = new Map<string, Entry>()
  readonly #waiting = new Set<Entry>()
  #running = 0

  constructor(components: FetchesComponents, init: FetchesInit) {
    this.#components = components
    this.#init = init
  }

  /** Something was announced, perhaps again. @param messageId by which it is acknowledged, where it waited in a queue */
  hear(about: OnFeed, fresh: boolean, messageId: number | undefined): void {
    const key = keyOf(about, about.announcement.id)
    const known = this.#entries.get(key)
    if (known && isSameFile(known.about.announcement, about.announcement)) return this.#hearAgain(known, about, fresh, messageId)
    if (known) this.#forget(key, known)
    const { tell, acknowledge } = this.#components
    if ((about.announcement.expiresMs ?? Infinity) <= this.#components.now()) {
      if (messageId !== undefined) acknowledge(about.service, messageId)
      return
    }
    if (!this.#makeRoom()) {
      const error = new BytestreamError('ERR_PUBSUB_LIMIT', `${ENTRIES_MAX} files are waited for already`)
      tell({ kind: 'failed', ...about, error })
      return
    }
    const entry: Entry = {
      ...{ about, messageIds: new Set(messageId === undefined ? [] : [messageId]), state: 'told', backOff: new BackOff(backOff) },
      ...{ attempt: undefined, quietSinceMs: undefined, toldPause: undefined, cancelPause: () => {} },
    }
    this.#entries.set(key, entry)
    const isWanted = this.#init.into !== undefined
    const onDone = () => {
      entry.state = 'settled'
      this.#acknowledge(entry)
    }
    const isTold = tell({ kind: 'announced', ...about, fresh }, isWanted ? undefined : onDone)
    if (isTold && isWanted) this.#await(entry)
  }

  /** It is not to be had any more. */
  gone(about: Pick<OnFeed, 'service' | 'node'>, id: string): void {
    const key = keyOf(about, id)
    const known = this.#entries.get(key)
    const { expiresMs = Infinity } = known?.about.announcement ?? {}
    if (known) this.#forget(key, known)
    const { service, node } = about
    this.#components.tell({ kind: expiresMs <= this.#components.now() + EARLY_MS ? 'expired' : 'withdrawn', service, node, id })
  }

  /** All of a feed is gone. */
  allGone({ service, node }: Pick<OnFeed, 'service' | 'node'>): void {
    for (const { about } of [...this.#entries.values()]) {
      if (about.service === service && about.node === node) this.gone(about, about.announcement.id)
    }
  }

  /** Ends what runs; what has come of it stays for another time. */
  [Symbol.dispose](): void {
    for (const [key, entry] of [...this.#entries]) this.#drop(key, entry)
  }

  #hearAgain(entry: Entry, about: OnFeed, fresh: boolean, messageId: number | undefined): void {
    const was = entry.about.announcement
    const { owner, state } = about.announcement
    entry.about = about
    if (messageId !== undefined) entry.messageIds.add(messageId)
    const isNew = was.owner !== owner || was.state !== state
    switch (entry.state) {
      case 'settled':
        return this.#acknowledge(entry)
      case 'paused':
        // A service that sends again what was not acknowledged says nothing of the owner.
        return isNew || messageId === undefined ? this.#await(entry) : undefined
      case 'failed':
        return isNew || fresh ? this.#await(entry) : undefined
      case 'told':
      case 'waiting':
      case 'running':
        return
    }
  }

  /** It is fetched when its turn has come. */
  #await(entry: Entry): void {
    entry.cancelPause()
    if (entry.about.announcement.state === 'paused') return this.#pause(entry)
    entry.state = 'waiting'
    this.#waiting.add(entry)
    this.#begin()
  }

  #begin(): void {
    for (const entry of this.#waiting) {
      if (this.#running >= this.#init.concurrency) return
      this.#waiting.delete(entry)
      this.#running += 1
      void this.#run(entry).finally(() => {
        this.#running -= 1
        this.#begin()
      })
    }
  }

  async #run(entry: Entry): Promise<void> {
    const attempt = new AbortController()
    entry.attempt = attempt
    entry.state = 'running'
    const { about } = entry
    const settle = (event: FeedEvent) => {
      if (entry.attempt !== attempt) return
      entry.state = event.kind === 'passed over' ? 'failed' : 'settled'
      // What nobody hears of is told again the next time.
      if (this.#components.tell(event)) this.#acknowledge(entry)
    }
    try {
      if (!this.#checkExpiry(entry)) settle(await this.#fetch(about, attempt.signal))
    } catch (thrown) {
      // Another attempt, or none any more, has taken its place.
      if (entry.attempt === attempt) this.#failed(entry, about, toBytestreamError(thrown), settle)
    }
  }

  async #fetch(about: OnFeed, signal: AbortSignal): Promise<FeedEvent> {
    const { announcement } = about
    const { name, sizeBytes: size, hashes } = announcement.file
    const into = this.#init.into as string
    try {
      await this.#components.check(about, signal)
    } catch (thrown) {
      if (signal.aborted) throw thrown
      return { kind: 'passed over', ...about, error: toBytestreamError(thrown) }
    }
    const here = size === undefined ? undefined : await findFile(into, { name, size, hashes }, signal)
    if (here) return { kind: 'there already', ...about, ...here, bytes: size as number }
    const transfer = this.#components.obtain(announcement, into, signal)
    this.#components.tell({ kind: 'fetching', ...about, transfer })
    const result = await transfer.done
    const { path, size: bytes, sha256, alreadyThere } = result
    if (alreadyThere) return { kind: 'there already', ...about, path, bytes, sha256 }
    return { kind: 'fetched', ...about, path, bytes, sha256, result }
  }

  #failed(entry: Entry, about: OnFeed, error: BytestreamError, settle: (event: FeedEvent) => void): void {
    const { service, node, announcement } = about
    const { id } = announcement
    const end = endOf(error)
    if (end) return settle({ kind: end, service, node, id })
    const nowMs = this.#components.clock.now()
    entry.quietSinceMs ??= nowMs
    if (isTransient(error, 'opened') && nowMs - entry.quietSinceMs < PAUSED_MS_MAX) return this.#pause(entry, error)
    entry.state = 'failed'
    entry.quietSinceMs = undefined
    entry.toldPause = undefined
    this.#components.tell({ kind: 'failed', ...about, error })
  }

  /** @param error why; without one its owner has said that it is away, and will say when it is back */
  #pause(entry: Entry, error?: BytestreamError): void {
    const { about } = entry
    const { expiresMs = Infinity } = about.announcement
    const retryMs = error && entry.backOff.next()
    const word = error ? (error instanceof StanzaError ? error.condition : error.code) : ''
    this.#waiting.delete(entry)
    entry.state = 'paused'
    entry.attempt = undefined
    if (entry.toldPause !== word && !this.#components.tell({ kind: 'paused', ...about, error, retryMs })) return
    entry.toldPause = word
    const wakeMs = Math.min(retryMs ?? Infinity, Math.max(0, expiresMs - this.#components.now()))
    entry.cancelPause = wakeMs === Infinity ? () => {} : this.#components.clock.after(wakeMs, () => this.#wake(entry))
  }

  #wake(entry: Entry): void {
    if (!this.#checkExpiry(entry)) this.#await(entry)
  }

  /** @returns whether it has expired, and is told of no more */
  #checkExpiry(entry: Entry): boolean {
    const { about } = entry
    const { id, expiresMs = Infinity } = about.announcement
    if (expiresMs > this.#components.now()) return false
    this.#acknowledge(entry)
    this.gone(about, id)
    return true
  }

  #acknowledge({ about, messageIds }: Entry): void {
    for (const id of messageIds) this.#components.acknowledge(about.service, id)
    messageIds.clear()
  }

  /** What was announced before is of no interest any more. */
  #forget(key: string, entry: Entry): void {
    this.#acknowledge(entry)
    this.#drop(key, entry)
  }

  #drop(key: string, entry: Entry): void {
    const { attempt } = entry
    entry.attempt = undefined
    entry.cancelPause()
    this.#waiting.delete(entry)
    this.#entries.delete(key)
    attempt?.abort(new BytestreamError('ERR_ABORTED', 'it is not wanted any more'))
  }

  /** Forgets one of which nothing more comes, if it must. */
  #makeRoom(): boolean {
    if (this.#entries.size < ENTRIES_MAX) return true
    for (const [key, { state }] of this.#entries) {
      if (state !== 'settled' && state !== 'failed') continue
      this.#entries.delete(key)
      return true
    }
    return false
  }
}

/** How an offer is over, as its owner answers; `undefined` for any other answer. */
function endOf(error: BytestreamError): 'withdrawn' | 'expired' | undefined {
  const { cause = error } = error
  const [name, xmlns] = (cause instanceof StanzaError && cause.stanzaError.application) || []
  if (xmlns !== NS.feeds) return undefined
  return name === 'expired' ? 'expired' : name === 'withdrawn' || name === 'used-up' ? 'withdrawn' : undefined
}
