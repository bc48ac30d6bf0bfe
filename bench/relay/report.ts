import type { Results } from '../results.ts'
import { inShort, markdown } from '../tables.ts'
import type { Measure } from './measures.ts'

/** Every figure of one kind of measure, median [min-max], a column for each number at once. */
function measureTable(results: Results, measures: readonly Measure[], contenders: readonly string[], value: string): string {
  const numbers = measures.map(({ n }) => n)
  const rows = contenders.map((contender) => [
    contender,
    ...measures.map(({ name, n }) => {
      const spread = results.spread(contender, name, n, value)
      return spread ? `${inShort(spread.median)} [${inShort(spread.min)}-${inShort(spread.max)}]` : '-'
    }),
  ])
  return markdown([['', ...numbers.map(String)], ...rows])
}

/** The figures beside the compared one that are worth a table of their own. */
const BESIDES: Readonly<Record<string, readonly (readonly [value: string, title: string])[]>> = {
  relay: [
    ['gibPerSecond', 'Throughput, GiB/s'],
    ['generatorCpuSecondsPerGib', 'CPU seconds of the generator per GiB'],
  ],
  'set-ups': [
    ['p50Ms', 'Time for a set-up: p50, ms'],
    ['p99Ms', 'Time for a set-up: p99, ms'],
    ['cpuMs', 'CPU time of the relay for a set-up, ms'],
    ['serverCpuMs', 'CPU time of the XMPP server beside it for a set-up, ms'],
    ['generatorCpuMs', 'CPU time of the generator for a set-up, ms'],
  ],
  echo: [
    ['p99Us', '64 octets there and back: p99, µs'],
    ['cpuUs', '64 octets there and back: CPU time of the relay, µs'],
  ],
}

/** All tables, in the order of the measures. */
export function tables(results: Results, measures: readonly Measure[], contenders: readonly string[]): string {
  const names = [...new Set(measures.map(({ name }) => name))]
  return names
    .flatMap((name) => {
      const ofIt = measures.filter((measure) => measure.name === name)
      const [first] = ofIt
      if (!first) return []
      return [[first.value, first.title] as const, ...(BESIDES[name] ?? [])].map(
        ([value, title]) => `${title}\n\n${measureTable(results, ofIt, contenders, value)}`,
      )
    })
    .join('\n\n')
}

/** The table of the README: each figure, and how many times as much it is as the floor's and as ejabberd's. */
export function summary(
  results: Results,
  measures: readonly Measure[],
  contenders: readonly string[],
  floor: string,
  ejabberd: string,
): string {
  const rows = contenders.map((contender) => [
    contender,
    ...measures.map(({ name, n, value }) => {
      const median = results.spread(contender, name, n, value)?.median
      if (median === undefined) return '-'
      const ratios = [floor, ejabberd].map((other) => results.ratio(contender, other, name, n, value))
      const [toFloor, toEjabberd] = ratios.map((ratio) => (ratio === undefined ? '-' : `×${inShort(ratio)}`))
      return `${inShort(median)} (${toFloor}, ${toEjabberd})`
    }),
  ])
  return markdown([['', ...measures.map(({ name, n }) => `${name}, ${n}`)], ...rows])
}
