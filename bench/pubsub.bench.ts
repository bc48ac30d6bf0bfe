// Question: what do the publish-subscribe services of Prosody and ejabberd cost, and what do their routers let through, from a
// component that does nothing but send messages that are ready?
// Method: one component by hand (XEP-0114) is the publisher and all subscribers, so every notification comes back to it. What is
// part of a server is measured in another one than what stands behind it, and after 10,000 nodes were created there. Everything is stored on disk, as each does it by default. Per round all are started anew, and each measure goes
// through all of them, in every other round in reverse:
//   nodes        10,000 nodes, 64 questions under way; resident memory before and after
//   subscribing  8,000 subscriptions, of nodes that have 2,000, 10,000, 100,000 subscribers afterwards
//   fan-out      an announcement of a file (XEP-0447, 19 elements, 1.1 KiB) to 1, 100, 10,000 subscribers. The first is looked at
//                closely: each gets it once, whole. Then one at a time for 2 s, at least 4: from the publish to its last
//                notification. Then 32, 8, 2 under way for 2 s: notifications per second, and CPU time for 10,000 of them
// CPU time, user and system, is that of whole process trees, and the figure to go by; rates move with what else the machine does.
//
//   npm run bench:pubsub -- [--rounds N] [--only nodes,subscribing,fan-out] [--by WORD,WORD] [--quick] [--json]
//
// --by takes contenders with such a word in their name. --quick is one round. --json puts a line for each measurement on stdout,
// and the tables on stderr. Run it on a machine that does nothing else.

import { parseArgs } from 'node:util'
import { setupFor, whatIsMissing } from '../test/helpers/foreign-programs.ts'
import { type Contender, contenders, type Service } from './pubsub/contenders.ts'
import { fanOut, type Measure, nodes, subscribing } from './pubsub/measures.ts'
import { tables } from './pubsub/report.ts'
import type { Server, ServerKind } from './pubsub/servers.ts'
import { Results } from './relay/results.ts'

/** After that no further round begins. */
const MINUTES_MAX = 12

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    by: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const rounds = values.quick ? 1 : Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: expected a number`)
const tell = values.json ? console.error : console.log
const among = (words: string, name: string) => words.split(',').some((word) => name.includes(word))
const measures = [
  nodes(10_000),
  ...[2_000, 10_000, 100_000].map(subscribing),
  ...(
    [
      [1, 32],
      [100, 8],
      [10_000, 2],
    ] as const
  ).map(([n, atOnce]) => fanOut({ n, atOnce, ms: 2_000 })),
].filter(({ name }) => among(values.only, name))

const started = performance.now()
const results = new Results()
const failures: string[] = []

/** What runs in one round. */
class Running implements AsyncDisposable {
  readonly services = new Map<Contender, Service>()
  readonly #servers = new Map<ServerKind, Promise<Server>>()

  async start(contender: Contender): Promise<void> {
    const { behind } = contender
    const server = behind && (this.#servers.get(behind) ?? behind.start(false))
    if (behind && server) this.#servers.set(behind, server)
    this.services.set(contender, await contender.start(await server))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.services.values()].map((service) => service[Symbol.asyncDispose]()))
    await Promise.allSettled([...this.#servers.values()].map(async (server) => (await server)[Symbol.asyncDispose]()))
  }
}

/** One run; whoever fails is told, and the others go on. */
async function measureOne(measure: Measure, contender: Contender, service: Service, round: number): Promise<void> {
  const { name, n } = measure
  const at = performance.now()
  try {
    const measurement = { contender: contender.name, measure: name, n, round, values: await measure.run(service, contender) }
    results.add(measurement)
    if (values.json) console.log(JSON.stringify(measurement))
    else console.error(`${contender.name}, ${name}, ${n}, round ${round}: ${((performance.now() - at) / 1000).toFixed(1)} s`)
  } catch (error) {
    failures.push(`${contender.name}, ${name}, ${n}, round ${round}: ${error instanceof Error ? error.message : error}`)
    console.error(failures.at(-1))
  }
}

async function runRound(round: number, present: readonly Contender[]): Promise<void> {
  await using running = new Running()
  const end = () => void running[Symbol.asyncDispose]().finally(() => process.exit(1))
  const fail = (error: Error) => {
    console.error(error)
    end()
  }
  process.once('SIGINT', end).once('SIGTERM', end).once('uncaughtException', fail)
  const here = present.filter((contender) => round <= (contender.rounds ?? rounds))
  for (const contender of here) await running.start(contender)
  for (const measure of measures) {
    for (const contender of round % 2 === 0 ? [...here].reverse() : here) {
      const service = running.services.get(contender)
      if (service && measure.isFor(contender)) await measureOne(measure, contender, service, round)
    }
  }
  process.off('SIGINT', end).off('SIGTERM', end).off('uncaughtException', fail)
}

async function main(): Promise<void> {
  const present = contenders
    .filter(({ name }) => among(values.by, name))
    .filter(({ name, needs }) => {
      const missing = whatIsMissing(needs)
      if (missing !== undefined) tell(`without ${name}: ${missing}; npm run ${setupFor(needs)} installs it`)
      return missing === undefined
    })
  for (let round = 1; round <= rounds; round += 1) {
    if (round > 1 && performance.now() - started > MINUTES_MAX * 60_000) {
      tell(`${MINUTES_MAX} minutes are over: ${rounds - round + 1} rounds are left out`)
      break
    }
    await runRound(round, present)
  }
  const names = present.map(({ name }) => name)
  tell(`\n${tables(results, measures, names)}\n`)
  for (const failure of failures) tell(`failed: ${failure}`)
  tell(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`)
  if (failures.length > 0) process.exitCode = 1
}

await main()
