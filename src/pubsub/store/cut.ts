import type { Section } from './section.ts'

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

/** A section of what `isKept` of a list: what is passed over is made up for by what comes next to it. */
export function sift<T>(
  read: (section: Section) => readonly T[],
  { after, before, limit, fromEnd = false }: Section,
  keyOf: (thing: T) => number,
  isKept: (thing: T) => boolean,
): T[] {
  const found: T[] = []
  let [low, high] = [after, before]
  for (let more = true; more && found.length < limit; ) {
    const some = read({ after: low, before: high, limit: limit - found.length, fromEnd })
    const kept = some.filter(isKept)
    if (fromEnd) found.unshift(...kept)
    else found.push(...kept)
    const [last] = fromEnd ? some : some.slice(-1)
    more = last !== undefined
    if (last !== undefined && fromEnd) high = keyOf(last)
    else if (last !== undefined) low = keyOf(last)
  }
  return found
}

export const byNumber = (one: number, other: number): number => one - other

/** In the order of code points, as a database has it. */
export const byCodePoint = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))
