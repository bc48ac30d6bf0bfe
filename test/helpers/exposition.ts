// Prometheus's text format 0.0.4 as its description has it, read strictly: what a scraper might take as well is an error here.

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Everything that stands under one HELP and TYPE. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly Sample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HELP = new RegExp(`^# HELP (${NAME}) (\\S.*)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)$/i

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== ''; ) {
    const [whole = '', name = '', value = ''] = LABEL.exec(rest) ?? []
    if (whole === '' || name in labels) throw new Error(`labels are wrong: ${line}`)
    labels[name] = value
    rest = rest.slice(whole.length)
  }
  return labels
}

function readSample(line: string): Sample {
  const [, name, labels = '', number = ''] = SAMPLE.exec(line) ?? []
  if (name === undefined || !NUMBER.test(number)) throw new Error(`no sample: ${line}`)
  return { name, labels: readLabels(labels, line), value: Number(number.replace(/inf$/i, 'Infinity')) }
}

/** Which names the samples of a family may have. */
const suffixes: Readonly<Record<string, readonly string[]>> = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] }

const identity = ({ name, labels }: Sample) => JSON.stringify([name, Object.entries(labels).sort()])

/** Buckets grow, the last holds everything, and a sum stands beside them, for each set of labels. */
function checkHistogram({ name, samples }: Family): void {
  const bySet = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...others } = sample.labels
    const key = identity({ ...sample, name, labels: others })
    bySet.set(key, [...(bySet.get(key) ?? []), sample])
  }
  for (const set of bySet.values()) {
    const buckets = set.filter((sample) => sample.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number((labels['le'] ?? '').replace('+Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    const ascends = (values: readonly number[]) => values.every((value, index) => index === 0 || value >= (values[index - 1] as number))
    const [count, ...more] = set.filter((sample) => sample.name === `${name}_count`)
    if (!ascends(bounds) || bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}: bounds ${bounds}`)
    if (!ascends(counts) || counts.at(-1) !== count?.value || more.length > 0)
      throw new Error(`${name}: counts ${counts} of ${count?.value}`)
    if (set.filter((sample) => sample.name === `${name}_sum`).length !== 1) throw new Error(`${name}: not one sum`)
  }
}

function check(family: Family): void {
  const { name, type, samples } = family
  for (const sample of samples) {
    if (!suffixes[type]?.some((suffix) => sample.name === name + suffix)) throw new Error(`${sample.name} does not belong to ${name}`)
    if (type !== 'gauge' && !(sample.value >= 0)) throw new Error(`${sample.name} is ${sample.value}`)
  }
  if (type === 'histogram') checkHistogram(family)
}

/** @throws Error for whatever does not conform */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, Family & { readonly samples: Sample[] }>()
  const seen = new Set<string>()
  let helped: string | undefined
  let current: (Family & { readonly samples: Sample[] }) | undefined
  for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
    const [, helpName, help = ''] = HELP.exec(line) ?? []
    const [, typeName, type = ''] = TYPE.exec(line) ?? []
    if (helpName !== undefined) {
      if (families.has(helpName)) throw new Error(`${helpName} is there twice`)
      helped = helpName
      current = { name: helpName, help, type: '', samples: [] }
    } else if (typeName !== undefined) {
      if (typeName !== helped || current === undefined) throw new Error(`TYPE without its HELP: ${line}`)
      current = { ...current, type }
      families.set(typeName, current)
    } else {
      const sample = readSample(line)
      if (current?.type === undefined || current.type === '') throw new Error(`no TYPE before ${line}`)
      if (seen.has(identity(sample))) throw new Error(`twice: ${line}`)
      seen.add(identity(sample))
      current.samples.push(sample)
    }
  }
  for (const family of families.values()) check(family)
  return families
}

/** The value of one series, such as `a_total{result="ok"}`; fails when there is none. */
export function seriesValue(text: string, series: string): number {
  const { name, labels } = readSample(`${series} 0`)
  for (const { samples } of readExposition(text).values()) {
    const found = samples.find((sample) => identity(sample) === identity({ name, labels, value: 0 }))
    if (found) return found.value
  }
  throw new Error(`there is no ${series}`)
}
