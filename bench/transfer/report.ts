import type { Claim } from '../claims.ts'
import type { Results } from '../results.ts'
import { markdown } from '../tables.ts'
import { floor, type Ours, slixmpp } from './contenders.ts'

const COLUMNS = {
  seconds: 'wall, s',
  ends: 'CPU, both ends, s',
  relay: 'CPU, relay and server, s',
  all: 'CPU in all, s',
  aloneSeconds: 'transfer alone: wall, s',
  aloneEnds: 'CPU, both ends, s',
} as const
type Figure = keyof typeof COLUMNS

const FLOOR_HAS: readonly Figure[] = ['seconds', 'ends', 'all']

/** Every figure of every contender. */
export function table(results: Results, names: readonly string[], size: number): string {
  const least = (name: string, figure: Figure) => results.spread(name, 'file', size, figure)?.min
  const cell = (name: string, figure: Figure) => {
    const spread = results.spread(name, 'file', size, figure)
    if (!spread) return '-'
    const base = FLOOR_HAS.includes(figure) ? least(floor.name, figure) : undefined
    const ratio = base ? ` ×${(spread.min / base).toFixed(2)}` : ''
    return `${spread.min.toFixed(2)} (${spread.median.toFixed(2)})${ratio}`
  }
  const figures = Object.keys(COLUMNS) as Figure[]
  return markdown([['', ...Object.values(COLUMNS)], ...names.map((name) => [name, ...figures.map((figure) => cell(name, figure))])])
}

/** What docs/verification.md promises of files, on that Node; by minima. */
export function claims(results: Results, size: number, { version, direct, proxied }: Ours): Claim[] {
  const ratio = (ours: string, theirs: string, figure: Figure, theirFigure = figure) => {
    const [one, other] = [results.spread(ours, 'file', size, figure)?.min, results.spread(theirs, 'file', size, theirFigure)?.min]
    return one === undefined || other === undefined ? undefined : one / other
  }
  const claim = (what: string, figure: number | undefined, bound: number): Claim => ({
    ...{ hold: 5, what: `Node ${version}: ${what}`, figure, bound },
  })
  return [
    claim('CPU time of both ends, directly, to the floor: whole processes', ratio(direct.name, floor.name, 'ends'), 1.15),
    claim('the same, the transfer alone', ratio(direct.name, floor.name, 'aloneEnds', 'ends'), 1.15),
    claim("wall time through our proxy, to slixmpp's through ejabberd's", ratio(proxied.name, slixmpp.name, 'seconds'), 0.75),
    claim("CPU time of both ends and relay, through our proxy, to slixmpp's", ratio(proxied.name, slixmpp.name, 'all'), 0.85),
  ]
}
