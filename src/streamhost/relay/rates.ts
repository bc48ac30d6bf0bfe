import type { RateBucket, RelayEngine } from './engine.ts'

/** Octets a second, both directions together; `undefined`: no limit. */
export interface Rates {
  /** Of all bytestreams together. */
  readonly totalBytes?: number | undefined
  /** Of each bytestream. */
  readonly bytestreamBytes?: number | undefined
}

/** A bucket for each bytestream, and one above them all. */
export class RateBuckets {
  readonly #engine: RelayEngine
  readonly #total: RateBucket
  readonly #buckets = new Set<RateBucket>()
  #rates: Rates

  /** @throws TypeError for a rate that is none */
  constructor(engine: RelayEngine, rates: Rates) {
    this.#engine = engine
    this.#rates = rates
    this.#total = engine.bucket(rates.totalBytes)
  }

  /** For one bytestream more. */
  open(): RateBucket {
    const bucket = this.#engine.bucket(this.#rates.bytestreamBytes, this.#total)
    this.#buckets.add(bucket)
    return bucket
  }

  /** Its bytestream is over. */
  close(bucket: RateBucket): void {
    this.#buckets.delete(bucket)
  }

  /**
   * Holds for the bytestreams that run, too, unless they began without a limit in an engine of several threads.
   *
   * @throws TypeError for a rate that is none
   */
  change(rates: Rates): void {
    this.#total.change(rates.totalBytes)
    for (const bucket of this.#buckets) bucket.change(rates.bytestreamBytes)
    this.#rates = rates
  }
}
