import type { Measurement, Results, Spread } from '../results.ts'
import { markdown } from '../tables.ts'
import type { Measure } from './measures.ts'

const TITLES: Readonly<Record<string, string>> = {
  nodes: 'Creating nodes',
  subscribing: 'Subscribing, to nodes of so many afterwards',
  'fan-out': 'Publishing, to so many subscribers',
}

const COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nodes: { perSecond: 'nodes/s', serviceMsEach: 'CPU ms each', serverMsEach: 'of the server', kibEach: 'RSS KiB each' },
  subscribing: { perSecond: 'subscriptions/s', serviceMsEach: 'CPU ms each', serverMsEach: 'of the server', kibEach: 'RSS KiB each' },
  'fan-out': {
    ...{ perSecond: 'notifications/s', p50Ms: 'p50 ms', p99Ms: 'p99 ms' },
    ...{ serviceCpu: 'CPU-s/10,000', serverCpu: 'of the server', driverCpu: 'of the driver' },
  },
}

/** As many digits as say something. */
const inShort = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3))

const rangeOf = ({ median, min, max }: Spread): string =>
  min === max ? inShort(median) : `${inShort(median)} [${inShort(min)}-${inShort(max)}]`

function table(results: Results, { name, n }: Measure, contenders: readonly string[]): string {
  const columns = Object.entries(COLUMNS[name] ?? {})
  const rows = contenders
    .filter((contender) => results.spread(contender, name, n, 'perSecond'))
    .map((contender) => [
      contender,
      ...columns.map(([value]) => {
        const spread = results.spread(contender, name, n, value)
        return spread ? rangeOf(spread) : '-'
      }),
    ])
  return markdown([['', ...columns.map(([, title]) => title)], ...rows])
}

/** The figures of one run, by themselves. */
export const inWords = ({ measure, values }: Measurement): string =>
  Object.entries(COLUMNS[measure] ?? {})
    .flatMap(([value, title]) => (values[value] === undefined ? [] : `${inShort(values[value])} ${title}`))
    .join(', ')

/** Every figure, median [min-max]. */
export const tables = (results: Results, measures: readonly Measure[], contenders: readonly string[]): string =>
  measures
    .filter(({ name, n }) => results.numbers(name).includes(n))
    .map((measure) => `${TITLES[measure.name]}: ${measure.n}\n\n${table(results, measure, contenders)}`)
    .join('\n\n')
