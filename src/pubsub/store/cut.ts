import type { Section } from './store.ts'

/** A section of things that are in the order of `keyOf`, by `compare`. */
export function cut<T, Key>(
  things: readonly T[],
  { after, before, limit, fromEnd }: Section<Key>,
  keyOf: (thing: T) => Key,
  compare: (one: Key, other: Key) => number,
): T[] {
  const between = things.filter((thing) => {
    const key = keyOf(thing)
    return (after === undefined || compare(key, after) > 0) && (before === undefined || compare(key, before) < 0)
  })
  return fromEnd ? between.slice(Math.max(0, between.length - limit)) : between.slice(0, limit)
}

export const byNumber = (one: number, other: number): number => one - other

/** In the order of code points, as a database has it. */
export const byCodePoint = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))
