import { BytestreamError } from './errors.ts'

const BYTES = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const
const MILLISECONDS = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 } as const

function parse(text: string, units: Readonly<Record<string, number>>, example: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text) ?? []
  const scale = units[unit]
  const value = digits === undefined || scale === undefined ? Number.NaN : Math.round(Number(digits) * scale)
  if (!Number.isSafeInteger(value)) {
    throw new BytestreamError('ERR_CONFIG', `expected a number with a unit (${Object.keys(units).join(', ')}), such as "${example}"`)
  }
  return value
}

/**
 * Reads an amount of data, such as `10MiB` or `1.5GB`. The unit is required.
 *
 * @returns octets
 * @throws BytestreamError `ERR_CONFIG`
 */
export const parseBytes = (text: string): number => parse(text, BYTES, '10MiB')

/**
 * Reads a span of time, such as `30s` or `1h`. The unit is required.
 *
 * @returns milliseconds
 * @throws BytestreamError `ERR_CONFIG`
 */
export const parseDuration = (text: string): number => parse(text, MILLISECONDS, '30s')

type Scale = readonly [size: number, unit: string]

const BINARY: readonly Scale[] = [
  [1, 'B'],
  [2 ** 10, 'KiB'],
  [2 ** 20, 'MiB'],
  [2 ** 30, 'GiB'],
  [2 ** 40, 'TiB'],
]

const TIME: readonly Scale[] = [
  [1, 'ms'],
  [1e3, 's'],
  [60e3, 'min'],
  [3600e3, 'h'],
]

/** In the smallest unit of which, after rounding, there is less than one of the next. */
function format(value: number, scales: readonly Scale[]): string {
  const shown = ([size]: Scale) => (size === 1 ? Math.round(value) : Number((value / size).toFixed(1)))
  const scale = scales.find((one, at) => shown(one) * one[0] < (scales[at + 1]?.[0] ?? 0)) ?? (scales.at(-1) as Scale)
  return `${shown(scale)} ${scale[1]}`
}

/** Octets for people, in binary units: `1.5 MiB`. Not negative. */
export const formatBytes = (bytes: number): string => format(bytes, BINARY)

/** A span of time for people, given in milliseconds: `1.5 s`, `2 min`. Not negative. */
export const formatDuration = (ms: number): string => format(ms, TIME)
