import type { Clock } from '../../core/index.ts'
import type { Recipient } from '../../pubsub/index.ts'
import type { FanOut } from './fan-out.ts'

/** How much waits to be told; of what comes beyond, the node with the most loses what came last. */
export interface FanOutLimits {
  readonly fanOutsMax: number
  /** Octets of their texts, of which each has one. */
  readonly heldBytesMax: number
}

export const fanOutLimits: FanOutLimits = {
  fanOutsMax: 10_000,
  heldBytesMax: 67_108_864,
}

/** Octets of one piece, and of what of it is one node's while others wait. */
const PIECE_BYTES = 64 * 1024
const SHARE_BYTES = 8 * 1024
/** Milliseconds for the making of one piece: looking for recipients may take longer than writing to them. */
const PIECE_MS_MAX = 4

/** Writes for one recipient; `undefined` for whom it is not to be sent now. */
export type WriteOne = (fanOut: FanOut, recipient: Recipient) => string | undefined

/** What is sent at once. */
export interface Piece {
  /** May be empty, where nobody was found yet. */
  readonly text: string
  readonly messages: number
  /** Which fan-outs it is of, in its order. */
  readonly taken: readonly { readonly fanOut: FanOut; readonly recipients: readonly Recipient[] }[]
}

/**
 * What waits to be told: in a lane for each node, in the order of what happened there. Lanes take turns, so that a node with many
 * subscribers does not hold up one with few.
 */
export class FanOuts {
  readonly #clock: Clock
  readonly #limits: FanOutLimits
  readonly #onFailed: (error: unknown) => void
  readonly #onReady: () => void
  /** The first is the next. */
  readonly #lanes = new Map<string, FanOut[]>()
  /** Those whose next fan-out is not ready. */
  readonly #parked = new Map<string, FanOut[]>()
  #count = 0
  #bytes = 0

  /**
   * @param onFailed hears why recipients cannot be found; the others of that fan-out are not told
   * @param onReady hears that there is more to take, which there was not before
   */
  constructor(clock: Clock, limits: FanOutLimits, onFailed: (error: unknown) => void, onReady: () => void = () => {}) {
    this.#clock = clock
    this.#limits = limits
    this.#onFailed = onFailed
    this.#onReady = onReady
  }

  get count(): number {
    return this.#count
  }

  /** Octets of their texts. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Where there is no room, the node that holds the most gives way: what came last of it is over. Otherwise whoever
   * publishes fast to many would have nobody else told.
   *
   * @returns how many are told to nobody for want of room, this one perhaps among them
   */
  add(fanOut: FanOut): number {
    const { fanOutsMax, heldBytesMax } = this.#limits
    const own = this.#laneOf(fanOut.node) ?? []
    let dropped = 0
    for (;;) {
      const isFull = this.#count >= fanOutsMax
      if (!isFull && this.#bytes + fanOut.bytes <= heldBytesMax) break
      const weigh = isFull ? (lane: readonly FanOut[]) => lane.length : bytesOf
      const heaviest = fanOut.bytes > heldBytesMax ? undefined : this.#heaviestLane(weigh)
      const last = heaviest && weigh(heaviest) > weigh([...own, fanOut]) ? (heaviest.pop() as FanOut) : undefined
      dropped += 1
      if (last) this.#letGo(last)
      ;(last ?? fanOut).end()
      if (!last) return dropped
    }
    this.#hold(fanOut, (lane) => lane.push(fanOut))
    return dropped
  }

  /** Takes what is next; `undefined` when nothing waits that is ready. */
  take(writeOne: WriteOne): Piece | undefined {
    if (this.#lanes.size === 0) return undefined
    const endMs = this.#clock.now() + PIECE_MS_MAX
    const taken: { fanOut: FanOut; recipients: Recipient[] }[] = []
    let text = ''
    let messages = 0
    // A lane that is set again while they are gone through comes last, and is met again.
    for (const [node, lane] of this.#lanes) {
      this.#lanes.delete(node)
      const fanOut = lane[0] as FanOut
      if (!fanOut.isReady) {
        this.#park(node, lane)
        continue
      }
      const share = this.#takeShare(fanOut, writeOne)
      if (share.recipients.length > 0) taken.push({ fanOut, recipients: share.recipients })
      text += share.text
      messages += share.recipients.length
      if (fanOut.isOver) this.#release(lane)
      if (lane.length > 0) this.#lanes.set(node, lane)
      if (text.length >= PIECE_BYTES || this.#clock.now() >= endMs) break
    }
    return { text, messages, taken }
  }

  /** The piece may not have arrived: those in it are the next again. */
  putBack({ taken }: Piece): void {
    for (const { fanOut, recipients } of taken.toReversed()) {
      if (this.#laneOf(fanOut.node)?.[0] !== fanOut) this.#hold(fanOut, (lane) => lane.unshift(fanOut))
      fanOut.putBack(recipients)
    }
  }

  /** Nothing of what waits is told any more. */
  clear(): void {
    for (const lane of [...this.#lanes.values(), ...this.#parked.values()]) {
      for (const fanOut of lane) fanOut.end()
    }
    this.#lanes.clear()
    this.#parked.clear()
    this.#count = 0
    this.#bytes = 0
  }

  /** What a lane gets on its turn: a few messages, or a look for those who are to get them. */
  #takeShare(fanOut: FanOut, writeOne: WriteOne): { readonly text: string; readonly recipients: Recipient[] } {
    const recipients: Recipient[] = []
    let text = ''
    try {
      while (text.length < SHARE_BYTES) {
        const recipient = fanOut.next()
        if (recipient === undefined) break
        const written = writeOne(fanOut, recipient)
        if (written === undefined) continue
        text += written
        recipients.push(recipient)
      }
    } catch (error) {
      fanOut.end()
      this.#onFailed(error)
    }
    return { text, recipients }
  }

  /** Out of the way of others, until its next fan-out is ready or has to be made so again. */
  #park(node: string, lane: FanOut[]): void {
    this.#parked.set(node, lane)
    const fanOut = lane[0] as FanOut
    const unpark = () => {
      if (!this.#parked.delete(node)) return
      this.#lanes.set(node, lane)
      this.#onReady()
    }
    fanOut.prepare().then(unpark, (error: unknown) => {
      fanOut.end()
      this.#onFailed(error)
      unpark()
    })
  }

  #laneOf(node: string): FanOut[] | undefined {
    return this.#lanes.get(node) ?? this.#parked.get(node)
  }

  #hold(fanOut: FanOut, put: (lane: FanOut[]) => void): void {
    const lane = this.#laneOf(fanOut.node) ?? []
    put(lane)
    if (!this.#parked.has(fanOut.node)) this.#lanes.set(fanOut.node, lane)
    this.#count += 1
    this.#bytes += fanOut.bytes
  }

  #release(lane: FanOut[]): void {
    this.#letGo(lane.shift() as FanOut)
  }

  #letGo(fanOut: FanOut): void {
    this.#count -= 1
    this.#bytes -= fanOut.bytes
  }

  /** Of those with more than the one that may be under way. */
  #heaviestLane(weigh: (lane: readonly FanOut[]) => number): FanOut[] | undefined {
    let heaviest: FanOut[] | undefined
    for (const lane of [...this.#lanes.values(), ...this.#parked.values()]) {
      if (lane.length > 1 && (!heaviest || weigh(lane) > weigh(heaviest))) heaviest = lane
    }
    return heaviest
  }
}

function bytesOf(lane: readonly FanOut[]): number {
  let bytes = 0
  for (const fanOut of lane) bytes += fanOut.bytes
  return bytes
}
