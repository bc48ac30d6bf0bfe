import type { Claim } from '../claims.ts'
import type { Results } from '../results.ts'
import { AT_ONCE } from './measures.ts'

export interface Names {
  readonly splice: string
  readonly stream: string
  readonly floor: string
  readonly haproxy: string
  readonly prosody: string
  readonly ejabberd: string
}

const COST = 'cpuSecondsPerGib'
const FEW = [1, 8, 64]

function costClaims(results: Results, { splice, stream, floor, haproxy, ejabberd }: Names): Claim[] {
  const cost = (hold: number, ours: string, theirs: string, measure: string, n: number, bound: number): Claim => ({
    ...{ hold, bound, what: `CPU time per GiB, ${ours} to ${theirs}, ${measure}, ${n} bytestream${n === 1 ? '' : 's'}` },
    figure: results.ratio(ours, theirs, measure, n, COST),
  })
  const always = ['relay', 'small writes', 'scale'].flatMap((measure) => results.numbers(measure).map((n) => [measure, n] as const))
  return [
    ...FEW.map((n) => cost(1, splice, floor, 'relay', n, 1.25)),
    ...FEW.map((n) => cost(1, splice, ejabberd, 'relay', n, 0.3)),
    ...always.map(([measure, n]) => cost(1, splice, haproxy, measure, n, 1)),
    ...FEW.map((n) => cost(2, stream, ejabberd, 'relay', n, 0.7)),
  ]
}

function echoClaims(results: Results, { splice, stream, haproxy, ejabberd }: Names): Claim[] {
  const echo = (ours: string, theirs: string, value: string, bound: number): Claim => ({
    ...{ hold: 3, bound, what: `echo ${value.slice(0, 3)}, ${ours} to ${theirs}` },
    figure: results.ratio(ours, theirs, 'echo', 1, value),
  })
  return [echo(splice, haproxy, 'p50Us', 1.1), echo(splice, ejabberd, 'p99Us', 0.6), echo(stream, haproxy, 'p50Us', 1.3)]
}

function memoryClaims(results: Results, { splice, stream }: Names): Claim[] {
  const memory = (ours: string, measure: string, n: number, bound: number): Claim => ({
    ...{ hold: 4, bound, what: `KiB per ${measure} bytestream, ${ours}, of ${n}` },
    figure: results.spread(ours, measure, n, 'kibEach')?.median,
  })
  return [memory(splice, 'idle', 5_000, 8), memory(stream, 'idle', 5_000, 8), memory(splice, 'busy', 256, 64)]
}

function setUpClaims(results: Results, { splice, stream, prosody, ejabberd }: Names): Claim[] {
  const setUps = (ours: string, theirs: string, bound: number): Claim => ({
    ...{ hold: 5, bound, what: `set-ups per second, ${ours} to ${theirs}`, isAtLeast: true },
    figure: results.ratio(ours, theirs, 'set-ups', AT_ONCE, 'perSecond'),
  })
  return [splice, stream].flatMap((ours) => [setUps(ours, prosody, 1), setUps(ours, ejabberd, 2)])
}

/** What docs/verification.md promises of the data path, line by line. */
export const claims = (results: Results, names: Names): Claim[] =>
  [costClaims, echoClaims, memoryClaims, setUpClaims].flatMap((claim) => claim(results, names))
