/** A part of a list in its order: what comes behind `after`, at most `limit`. */
export interface Range {
  readonly after?: number | undefined
  readonly limit: number
}

/** A part of a list that is read from either end, always in its order: what lies between the two. */
export interface Section<Key = number> {
  readonly after?: Key | undefined
  readonly before?: Key | undefined
  readonly limit: number
  /** Of more than `limit`, those at the end. */
  readonly fromEnd?: boolean
}
