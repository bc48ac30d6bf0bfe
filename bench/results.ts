/** `undefined`: there is no such figure, as of the memory of no relay. */
export type Values = Readonly<Record<string, number | undefined>>

/** One run of one contender. */
export interface Measurement {
  readonly contender: string
  readonly measure: string
  readonly n: number
  readonly round: number
  readonly values: Values
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** What was measured so far. */
export class Results {
  readonly #measurements: Measurement[] = []

  add(measurement: Measurement): void {
    this.#measurements.push(measurement)
  }

  /** Of all rounds; `undefined` when there was none. */
  spread(contender: string, measure: string, n: number, value: string): Spread | undefined {
    const sorted = this.#measurements
      .filter((one) => one.contender === contender && one.measure === measure && one.n === n)
      .flatMap(({ values }) => values[value] ?? [])
      .sort((a, b) => a - b)
    if (sorted.length === 0) return undefined
    const at = (index: number) => sorted[Math.floor(index)] as number
    const middle = (sorted.length - 1) / 2
    return { median: (at(middle) + at(middle + 0.5)) / 2, min: at(0), max: at(sorted.length - 1) }
  }

  /** How many times as much as that of another, by the medians. */
  ratio(contender: string, to: string, measure: string, n: number, value: string): number | undefined {
    const [ours, theirs] = [contender, to].map((name) => this.spread(name, measure, n, value)?.median)
    return ours === undefined || theirs === undefined ? undefined : ours / theirs
  }

  /** The numbers a measure was taken at. */
  numbers(measure: string): number[] {
    const numbers = this.#measurements.filter((one) => one.measure === measure).map(({ n }) => n)
    return [...new Set(numbers)].sort((a, b) => a - b)
  }
}
