import { inShort, markdown } from './tables.ts'

/** A promise of docs/verification.md, and what was measured. */
export interface Claim {
  /** Number of the promise. */
  readonly hold: number
  readonly what: string
  /** `undefined`: not measured in this run. */
  readonly figure: number | undefined
  readonly bound: number
  readonly isAtLeast?: boolean
}

export const isHeld = ({ figure, bound, isAtLeast }: Claim): boolean =>
  figure === undefined || (isAtLeast ? figure >= bound : figure <= bound)

/** One line for each promise. */
export function verdict(all: readonly Claim[]): string {
  const rows = all.map((claim) => [
    String(claim.hold),
    claim.what,
    claim.figure === undefined ? '-' : inShort(claim.figure),
    `${claim.isAtLeast ? '≥' : '≤'} ${claim.bound}`,
    claim.figure === undefined ? 'not measured' : isHeld(claim) ? 'held' : 'NOT HELD',
  ])
  return markdown([['', 'must hold', 'figure', 'bound', ''], ...rows])
}
