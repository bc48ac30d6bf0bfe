export interface NaivePlace {
  readonly dstAddr: string
  readonly socket: number
  readonly listeningAddress: string
  readonly rank: number
  readonly sourceAddress: string
}

/** What Pairing does, by going through one list. */
export class NaivePairing {
  waiting: NaivePlace[] = []
  readonly active = new Set<string>()
  readonly #limits: { readonly perDstAddrMax: number; readonly waitingMax: number }

  constructor(limits: { readonly perDstAddrMax: number; readonly waitingMax: number }) {
    this.#limits = limits
  }

  under(dstAddr: string): NaivePlace[] {
    return this.waiting.filter((place) => place.dstAddr === dstAddr)
  }

  join(place: NaivePlace): string {
    const all = this.under(place.dstAddr)
    const here = all.filter(({ listeningAddress }) => listeningAddress === place.listeningAddress)
    if (this.active.has(place.dstAddr) || here.length === 2 || all.length === this.#limits.perDstAddrMax) return 'ERR_PLACES_TAKEN'
    if (this.waiting.length === this.#limits.waitingMax) return 'ERR_LIMIT_WAITING'
    this.waiting.push(place)
    return 'joined'
  }

  leave(dstAddr: string, socket: number): void {
    this.waiting = this.waiting.filter((place) => place.dstAddr !== dstAddr || place.socket !== socket)
  }

  activate(dstAddr: string): string | { readonly pair: readonly number[]; readonly spares: readonly number[] } {
    if (this.active.has(dstAddr)) return 'already active'
    const all = this.under(dstAddr)
    if (all.length === 0) return 'ERR_BYTESTREAM_UNKNOWN'
    if (all.length === 1) return 'ERR_PEER_MISSING'
    const pair = bestPair(all)
    this.waiting = this.waiting.filter((place) => place.dstAddr !== dstAddr)
    this.active.add(dstAddr)
    return {
      pair: pair.map(({ socket }) => socket),
      spares: all.filter((place) => !pair.includes(place)).map(({ socket }) => socket),
    }
  }
}

/** The four rules, one after the other, each a filter. */
function bestPair(all: readonly NaivePlace[]): readonly [NaivePlace, NaivePlace] {
  let pairs = all.flatMap((one, index) => all.slice(index + 1).map((other): readonly [NaivePlace, NaivePlace] => [one, other]))
  const prefer = (rule: (pair: readonly [NaivePlace, NaivePlace]) => boolean) => {
    if (pairs.some(rule)) pairs = pairs.filter(rule)
  }
  const isTogether = ([one, other]: readonly [NaivePlace, NaivePlace]) => one.listeningAddress === other.listeningAddress
  prefer(isTogether)
  prefer(([one, other]) => isTogether([one, other]) || one.sourceAddress !== other.sourceAddress)
  const ranks = ([one, other]: readonly [NaivePlace, NaivePlace]) => [one.rank, other.rank].sort((a, b) => a - b) as [number, number]
  const smallest = Math.min(...pairs.map((pair) => ranks(pair)[0]))
  prefer((pair) => ranks(pair)[0] === smallest)
  const next = Math.min(...pairs.map((pair) => ranks(pair)[1]))
  prefer((pair) => ranks(pair)[1] === next)
  return pairs[0] as readonly [NaivePlace, NaivePlace]
}
