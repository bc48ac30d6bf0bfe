// Question: what does publish-subscribe cost, as our service, as Prosody's and ejabberd's own, and what do their routers let through at
// most, from a component that does nothing but send messages that are ready?
// Method: one component by hand (XEP-0114) is the publisher and all subscribers, so every notification comes back to it, and it counts
// what each of them gets. Ours is the built command, `serve --pubsub-only --data`, a process of its own with its database on the disk,
// and so is whoever does nothing; both stand behind the same Prosody, or the same ejabberd. What is part of a server is measured in
// another one, after 10,000 nodes were created there; it is stored on disk, too, as each does it by default. Per round all are started
// anew, and each measure goes through all of them, in every other round in reverse:
//   nodes        10,000 nodes, 64 questions under way; resident memory before and after. Then 20,000 more, behind 15,000 that are not
//                counted, by which memory is judged: a heap, and the cache of a database, first grow to their size
//   subscribing  8,000 subscriptions, of nodes that have 2,000, 10,000, 100,000 subscribers afterwards. The last of these are all told
//                something short, so that whoever remembers whom to tell does: resident memory before and after
//   fan-out      an announcement of a file (XEP-0447, 19 elements, 1.1 KiB) to 1, 100, 10,000 subscribers. The first is looked at
//                closely: each gets it once, whole. Then one at a time: from the publish to its last notification. Then 32, 8, 2 under
//                way for 2 s: notifications per second, and CPU time for 10,000 of them. Every subscriber must have got every one
// CPU time, user and system, is that of whole process trees. Medians of the rounds are compared. What no promise is about is measured
// in the first round, or the first two.
//
//   npm run bench:pubsub -- [--rounds N] [--only nodes,subscribing,fan-out] [--by WORD,WORD] [--quick] [--json]
//
// --by takes contenders with such a word in their name. --quick is one round. --json puts a line for each measurement on stdout, and
// the tables on stderr. The exit code is 1 when something was lost or failed, or a promise of docs/verification.md
// ("Publish-subscribe") does not hold: run it on a machine that does nothing else.

import { parseArgs } from 'node:util'
import { setupFor, whatIsMissing } from '../test/helpers/foreign-programs.ts'
import { isHeld, verdict } from './claims.ts'
import { claims } from './pubsub/claims.ts'
import { type Contender, contenders, type Service, sides } from './pubsub/contenders.ts'
import { describeDisk } from './pubsub/disk.ts'
import { fanOut } from './pubsub/fan-out.ts'
import { type Measure, nodes, subscribing } from './pubsub/measures.ts'
import { Databases } from './pubsub/ours.ts'
import { inWords, tables } from './pubsub/report.ts'
import { Running } from './pubsub/running.ts'
import { Results } from './results.ts'

/** No round begins that would end later, if it were like the last. */
const MINUTES_MAX = 11.5
/** Of one measure of one contender. */
const SECONDS_MAX = 120

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
  nodes(20_000, 15_000),
  ...[2_000, 10_000, 100_000].map(subscribing),
  fanOut({ n: 1, timedMin: 4, timedMs: 2_000, atOnce: 32, ms: 2_000 }),
  fanOut({ n: 100, timedMin: 4, timedMs: 500, atOnce: 8, ms: 2_000 }),
  fanOut({ n: 10_000, timedMin: 1, timedMs: 0, atOnce: 2, ms: 2_000 }),
].filter(({ name }) => among(values.only, name))

const startedMs = performance.now()
const minutes = () => (performance.now() - startedMs) / 60_000
const results = new Results()
const failures: string[] = []

const isIn = (round: number, contender: Contender, measure: Measure): boolean =>
  measure.isFor(contender) && round <= (contender.rounds?.(measure) ?? rounds)

/** @throws Error when it does not end */
async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${SECONDS_MAX} s`)), SECONDS_MAX * 1000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** One run. @returns whether it went well; else it is told, and the others go on */
async function measureOne(measure: Measure, contender: Contender, service: Service, round: number): Promise<boolean> {
  const { name, n } = measure
  try {
    const measurement = { contender: contender.name, measure: name, n, round, values: await inTime(measure.run(service, contender)) }
    results.add(measurement)
    if (values.json) console.log(JSON.stringify(measurement))
    else console.error(`round ${round}  ${`${name} ${n}`.padEnd(19)} ${contender.name.padEnd(22)} ${inWords(measurement)}`)
    return true
  } catch (error) {
    failures.push(`round ${round}, ${name} ${n}, ${contender.name}: ${error instanceof Error ? error.message : error}`)
    console.error(failures.at(-1))
    return false
  }
}

async function runRound(round: number, present: readonly Contender[], databases: Databases): Promise<void> {
  await using running = new Running(databases)
  const end = () => void running[Symbol.asyncDispose]().finally(() => databases[Symbol.asyncDispose]().finally(() => process.exit(1)))
  const fail = (error: Error) => {
    console.error(error)
    end()
  }
  process.once('SIGINT', end).once('SIGTERM', end).once('uncaughtException', fail)
  const here = present.filter((contender) => measures.some((measure) => isIn(round, contender, measure)))
  for (const contender of here) await running.start(contender)
  for (const measure of measures) {
    for (const contender of round % 2 === 0 ? [...here].reverse() : here) {
      const service = running.services.get(contender)
      if (!service || !isIn(round, contender, measure)) continue
      // What a run that has failed still brings about would be counted in the next.
      if (!(await measureOne(measure, contender, service, round))) running.services.delete(contender)
    }
  }
  process.off('SIGINT', end).off('SIGTERM', end).off('uncaughtException', fail)
}

function report(names: readonly string[]): void {
  const all = sides.flatMap(({ server, ours, nothing, own }) =>
    claims(results, { server, ours: ours.name, nothing: nothing.name, own: own.name }),
  )
  tell(`\n${tables(results, measures, names)}\n\n${verdict(all)}\n`)
  for (const failure of failures) tell(`failed: ${failure}`)
  tell(`${minutes().toFixed(1)} minutes`)
  if (failures.length > 0 || !all.every(isHeld)) process.exitCode = 1
}

async function main(): Promise<void> {
  await using databases = await Databases.open()
  tell(`databases are on ${await describeDisk(databases.folder)}`)
  const present = contenders
    .filter(({ name }) => among(values.by, name))
    .filter(({ name, needs }) => {
      const missing = whatIsMissing(needs)
      if (missing !== undefined) tell(`without ${name}: ${missing}; npm run ${setupFor(needs)} installs it`)
      return missing === undefined
    })
  let lasted = 0
  for (let round = 1; round <= rounds; round += 1) {
    if (minutes() + lasted > MINUTES_MAX) {
      tell(`${rounds - round + 1} rounds are left out, which would end after more than ${MINUTES_MAX} minutes`)
      break
    }
    const began = minutes()
    await runRound(round, present, databases)
    lasted = minutes() - began
  }
  report(present.map(({ name }) => name))
}

await main()
