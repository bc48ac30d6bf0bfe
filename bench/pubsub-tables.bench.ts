// Question: do the checks that every request begins with take longer because the tables are large, and how long does a start take?
// Method: two databases in directories of their own, one with 3,000 nodes, one with 100,000; there are ten times as many
// subscriptions and items, a million of each in the large one, and one node in each has every tenth subscription. They are filled, and
// then opened and closed in turns: a start lasts until something was asked. Then each check is made at 20,000 places, in turns in both
// databases, and minima of its CPU time are compared: once with places all over the tables, of which memory holds only a part when they
// are large, and once with the same 1,000 that are busy. The 1,000 nodes that were used last are remembered: of 3,000 in turn none is, so
// that both databases are asked all over the tables, and neither for what is remembered of the busy ones. What is remembered with a node is
// asked for behind the node itself, as in every request. A check that does not find what
// was put there fails. Last, the plan of every statement: each must begin from a key.
//
//   npm run bench:pubsub-tables -- [--nodes 100000] [--rounds N]
//
// The exit code is 1 when a check, or a start, takes longer by more than the bound, or a statement walks through a whole table.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pubsubMigrations, SqliteStore } from '../src/pubsub/index.ts'
import { changes, queries } from '../src/pubsub/store/statements.ts'
import { Storage } from '../src/storage/index.ts'
import { type Claim, isHeld, verdict } from './claims.ts'
import { checks, EACH, fill, placesIn, timeChecks } from './pubsub/tables.ts'
import { Results } from './results.ts'
import { markdown } from './tables.ts'

const SMALL = 3_000
const PLACES = 20_000
const BUSY = 1_000
const STARTS = 5

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '5' } } })
const [LARGE, rounds] = [Number(values.nodes), Number(values.rounds)]
if (!Number.isInteger(LARGE) || LARGE < SMALL * 2) throw new Error(`--nodes ${values.nodes}: expected ${SMALL * 2} or more`)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: expected a number`)

const EVERYWHERE = 'all over'
const OF_BUSY = 'busy ones'
const START = 'start'
const results = new Results()

async function open(directory: string): Promise<{ storage: Storage; store: SqliteStore; ms: number }> {
  const startedMs = performance.now()
  const storage = await Storage.open({ directory, migrations: pubsubMigrations })
  const store = new SqliteStore(storage)
  store.countNodes()
  return { storage, store, ms: performance.now() - startedMs }
}

async function fillOne(directory: string, nodes: number): Promise<void> {
  const { store } = await open(directory)
  const took = await fill(store, nodes)
  await store.close()
  const each = Object.entries(took).map(([name, us]) => `${us.toFixed(1)} µs a${name === 'item' ? 'n' : ''} ${name}`)
  console.log(`${nodes} nodes, ${nodes * EACH} subscriptions, ${nodes * EACH} items: filled at ${each.join(', ')}`)
}

/** What SQLite does for a statement. @returns what it walks through from one end to the other */
function tellPlans(storage: Storage): string[] {
  const walks: string[] = []
  for (const [name, sql] of Object.entries({ ...queries, ...changes })) {
    const steps = storage.query<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`).all()
    console.log(`  ${name}: ${steps.map(([, , , what]) => what).join('; ') || 'no search'}`)
    for (const [, , , what] of steps) if (what.startsWith('SCAN') && !what.includes('CONSTANT ROW')) walks.push(`${name}: ${what}`)
  }
  return walks
}

function table(): string {
  const cell = (check: string, where: string, nodes: number) => {
    const spread = results.spread(where, check, nodes, 'us')
    return spread ? `${spread.min.toFixed(1)} (${spread.median.toFixed(1)})` : '-'
  }
  const rows = Object.keys(checks).map((check) => [
    check,
    ...[EVERYWHERE, OF_BUSY].flatMap((where) => [
      cell(check, where, SMALL),
      cell(check, where, LARGE),
      `×${growth(check, where)?.toFixed(2)}`,
    ]),
  ])
  const heads = [EVERYWHERE, OF_BUSY].flatMap((where) => [`${where}: ${SMALL}`, `${LARGE}`, 'more'])
  return markdown([['CPU µs, minimum (median)', ...heads], ...rows])
}

/** By minima. */
function growth(check: string, where: string): number | undefined {
  const [small, large] = [SMALL, LARGE].map((nodes) => results.spread(where, check, nodes, 'us')?.min)
  return small === undefined || large === undefined ? undefined : large / small
}

/** A tree that is thirty times as large is a page or two deeper, and memory does not hold all of its pages. */
function claims(walks: number): Claim[] {
  const all = Object.keys(checks).flatMap((check) => [
    { what: `${check}, ${EVERYWHERE}`, figure: growth(check, EVERYWHERE), bound: 3 },
    { what: `${check}, ${OF_BUSY}`, figure: growth(check, OF_BUSY), bound: 2.5 },
  ])
  const start = { what: 'a start', figure: growth(START, START), bound: 2 }
  return [...all, start, { what: 'statements that walk through a table', figure: walks, bound: 0 }].map((claim) => ({ hold: 4, ...claim }))
}

interface Opened {
  readonly nodes: number
  readonly storage: Storage
  readonly store: SqliteStore
}

/** Starts with each, in turns. @returns the last of them, open */
async function startAll(sizes: readonly { readonly nodes: number; readonly directory: string }[]): Promise<Opened[]> {
  const opened = new Map<number, Opened>()
  for (let round = 0; round < STARTS; round += 1) {
    for (const { nodes, directory } of round % 2 === 0 ? sizes : [...sizes].reverse()) {
      await opened.get(nodes)?.store.close()
      const { ms, storage, store } = await open(directory)
      opened.set(nodes, { nodes, storage, store })
      results.add({ contender: START, measure: START, n: nodes, round, values: { us: ms * 1000 } })
    }
  }
  for (const { nodes } of sizes) {
    const { min = 0, median = 0 } = results.spread(START, START, nodes, 'us') ?? {}
    console.log(`start with ${nodes} nodes: ${(min / 1000).toFixed(1)} ms (${(median / 1000).toFixed(1)})`)
  }
  return sizes.map(({ nodes }) => opened.get(nodes) as Opened)
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-bench-'))
  const leave = () => void rm(folder, { recursive: true, force: true }).finally(() => process.exit(1))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave)
  try {
    const sizes = [SMALL, LARGE].map((nodes) => ({ nodes, directory: join(folder, String(nodes)) }))
    for (const { nodes, directory } of sizes) await fillOne(directory, nodes)
    const opened = await startAll(sizes)
    for (let round = 0; round <= rounds; round += 1) {
      for (const { nodes, store } of round % 2 === 0 ? opened : [...opened].reverse()) {
        for (const [where, among] of [
          [EVERYWHERE, nodes],
          [OF_BUSY, BUSY],
        ] as const) {
          const times = timeChecks(store, placesIn(store, nodes, PLACES, among))
          if (round === 0) continue // Warms up.
          for (const [measure, us] of Object.entries(times)) results.add({ contender: where, measure, n: nodes, round, values: { us } })
        }
      }
    }
    console.log('\nPlans\n')
    const walks = tellPlans((opened.at(-1) as (typeof opened)[number]).storage)
    for (const { store } of opened) await store.close()
    const all = claims(walks.length)
    console.log(`\n${table()}\n\n${verdict(all)}\n`)
    for (const walk of walks) console.log(`walks through a table: ${walk}`)
    if (!all.every(isHeld)) process.exitCode = 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
