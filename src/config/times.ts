import * as value from './values.ts'

/** A time with a default, for a table of settings. */
export const time = (ms: number, what: string) => ({
  type: value.duration.default(ms),
  placeholder: 'TIME',
  description: `${what} (default ${inSetting(ms)})`,
})

/** A time as one would write it into a setting. */
export function inSetting(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`
}
