import { bareJid, type Clock } from '../core/index.ts'
import type { Bytestream, BytestreamMethod } from './bytestream.ts'
import { ownAddresses } from './socks5/direct.ts'

/** Milliseconds it is remembered that a peer was reached directly or through a proxy. */
const REMEMBERED_MS = 60 * 60_000
/** The same of one that was reached in band alone: until streamhosts are tried again. */
const IN_BAND_REMEMBERED_MS = 5 * 60_000
/** Peers whose way is remembered. */
const PEERS_MAX = 1_000

/** The way each peer was last reached, so that the next bytestream need not find out again. */
export interface WayMemory {
  /** @returns how a peer was last reached, where that is worth something still */
  recall(peer: string): BytestreamMethod | undefined
  /** It was reached this way, where others were open to it. */
  remember(peer: string, method: BytestreamMethod): void
  /** What was remembered of it has failed. */
  forget(peer: string): void
}

/**
 * Remembers in memory, by bare JID, and for a time that begins when something else was found than is known: a better way is
 * looked for again then, even if the known one is in use all the time. When the addresses of this machine change, everything is
 * forgotten.
 */
export class LastWays implements WayMemory {
  readonly #clock: Clock
  readonly #addresses: () => readonly string[]
  readonly #ways = new Map<string, { readonly method: BytestreamMethod; readonly untilMs: number }>()
  #network = ''

  /** @param addresses of this machine, at the moment */
  constructor(clock: Clock, addresses: () => readonly string[] = ownAddresses) {
    this.#clock = clock
    this.#addresses = addresses
  }

  /** How a peer was last reached, from where this machine is now. */
  recall(peer: string): BytestreamMethod | undefined {
    this.#lookAround()
    const known = this.#ways.get(bareJid(peer))
    if (known && known.untilMs > this.#clock.now()) return known.method
    this.forget(peer)
    return undefined
  }

  /** The oldest makes way for one more than are remembered. */
  remember(peer: string, method: BytestreamMethod): void {
    if (this.recall(peer) === method) return
    const ms = method === 'ibb' ? IN_BAND_REMEMBERED_MS : REMEMBERED_MS
    this.forget(peer)
    const [oldest] = this.#ways.keys()
    if (oldest !== undefined && this.#ways.size >= PEERS_MAX) this.#ways.delete(oldest)
    this.#ways.set(bareJid(peer), { method, untilMs: this.#clock.now() + ms })
  }

  /** As if it had never been reached. */
  forget(peer: string): void {
    this.#ways.delete(bareJid(peer))
  }

  #lookAround(): void {
    const network = this.#addresses().toSorted().join()
    if (network !== this.#network) this.#ways.clear()
    this.#network = network
  }
}

/** Remembers how a peer was reached, once it is, and forgets it when the way has failed. */
export function keepWay(ways: WayMemory | undefined, peer: string, opened: Promise<Bytestream>): void {
  const forget = () => ways?.forget(peer)
  opened.then(async ({ method, totals }) => {
    ways?.remember(peer, method)
    if ((await totals).end === 'reset') forget()
  }, forget)
}

/** Why nothing but in band is tried with a peer. */
export const noneHasWorked = (peer: string) => `no streamhost has worked for ${peer} a few minutes ago`
