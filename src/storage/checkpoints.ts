import { type BytestreamError, toBytestreamError } from '../core/index.ts'
import type { SqlThread } from './thread.ts'

/** Frames of the log, of a page of 4 KiB each, from which on it is copied into the database: 8 MiB, half of what is laid out for it. */
const FRAMES_BEFORE_COPY = 2048
/** However slow the disk is, at 64 MiB the event loop waits for it. */
const FRAMES_MAX = 16_384
/** What the event loop copies itself: well under a millisecond's work. */
const FRAMES_AT_ONCE = 64
/** Each leaves less to the next: what was appended while it ran. */
const PASSES = 4

/** How long the log is, and how much of it is in the database by now. */
export type Progress = readonly [isBusy: number, frames: number, copied: number]

/** The connection that writes. */
export interface Writer {
  look(): Progress
  copy(): void
}

/**
 * Has the write-ahead log copied into the database, so that it begins anew. A thread does that beside whoever writes; but what is
 * written meanwhile is left over, and the log begins anew only from a moment when nothing is. So the writer itself copies the last
 * few frames.
 */
export class Checkpoints implements AsyncDisposable {
  readonly #writer: Writer
  readonly #openThread: () => SqlThread
  readonly #onFailed: (error: BytestreamError) => void
  #thread: SqlThread | undefined
  #running: Promise<void> | undefined
  #framesBeforeNext = FRAMES_BEFORE_COPY

  /** @param onFailed nothing is lost then, but the log grows */
  constructor(writer: Writer, openThread: () => SqlThread, onFailed: (error: BytestreamError) => void) {
    this.#writer = writer
    this.#openThread = openThread
    this.#onFailed = onFailed
  }

  /** To be told when no transaction is open. */
  afterCommit(): void {
    if (this.#running !== undefined) return
    try {
      this.#seeToLog()
    } catch (error) {
      this.#onFailed(toBytestreamError(error))
    }
  }

  #seeToLog(): void {
    const [, frames, copied] = this.#writer.look()
    if (frames < FRAMES_BEFORE_COPY) this.#framesBeforeNext = FRAMES_BEFORE_COPY
    else if (frames - copied <= FRAMES_AT_ONCE) this.#writer.copy()
    else if (frames >= this.#framesBeforeNext) this.#running = this.#run()
    else if (frames >= FRAMES_MAX) this.#writer.copy()
  }

  async #run(): Promise<void> {
    try {
      this.#thread ??= this.#openThread()
      for (let pass = 0; pass < PASSES; pass++) {
        await this.#thread.ask('PRAGMA wal_checkpoint(PASSIVE)')
        const { log, checkpointed } = await this.#thread.ask<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint(NOOP)')
        this.#framesBeforeNext = log + FRAMES_BEFORE_COPY
        if (log - checkpointed <= FRAMES_AT_ONCE) break
      }
    } catch (error) {
      this.#onFailed(toBytestreamError(error))
      await this.#thread?.[Symbol.asyncDispose]()
      this.#thread = undefined
    } finally {
      this.#running = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running
    await this.#thread?.[Symbol.asyncDispose]()
  }
}
