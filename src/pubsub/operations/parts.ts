import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import type { Core } from '../core.ts'
import type { Section } from '../store/section.ts'

/** Which part of a list is wanted (XEP-0059 §2). */
export interface Page {
  readonly max?: number | undefined
  readonly after?: string | undefined
  /** Empty: the last page. */
  readonly before?: string | undefined
  readonly index?: number | undefined
}

/** A part of a list, in its order. */
export interface Part<T> {
  readonly found: readonly T[]
  /** What the first and the last of these are called where a page next to them is asked for. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** How many come before the first of these, where that is known. */
  readonly firstIndex: number | undefined
  /** How many there are in all; of what comes and goes, about. */
  readonly count: number
}

/** A list that is read from either end, in the order of a key that says by itself where it belongs (XEP-0059 §2.4). */
export interface Listing<T, Key extends string | number> {
  /** The key of what a page is next to. */
  readonly keyNamed: (id: string) => Key
  readonly keyOf: (thing: T) => Key
  readonly read: (section: Section<Key>) => readonly T[]
  /** Asked where it is not known from what was read. */
  readonly count: () => number
}

/**
 * @throws UnsupportedFeature for a page at a position: to find that, all before it would have to be counted (XEP-0059 §2.6)
 * @throws BytestreamError `ERR_ITEM_NOT_FOUND` for a page next to what cannot be in the list
 */
export function partOf<T, Key extends string | number>(core: Pick<Core, 'limits'>, page: Page = {}, list: Listing<T, Key>): Part<T> {
  if (page.index) throw new UnsupportedFeature('rsm', 'this list has no positions: ask for what is before or after an entry')
  const limit = Math.min(page.max ?? core.limits.pageMax, core.limits.pageMax)
  const after = page.after === undefined ? undefined : list.keyNamed(page.after)
  const before = page.before ? list.keyNamed(page.before) : undefined
  const fromEnd = page.before !== undefined
  const read = list.read({ after, before, limit: limit + 1, fromEnd })
  const isShort = read.length <= limit
  const found = isShort ? read : fromEnd ? read.slice(1) : read.slice(0, limit)

  const count = isShort && after === undefined && before === undefined ? found.length : list.count()
  const isAtBeginning = after === undefined && (!fromEnd || (isShort && before !== undefined))
  const isAtEnd = before === undefined && (fromEnd || isShort)
  const firstIndex = isAtBeginning ? 0 : isAtEnd ? Math.max(0, count - found.length) : undefined
  const [first, last] = [found[0], found.at(-1)].map((thing) => (thing === undefined ? undefined : String(list.keyOf(thing))))
  return { found, first, last, firstIndex: found.length === 0 ? undefined : firstIndex, count }
}

/** All of a list that has no pages. */
export const whole = <T>(found: readonly T[]): Part<T> => ({
  found,
  first: undefined,
  last: undefined,
  firstIndex: undefined,
  count: found.length,
})

/** What each of a part becomes. */
export const mapPart = <T, Other>(part: Part<T>, to: (thing: T) => Other): Part<Other> => ({ ...part, found: part.found.map(to) })

/** A key that is the number of something. */
export function numberNamed(id: string): number {
  if (!/^\d{1,15}$/.test(id)) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such place in this list')
  return Number(id)
}
