import type { Socket } from 'node:net'
import { type Clock, type Logger, LogRation, silentLogger, systemClock } from '../../core/index.ts'
import type { NativeBucket, NativeEnding, NativeFlow, NativeRelay } from '../../native/index.ts'
import type { RateBucket, Relay, RelayEnd, RelayEngine, RelayOptions, RelayTotals } from './engine.ts'
import { takeConnection, written } from './handle.ts'

export interface SpliceEngineComponents {
  readonly clock?: Clock
  readonly logger?: Logger
  /** The engine's own: it stops it. */
  readonly native: NativeRelay
  /** How many it has. */
  readonly threads?: number
}

/**
 * Relays in threads of native code, which move the octets from socket to socket within the kernel. Node's sockets are
 * closed as soon as their connections were handed over, so a bytestream costs Node nothing while it runs.
 */
export class SpliceEngine implements RelayEngine {
  readonly name = 'splice'
  readonly #native: NativeRelay
  readonly #threads: number
  readonly #logger: Logger
  readonly #ration: LogRation<string>

  constructor({ clock = systemClock, logger = silentLogger, native, threads = 1 }: SpliceEngineComponents) {
    this.#native = native
    this.#threads = threads
    this.#logger = logger
    this.#ration = new LogRation(clock)
  }

  bucket(bytesPerSecond: number | undefined, parent?: RateBucket): RateBucket {
    return new SpliceBucket(this.#native, bytesPerSecond, parent)
  }

  relay(first: Socket, second: Socket, options: RelayOptions): Relay {
    const bucket = options.bucket && ownBucket(options.bucket)
    // What has a bucket is moved by the first thread, whatever its rate: the others are for those without a limit.
    const native = this.#threads === 1 || bucket?.isLimited ? bucket?.native : undefined
    return new SpliceRelay(this.#native, [first, second], native, (error) => this.#tell(error))
  }

  close(): void {
    this.#native.stop()
  }

  #tell({ code, message }: NodeJS.ErrnoException): void {
    const suppressed = this.#ration.take(code ?? message)
    if (suppressed !== undefined) this.#logger.error({ code, reason: message, suppressed }, 'a bytestream could not be relayed')
  }
}

class SpliceBucket implements RateBucket {
  readonly native: NativeBucket
  readonly #parent: SpliceBucket | undefined
  #bytesPerSecond: number | undefined

  constructor(native: NativeRelay, bytesPerSecond: number | undefined, parent: RateBucket | undefined) {
    this.#parent = parent && ownBucket(parent)
    this.native = native.bucket(wholeRate(bytesPerSecond), this.#parent?.native)
    this.#bytesPerSecond = bytesPerSecond
  }

  get bytesPerSecond(): number | undefined {
    return this.#bytesPerSecond
  }

  /** By itself, or by one above it. */
  get isLimited(): boolean {
    return this.#bytesPerSecond !== undefined || (this.#parent?.isLimited ?? false)
  }

  change(bytesPerSecond: number | undefined): void {
    this.native.change(wholeRate(bytesPerSecond))
    this.#bytesPerSecond = bytesPerSecond
  }
}

function ownBucket(bucket: RateBucket): SpliceBucket {
  if (!(bucket instanceof SpliceBucket)) throw new TypeError('the bucket is of another engine')
  return bucket
}

/** As the native code has it: 0 for no limit. */
function wholeRate(bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined) return 0
  if (bytesPerSecond > 0 && bytesPerSecond < Number.POSITIVE_INFINITY) return Math.max(1, Math.round(bytesPerSecond))
  throw new TypeError(`a rate is a number of octets a second, not ${bytesPerSecond}`)
}

/** Both sockets of a bytestream, until their connections are handed over. */
type Pair = readonly [first: Socket, second: Socket]

class SpliceRelay implements Relay {
  readonly done: Promise<RelayTotals>
  #settle: (totals: RelayTotals) => void = () => {}
  #pair: Pair | undefined
  #flow: NativeFlow | undefined
  #bufferBytes: number | undefined
  /** Why it was broken off from here. */
  #end: RelayEnd | undefined

  constructor(native: NativeRelay, pair: Pair, bucket: NativeBucket | undefined, onFailure: (error: Error) => void) {
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#pair = pair
    this.#handOver(native, bucket, onFailure)
  }

  get firstToSecond(): number {
    return this.#flow?.moved(0) ?? 0
  }

  get secondToFirst(): number {
    return this.#flow?.moved(1) ?? 0
  }

  breakOff(end: RelayEnd): void {
    this.#end ??= end
    this.#flow?.abort()
    if (this.#pair) this.#resetPair(this.#pair)
  }

  boundBuffers(bytes: number): void {
    this.#bufferBytes = bytes
    this.#flow?.bound(bytes)
  }

  #handOver(native: NativeRelay, bucket: NativeBucket | undefined, onFailure: (error: Error) => void): void {
    const pair = this.#pair
    if (!pair) return
    const [first, second] = pair
    if (first.destroyed || second.destroyed) return this.breakOff('reset')
    if (first.writableLength + second.writableLength > 0)
      return this.#waitUntilWritten(pair, () => this.#handOver(native, bucket, onFailure))
    const [one, other] = [takeConnection(first), takeConnection(second)]
    if (!one || !other) return this.breakOff('reset')
    try {
      this.#flow = native.add(one.descriptor, other.descriptor, { early: [one.early, other.early], bucket }, (ending) =>
        this.#finish(ending),
      )
    } catch (error) {
      onFailure(error as Error)
      return this.breakOff('failed')
    }
    if (this.#bufferBytes !== undefined) this.#flow.bound(this.#bufferBytes)
    this.#pair = undefined
    for (const socket of pair) socket.destroy()
  }

  /** The reply to a handshake is on its way to the kernel. Meanwhile nothing is read, and either side may go. */
  #waitUntilWritten(pair: Pair, then: () => void): void {
    void Promise.all(pair.map(written)).then(then)
    for (const socket of pair) {
      socket.once('close', () => {
        if (this.#pair) this.breakOff('reset')
      })
    }
  }

  #resetPair(pair: Pair): void {
    this.#pair = undefined
    for (const socket of pair) if (!socket.destroyed) socket.resetAndDestroy()
    void Promise.all(pair.map(closed)).then(() => this.#finish('aborted'))
  }

  #finish(ending: NativeEnding): void {
    const end = ending === 'aborted' ? (this.#end ?? ending) : ending
    this.#settle({ firstToSecond: this.firstToSecond, secondToFirst: this.secondToFirst, end })
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}
