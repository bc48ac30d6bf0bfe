import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Numbers by the value of a label. */
export type Numbers = Readonly<Partial<Record<string, number>>>

interface Instrument {
  readonly name: string
  readonly help: string
}

interface LabelledInstrument extends Instrument {
  readonly label: string
  /** Values of the label that are told from the start, so that the first event shows as a change. */
  readonly known: readonly string[]
}

/** One of ours. */
export const metric = (name: string, help: string): Instrument => ({ name: `streamhost_${name}`, help })

/** Of the process, whichever service in it is asked: they are taken once. */
let ofProcess: Registry | undefined

function processMetrics(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

/** Metrics of one service. What can be read is read when it is asked for; only what happens is noted when it happens. */
export class Instruments {
  readonly #own = new Registry()
  readonly #process = processMetrics()

  /** Of {@link text}. */
  get contentType(): string {
    return this.#own.contentType
  }

  /** All of it, and what Node tells of the process, in Prometheus's text format. */
  async text(): Promise<string> {
    return `${await this.#own.metrics()}${await this.#process.metrics()}`
  }

  /** What there is now. */
  gauge({ name, help }: Instrument, read: () => number): void {
    const collect = (): void => gauge.set(read())
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#own], collect })
  }

  /** A fact that stays as it is, as labels. */
  info({ name, help }: Instrument, labels: Readonly<Record<string, string>>): void {
    new Gauge({ name, help, registers: [this.#own], labelNames: Object.keys(labels) }).set(labels, 1)
  }

  /** What somebody else has counted. */
  counter({ name, help }: Instrument, read: () => number): void {
    const collect = (): void => {
      counter.reset()
      counter.inc(read())
    }
    const counter: Counter = new Counter({ name, help, registers: [this.#own], collect })
  }

  /** What somebody else has counted, by something. */
  counterBy({ name, help, label, known }: LabelledInstrument, read: () => Numbers): void {
    const collect = (): void => {
      counter.reset()
      const numbers = { ...Object.fromEntries(known.map((value) => [value, 0])), ...read() }
      for (const [value, number = 0] of Object.entries(numbers)) counter.inc({ [label]: value }, number)
    }
    const counter: Counter = new Counter({ name, help, registers: [this.#own], labelNames: [label], collect })
  }

  /** What is counted here, by something. @returns counts one */
  eventsBy({ name, help, label, known }: LabelledInstrument): (value: string) => void {
    const counter = new Counter({ name, help, registers: [this.#own], labelNames: [label] })
    for (const value of known) counter.inc({ [label]: value }, 0)
    return (value) => counter.inc({ [label]: value })
  }

  /** How often a number was up to each of `buckets`. @returns notes one */
  histogram({ name, help }: Instrument, buckets: readonly number[]): (value: number) => void {
    const histogram = new Histogram({ name, help, registers: [this.#own], buckets: [...buckets] })
    return (value) => histogram.observe(value)
  }
}
