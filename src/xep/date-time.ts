/** XEP-0082 §3.2, with the fractions and offsets it allows. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** A point in time, in milliseconds since 1970, as XEP-0082 writes it: in UTC, to the second. */
export function formatDateTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** @returns `undefined` for what is no dateTime of XEP-0082, or no day of the calendar */
export function parseDateTime(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const ms = Date.parse(text)
  // The thirtieth of February is moved on to March otherwise.
  const [day, midnight] = [text.slice(0, 10), Date.parse(`${text.slice(0, 10)}T00:00:00Z`)]
  return Number.isNaN(ms) || Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day ? undefined : ms
}
