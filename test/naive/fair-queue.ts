interface NaiveTurn {
  readonly id: string
  readonly peer: string
  priority: number
}

/** What FairQueue does, by going through one list. */
export class NaiveFairQueue {
  /** In the order of their arrival. */
  waiting: NaiveTurn[] = []
  readonly running = new Map<string, number>()
  readonly #perPeerMax: number
  /** When each peer had a turn, or began to wait. */
  readonly #since = new Map<string, number>()
  #time = 0

  constructor(perPeerMax: number) {
    this.#perPeerMax = perPeerMax
  }

  add(turn: NaiveTurn): void {
    this.#time++
    if (!this.waiting.some(({ peer }) => peer === turn.peer)) this.#since.set(turn.peer, this.#time)
    this.waiting.push(turn)
  }

  /** Those that may begin at once. */
  get ready(): readonly NaiveTurn[] {
    return this.waiting.filter(({ peer }) => (this.running.get(peer) ?? 0) < this.#perPeerMax)
  }

  next(): string | undefined {
    const since = ({ peer }: NaiveTurn) => this.#since.get(peer) as number
    const [first] = this.ready.toSorted((one, other) => other.priority - one.priority || since(one) - since(other))
    if (!first) return undefined
    this.remove(first.id)
    this.#time++
    this.#since.set(first.peer, this.#time)
    this.running.set(first.peer, (this.running.get(first.peer) ?? 0) + 1)
    return first.id
  }

  release(peer: string): void {
    this.running.set(peer, (this.running.get(peer) as number) - 1)
  }

  remove(id: string): void {
    this.waiting = this.waiting.filter((turn) => turn.id !== id)
  }

  setPriority(id: string, priority: number): void {
    for (const turn of this.waiting) if (turn.id === id) turn.priority = priority
  }

  get peers(): number {
    const running = [...this.running].filter(([, count]) => count > 0).map(([peer]) => peer)
    return new Set([...running, ...this.waiting.map(({ peer }) => peer)]).size
  }
}
