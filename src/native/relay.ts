import { getSystemErrorName } from 'node:util'

/** How a bytestream ended: properly from both sides, or broken off, which both sides then see as a reset. */
export type NativeEnding = 'end' | 'reset' | 'aborted'

/** In the order of `relay_ending` in relay.h. */
const ENDINGS: readonly NativeEnding[] = ['end', 'reset', 'aborted']

/** A bytestream whose octets are moved by a thread of the relay. */
export interface NativeFlow {
  /** Octets taken from the first (0) or second (1) side so far, and in the end. */
  moved(side: 0 | 1): number
  /** Gives the kernel so much memory for what each socket has to send; what it receives into grows no more. */
  bound(bufferBytes: number): void
  /** Breaks it off, unless it is over. */
  abort(): void
}

/** Octets a second, both directions together, shared by every bytestream and bucket below it. */
export interface NativeBucket {
  /** @param bytesPerSecond 0: no limit of its own */
  change(bytesPerSecond: number): void
}

export interface NativeFlowOptions {
  /** Octets that were read from each side before. */
  readonly early: readonly [Uint8Array | undefined, Uint8Array | undefined]
  readonly bucket?: NativeBucket | undefined
}

/** Threads that move octets between pairs of sockets. While a bytestream runs it keeps the process alive, otherwise not. */
export interface NativeRelay {
  /**
   * @param bytesPerSecond 0: no limit of its own
   * @throws Error with the code of the errno
   */
  bucket(bytesPerSecond: number, parent?: NativeBucket): NativeBucket
  /**
   * Relays between two connected sockets. Their descriptors are duplicated, so the caller closes its own.
   *
   * @param onDone called once, after both sockets are closed
   * @throws Error with the code of the errno, such as EMFILE
   */
  add(first: number, second: number, options: NativeFlowOptions, onDone: (ending: NativeEnding) => void): NativeFlow
  /** Breaks off what runs, and ends the threads. The process may end without it. */
  stop(): void
}

export interface NativeRelaySettings {
  readonly threads: number
  /** Pipes that may be open at once; beyond it octets are copied. */
  readonly pipesMax: number
}

/** Something of addon.c, which it alone can look into. */
type Handle<Name extends string> = object & { readonly handle: Name }
type Errno = number

/** The functions of addon.c. Those that give a handle give an errno when they cannot. */
export interface Addon {
  /**
   * @param name what the callback is for, to those who look for what keeps a process alive
   * @param onEnding told of a bytestream's id, times four, and how it ended
   */
  start(threads: number, pipesMax: number, name: string, onEnding: (told: number) => void): Handle<'engine'> | Errno
  /** The last call for this engine: the handle points to nothing afterwards. */
  stop(engine: Handle<'engine'>): void
  /** `id` comes back when it is over; it has 30 bits at most. */
  add(
    engine: Handle<'engine'>,
    first: number,
    second: number,
    earlyFirst: Uint8Array | undefined,
    earlySecond: Uint8Array | undefined,
    bucket: Handle<'bucket'> | undefined,
    id: number,
  ): Handle<'flow'> | Errno
  moved(flow: Handle<'flow'>, side: number): number
  bound(flow: Handle<'flow'>, bufferBytes: number): void
  cancel(flow: Handle<'flow'>): void
  bucket(engine: Handle<'engine'>, bytesPerSecond: number, parent: Handle<'bucket'> | undefined): Handle<'bucket'> | Errno
  change(bucket: Handle<'bucket'>, bytesPerSecond: number): void
}

/** Ids are given out again after so many, if they are free. */
const IDS = 2 ** 30

/** {@link NativeRelay} over the functions of addon.c. */
export class AddonRelay implements NativeRelay {
  readonly #addon: Addon
  /** `undefined` once it was stopped. */
  #engine: Handle<'engine'> | undefined
  readonly #running = new Map<number, (ending: NativeEnding) => void>()
  #lastId = 0

  constructor(addon: Addon, { threads, pipesMax }: NativeRelaySettings) {
    this.#addon = addon
    this.#engine = orThrow(
      addon.start(threads, pipesMax, 'streamhost relay', (told) => this.#bringEnding(Math.floor(told / 4), told % 4)),
      'the native relay cannot be started',
    )
  }

  /** Whether calls for what it made still lead anywhere. */
  get isStopped(): boolean {
    return this.#engine === undefined
  }

  bucket(bytesPerSecond: number, parent?: NativeBucket): NativeBucket {
    const made = this.#addon.bucket(this.#runningEngine, bytesPerSecond, this.#handleOf(parent))
    return new AddonBucket(this, this.#addon, orThrow(made, 'a native rate limit cannot be made'))
  }

  add(first: number, second: number, { early, bucket }: NativeFlowOptions, onDone: (ending: NativeEnding) => void): NativeFlow {
    const id = this.#freeId()
    const added = this.#addon.add(this.#runningEngine, first, second, early[0], early[1], this.#handleOf(bucket), id)
    const flow = new AddonFlow(this, this.#addon, orThrow(added, 'a bytestream cannot be handed over'))
    this.#running.set(id, onDone)
    return flow
  }

  stop(): void {
    if (this.#engine === undefined) return
    this.#addon.stop(this.#engine)
    this.#engine = undefined
  }

  get #runningEngine(): Handle<'engine'> {
    if (this.#engine === undefined) throw new Error('the native relay was stopped')
    return this.#engine
  }

  #handleOf(bucket: NativeBucket | undefined): Handle<'bucket'> | undefined {
    if (bucket === undefined) return undefined
    if (bucket instanceof AddonBucket && bucket.relay === this) return bucket.handle
    throw new TypeError('the bucket is not one of this relay')
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) % IDS
    while (this.#running.has(this.#lastId))
    return this.#lastId
  }

  #bringEnding(id: number, ending: number): void {
    const onDone = this.#running.get(id)
    this.#running.delete(id)
    // An error of theirs is one of the program: from here it would only be warned of (DEP0168).
    if (onDone) queueMicrotask(() => onDone(ENDINGS[ending] ?? 'aborted'))
  }
}

class AddonFlow implements NativeFlow {
  readonly #relay: AddonRelay
  readonly #addon: Addon
  readonly #handle: Handle<'flow'>

  constructor(relay: AddonRelay, addon: Addon, handle: Handle<'flow'>) {
    this.#relay = relay
    this.#addon = addon
    this.#handle = handle
  }

  moved(side: 0 | 1): number {
    return this.#addon.moved(this.#handle, side)
  }

  bound(bufferBytes: number): void {
    this.#addon.bound(this.#handle, bufferBytes)
  }

  abort(): void {
    if (!this.#relay.isStopped) this.#addon.cancel(this.#handle)
  }
}

class AddonBucket implements NativeBucket {
  readonly relay: AddonRelay
  readonly #addon: Addon
  readonly handle: Handle<'bucket'>

  constructor(relay: AddonRelay, addon: Addon, handle: Handle<'bucket'>) {
    this.relay = relay
    this.#addon = addon
    this.handle = handle
  }

  change(bytesPerSecond: number): void {
    if (!this.relay.isStopped) this.#addon.change(this.handle, bytesPerSecond)
  }
}

function orThrow<Name extends string>(made: Handle<Name> | Errno, what: string): Handle<Name> {
  if (typeof made !== 'number') return made
  const code = getSystemErrorName(-made)
  throw Object.assign(new Error(`${what}: ${code}`), { code, errno: -made })
}
