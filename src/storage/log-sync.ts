import { appendFileSync, close, fdatasync, fdatasyncSync, openSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { BytestreamError } from '../core/index.ts'
import type { Deferred } from './deferred.ts'

const synchronise = promisify(fdatasync)

/** Of the log, laid out before it is used: what is written over needs no new blocks, which would cost a journal of the file system each time. */
const LAID_OUT_BYTES = 16 * 2 ** 20

/**
 * Makes durable what is committed, in Node's threads: the event loop never waits for the disk.
 *
 * A commit appends to the write-ahead log. SQLite, told not to wait for the disk at commits (synchronous = NORMAL), itself
 * waits before and after it copies the log into the database, and whenever it begins the log anew: what is committed is in a log that
 * is synchronised here, or in a database that SQLite has synchronised. docs/adr/0021 has the argument in full.
 *
 * Once this fails nobody can tell what is on the disk: nothing is promised anymore.
 */
export class LogSync {
  readonly #descriptor: number
  readonly #onFailed: (error: BytestreamError) => void
  #waiting: Deferred[] = []
  #running: Promise<void> | undefined
  #failure: BytestreamError | undefined

  /** @param file the log. It holds no lock of SQLite's, so that it can be opened and closed beside it */
  constructor(file: string, onFailed: (error: BytestreamError) => void) {
    layOut(file)
    this.#descriptor = openSync(file, 'r')
    this.#onFailed = onFailed
    fdatasyncSync(this.#descriptor)
  }

  /** @param commit kept once all that is in the log by now is on the disk */
  add(commit: Deferred): void {
    this.#waiting.push(commit)
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const commits = this.#waiting
      this.#waiting = []
      await this.#sync()
      for (const commit of commits) {
        if (this.#failure) commit.reject(this.#failure)
        else commit.resolve()
      }
    }
    this.#running = undefined
  }

  async #sync(): Promise<void> {
    if (this.#failure) return
    try {
      await synchronise(this.#descriptor)
    } catch (cause) {
      const what = `what was written may not have reached the disk: ${(cause as Error).message}; see to the disk, then start again`
      this.#failure = new BytestreamError('ERR_STORAGE', what, { cause })
      this.#onFailed(this.#failure)
    }
  }

  async close(): Promise<void> {
    await this.#running
    await promisify(close)(this.#descriptor)
  }
}

/** SQLite takes zeros for the end of the log, as it does whatever has another salt. */
function layOut(file: string): void {
  const { size } = statSync(file)
  if (size < LAID_OUT_BYTES) appendFileSync(file, Buffer.alloc(LAID_OUT_BYTES - size))
}
