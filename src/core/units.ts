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

/** Octets for people, in binary units: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10)))
  const value = bytes / 2 ** (10 * power)
  return `${power === 0 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** A span of time for people, in the largest unit that leaves at least one: `1.5 s`, `2 min`. */
export function formatDuration(ms: number): string {
  const units = [
    [3600e3, 'h'],
    [60e3, 'min'],
    [1e3, 's'],
  ] as const
  for (const [scale, unit] of units) {
    if (ms >= scale) return `${Number((ms / scale).toFixed(1))} ${unit}`
  }
  return `${Math.round(ms)} ms`
}
