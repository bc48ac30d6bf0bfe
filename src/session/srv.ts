/** One line of DNS that says where a service is (RFC 2782). */
export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** A target that stands for "not here" (RFC 2782); c-ares leaves the dot out. */
const isNowhere = ({ name }: SrvRecord) => name === '' || name === '.'

/** Whether DNS says that there is no such service, which is more than that it says nothing. */
export const isDenied = (records: readonly SrvRecord[]) => records.length > 0 && records.every(isNowhere)

/**
 * The records in the order they are to be tried: by priority, within one by chance, as their weights say (RFC 2782,
 * "Weight").
 *
 * @param random from 0 to less than 1
 */
export function sortSrv<R extends SrvRecord>(records: readonly R[], random: () => number): R[] {
  const left = records.filter((record) => !isNowhere(record))
  const sorted: R[] = []
  while (left.length > 0) {
    const priority = Math.min(...left.map((record) => record.priority))
    // Those without weight come first, so that they have a chance at all.
    const candidates = left
      .filter((record) => record.priority === priority)
      .sort((one, other) => Math.sign(one.weight) - Math.sign(other.weight))
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
    let mark = Math.floor(random() * (total + 1))
    const chosen = candidates.find(({ weight }) => {
      mark -= weight
      return mark <= 0
    }) as R
    sorted.push(chosen)
    left.splice(left.indexOf(chosen), 1)
  }
  return sorted
}
