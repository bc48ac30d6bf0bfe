import { BytestreamError } from '../core/index.ts'
import type { DstAddr } from '../socks5/index.ts'

/** A socket that has shown a DST.ADDR. */
export interface Place<T> {
  readonly socket: T
  /** Local address and port the socket came in at. */
  readonly listeningAddress: string
  /** Where that address stands in the order of preference; the smallest first. */
  readonly rank: number
  readonly sourceAddress: string
}

/** What an activation makes of the places of a DST.ADDR. */
export interface Pair<T> {
  /** In the order they came. */
  readonly sockets: readonly [first: T, second: T]
  /** To be closed. */
  readonly spares: readonly T[]
}

export interface PairingLimits {
  readonly perDstAddrMax: number
  readonly waitingMax: number
}

/** Two for each listening address: requester and target. */
const PER_LISTENING_ADDRESS = 2

/**
 * Which sockets wait under which DST.ADDR, and which bytestreams are active. A SOCKS5 connection does not say whose
 * it is, so places are counted per listening address: a target may try several streamhosts of one proxy and keep them
 * all open, and the requester then joins it at one of them.
 *
 * @see XEP-0065 §6.3.5, §10.1; §11.2 on the third socket
 */
export class Pairing<T> {
  readonly #limits: PairingLimits
  readonly #waiting = new Map<DstAddr, Place<T>[]>()
  readonly #active = new Set<DstAddr>()
  #waitingSockets = 0

  constructor(limits: PairingLimits) {
    this.#limits = limits
  }

  /** Sockets that wait, under any DST.ADDR. */
  get waitingSockets(): number {
    return this.#waitingSockets
  }

  get activeBytestreams(): number {
    return this.#active.size
  }

  /** Sockets that wait under `dstAddr`. */
  waitingUnder(dstAddr: DstAddr): number {
    return this.#waiting.get(dstAddr)?.length ?? 0
  }

  /**
   * Is there a place for a socket that came in at `listeningAddress`?
   *
   * @throws BytestreamError `ERR_PLACES_TAKEN`, `ERR_LIMIT_WAITING`
   */
  checkPlace(dstAddr: DstAddr, listeningAddress: string): void {
    if (this.#active.has(dstAddr)) throw new BytestreamError('ERR_PLACES_TAKEN', 'the bytestream is active')
    const places = this.#waiting.get(dstAddr) ?? []
    const here = places.filter((place) => place.listeningAddress === listeningAddress)
    if (here.length >= PER_LISTENING_ADDRESS || places.length >= this.#limits.perDstAddrMax) {
      throw new BytestreamError('ERR_PLACES_TAKEN', 'both places of the bytestream are taken')
    }
    if (this.#waitingSockets >= this.#limits.waitingMax) {
      throw new BytestreamError('ERR_LIMIT_WAITING', `${this.#limits.waitingMax} sockets wait already`)
    }
  }

  /** @throws BytestreamError as {@link checkPlace} does */
  join(dstAddr: DstAddr, place: Place<T>): void {
    this.checkPlace(dstAddr, place.listeningAddress)
    const places = this.#waiting.get(dstAddr) ?? []
    places.push(place)
    this.#waiting.set(dstAddr, places)
    this.#waitingSockets += 1
  }

  /** Frees the place of a socket that waits; of any other there is none. */
  leave(dstAddr: DstAddr, socket: T): void {
    const places = this.#waiting.get(dstAddr) ?? []
    const left = places.filter((place) => place.socket !== socket)
    this.#waitingSockets -= places.length - left.length
    if (left.length === 0) this.#waiting.delete(dstAddr)
    else this.#waiting.set(dstAddr, left)
  }

  /**
   * Makes a bytestream of two waiting sockets.
   *
   * @returns `undefined` when it is active already
   * @throws BytestreamError `ERR_BYTESTREAM_UNKNOWN` when nothing waits, `ERR_PEER_MISSING` when one socket does
   */
  activate(dstAddr: DstAddr): Pair<T> | undefined {
    if (this.#active.has(dstAddr)) return undefined
    const places = this.#waiting.get(dstAddr)
    if (!places) throw new BytestreamError('ERR_BYTESTREAM_UNKNOWN', 'no socket waits under this DST.ADDR')
    if (places.length < 2) throw new BytestreamError('ERR_PEER_MISSING', 'one socket waits under this DST.ADDR')
    const pair = choosePair(places)
    this.#waiting.delete(dstAddr)
    this.#waitingSockets -= places.length
    this.#active.add(dstAddr)
    return {
      sockets: [pair[0].socket, pair[1].socket],
      // COMPAT(slixmpp): a target of it opens every streamhost it is offered, uses one, and closes none of the others.
      spares: places.filter((place) => !pair.includes(place)).map(({ socket }) => socket),
    }
  }

  /** The bytestream is over; its DST.ADDR may be used again. */
  end(dstAddr: DstAddr): void {
    this.#active.delete(dstAddr)
  }
}

/**
 * Two sockets at one listening address belong together; else two that come from different addresses, at the
 * addresses that are preferred.
 */
function choosePair<T>(places: readonly Place<T>[]): readonly [Place<T>, Place<T>] {
  let best: readonly [Place<T>, Place<T>] | undefined
  let bestScore: readonly number[] = []
  for (const [index, one] of places.entries()) {
    for (const other of places.slice(index + 1)) {
      const score = [
        one.listeningAddress === other.listeningAddress ? 0 : 1,
        one.sourceAddress === other.sourceAddress ? 1 : 0,
        Math.min(one.rank, other.rank),
        Math.max(one.rank, other.rank),
      ]
      // Two at one address are a pair wherever they come from: only the rank of that address counts.
      if (score[0] === 0) score[1] = 0
      if (!best || isLess(score, bestScore)) {
        best = [one, other]
        bestScore = score
      }
    }
  }
  return best as readonly [Place<T>, Place<T>]
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  const index = one.findIndex((value, position) => value !== other[position])
  return index !== -1 && (one[index] as number) < (other[index] as number)
}
