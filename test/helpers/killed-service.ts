import { EventEmitter, once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Cli } from './cli.ts'

/** When a service is killed: so many milliseconds after its start, ready or not; or so many after it was ready, unless enough has happened before. */
export type Moment =
  | { readonly while: 'starting'; readonly afterMs: number }
  | { readonly while: 'serving'; readonly afterMs: number; readonly happened: () => Promise<void> }

/** A service that is killed as `kill -9` does, and started again, time after time. */
export class KilledService extends EventEmitter<{ ready: [] }> {
  readonly #start: () => Cli
  #cli: Cli
  #startedMs = 0
  #readyMs: number | undefined
  /** How each of its lives has ended, in words. */
  readonly log: string[] = []
  /** How often it was killed before it was ready. */
  unready = 0

  constructor(start: () => Cli) {
    super()
    this.#start = start
    this.#cli = this.#begin()
  }

  /** Settles when it is ready, however often it is killed until then. */
  async ready(): Promise<void> {
    if (this.#readyMs === undefined) await once(this, 'ready')
  }

  /** Waits for a moment, kills it, and starts another, which is not ready then. */
  async killAt(moment: Moment): Promise<void> {
    if (moment.while === 'serving') await this.ready()
    const over = new AbortController()
    const waits = [setTimeout(moment.afterMs, undefined, { signal: over.signal }).catch(() => {})]
    await Promise.race(moment.while === 'serving' ? [...waits, moment.happened()] : waits)
    over.abort()
    const nowMs = performance.now()
    if (this.#readyMs === undefined) this.unready += 1
    this.log.push(
      this.#readyMs === undefined
        ? `${Math.round(nowMs - this.#startedMs)} ms after its start`
        : `ready after ${Math.round(this.#readyMs - this.#startedMs)} ms, and ${Math.round(nowMs - this.#readyMs)} ms later`,
    )
    this.#cli.child.kill('SIGKILL')
    await this.#cli.ended
    this.#cli = this.#begin()
  }

  #begin(): Cli {
    const cli = this.#start()
    this.#startedMs = performance.now()
    this.#readyMs = undefined
    cli.event('ready').then(
      () => {
        this.#readyMs = performance.now()
        this.emit('ready')
      },
      () => {}, // It was killed before.
    )
    return cli
  }
}
