import type { Claim } from '../claims.ts'
import type { Results } from '../results.ts'

/** Whoever stands behind one server, or is part of it. */
export interface Side {
  readonly server: string
  readonly ours: string
  readonly nothing: string
  readonly own: string
}

type Figure = readonly [measure: string, n: number, value: string]

/** What docs/verification.md promises of publish-subscribe behind one server, line by line. */
export function claims(results: Results, { server, ours, nothing, own }: Side): Claim[] {
  const claim = (what: string, figure: number | undefined, bound: number, isAtLeast = false): Claim => ({
    ...{ hold: 5, what: `${server}: ${what}`, figure, bound, isAtLeast },
  })
  const ratio = (to: string, [measure, n, value]: Figure) => results.ratio(ours, to, measure, n, value)
  const median = ([measure, n, value]: Figure) => results.spread(ours, measure, n, value)?.median
  const many = [100, 10_000]
  const sizes = results.numbers('subscribing')
  return [
    ...many.map((n) => claim(`notifications per second to ${n}, to do-nothing's`, ratio(nothing, ['fan-out', n, 'perSecond']), 0.95, true)),
    ...many.map((n) => claim(`CPU-s per 10,000 notifications to ${n}`, median(['fan-out', n, 'serviceCpu']), 0.1)),
    claim("p50 of a publish to 1, to do-nothing's", ratio(nothing, ['fan-out', 1, 'p50Ms']), 1.4),
    claim("p50 of a publish to 1, to the server's own", ratio(own, ['fan-out', 1, 'p50Ms']), 1),
    ...sizes.map((n) =>
      claim(`subscriptions per second, up to ${n}, to do-nothing's`, ratio(nothing, ['subscribing', n, 'perSecond']), 0.8, true),
    ),
    ...sizes.slice(-1).map((n) => claim(`KiB per subscription, of ${n}`, median(['subscribing', n, 'kibEach']), 0.5)),
    ...results
      .numbers('nodes')
      .slice(-1)
      .map((n) => claim(`KiB per node, of ${n} further ones`, median(['nodes', n, 'kibEach']), 1.5)),
  ]
}
