import type { Queue, QueueAddOptions } from 'p-queue'
import { Heap, type HeapItem } from './heap.ts'

/** Whose turn it is, besides what p-queue wants to know. */
export interface TurnOptions extends QueueAddOptions {
  /** Bare JID. */
  readonly peer?: string
}

/** As p-queue calls it. */
type Run = () => Promise<unknown>

interface Waiting extends HeapItem {
  readonly run: Run
  readonly id: string
  readonly peer: Peer
  priority: number
  /** Earlier ones are lower. */
  readonly arrival: number
}

interface Peer extends HeapItem {
  readonly name: string
  readonly waiting: Heap<Waiting>
  running: number
  /** When it last had a turn, or began to wait: who is lower is first among equal priorities. */
  since: number
}

/**
 * The order in which turns are given, for `queueClass` of p-queue. The highest priority is first; among equal ones peers
 * take turns, and those of one peer come in the order of their arrival. A peer that has all of its places keeps nobody
 * waiting: what it has left is passed over.
 */
export class FairQueue implements Queue<Run, TurnOptions> {
  readonly #perPeerMax: number
  readonly #waiting = new Map<string, Waiting>()
  /** Those that wait or run. */
  readonly #peers = new Map<string, Peer>()
  /** Those that may have a turn: something of theirs waits, and they have a place left. */
  readonly #ready = new Heap<Peer>((one, other) => {
    const [first, second] = [one.waiting.first as Waiting, other.waiting.first as Waiting]
    return first.priority === second.priority ? one.since < other.since : first.priority > second.priority
  })
  #time = 0

  constructor(perPeerMax: number) {
    this.#perPeerMax = perPeerMax
  }

  /** How many peers may have a turn: as long as it is not 0, p-queue takes the next. */
  get size(): number {
    return this.#ready.size
  }

  enqueue(run: Run, { id = '', peer: name = '', priority = 0 }: Partial<TurnOptions> = {}): void {
    const peer = this.#peerOf(name)
    const isFirst = peer.waiting.size === 0
    const item: Waiting = { run, id, peer, priority, arrival: this.#tick(), place: -1 }
    if (isFirst) peer.since = item.arrival
    this.#waiting.set(id, item)
    peer.waiting.add(item)
    if (!isFirst) this.#moved(peer)
    else if (peer.running < this.#perPeerMax) this.#ready.add(peer)
  }

  dequeue(): Run | undefined {
    const peer = this.#ready.first
    const item = peer?.waiting.first
    if (!peer || !item) return undefined
    this.#ready.delete(peer)
    this.#waiting.delete(item.id)
    peer.waiting.delete(item)
    peer.running++
    peer.since = this.#tick()
    if (peer.waiting.size > 0 && peer.running < this.#perPeerMax) this.#ready.add(peer)
    return item.run
  }

  /** A turn of a peer is over. */
  release(name: string): void {
    const peer = this.#peers.get(name) as Peer
    if (peer.running === this.#perPeerMax && peer.waiting.size > 0) this.#ready.add(peer)
    peer.running--
    this.#forget(peer)
  }

  setPriority(id: string, priority: number): void {
    const item = this.#waiting.get(id)
    if (!item) return // Its turn has come meanwhile.
    item.priority = priority
    item.peer.waiting.moved(item)
    this.#moved(item.peer)
  }

  remove(id: string): void {
    const item = this.#waiting.get(id)
    if (!item) return
    const { peer } = item
    const isLast = peer.waiting.size === 1
    // Without anything waiting a peer has no order any more.
    if (isLast && peer.place >= 0) this.#ready.delete(peer)
    this.#waiting.delete(id)
    peer.waiting.delete(item)
    if (!isLast) this.#moved(peer)
    this.#forget(peer)
  }

  filter({ priority = 0 }: Readonly<Partial<TurnOptions>>): Run[] {
    return [...this.#waiting.values()].filter((item) => item.priority === priority).map(({ run }) => run)
  }

  /** Peers that are known: those of which something waits or runs. */
  get peers(): number {
    return this.#peers.size
  }

  #tick(): number {
    this.#time++
    return this.#time
  }

  #peerOf(name: string): Peer {
    const known = this.#peers.get(name)
    if (known) return known
    const isBefore = (one: Waiting, other: Waiting) =>
      one.priority === other.priority ? one.arrival < other.arrival : one.priority > other.priority
    const peer: Peer = { name, waiting: new Heap<Waiting>(isBefore), running: 0, since: 0, place: -1 }
    this.#peers.set(name, peer)
    return peer
  }

  #moved(peer: Peer): void {
    if (peer.place >= 0) this.#ready.moved(peer)
  }

  #forget(peer: Peer): void {
    if (peer.waiting.size === 0 && peer.running === 0) this.#peers.delete(peer.name)
  }
}
