// Question: what does relaying cost here, against what the kernel allows, against the proxies people run today, and against
// a relay that does nothing else: CPU time of a GiB, set-ups, the way of a small message, memory?
// Method: every contender is a process of its own on loopback. The engines of `streamhost serve` stand behind a Prosody; the
// proxies of Prosody and ejabberd are asked for activation over XMPP as ours are; HAProxy dials the other end; and the floor
// is a relay in C that only calls splice(2). One generator in C plays both ends of all bytestreams, for each of them in the
// same way (relay/generator.c); what it can do at most shows when it dials itself. Rounds are interleaved, every other one in
// reverse, and medians compared. CPU time, user and system, of all threads and children, is the figure to go by: throughput and latencies move
// with what else the machine does. Where memory is looked at the relay is a new process each time.
//
//   npm run bench:relay -- [--rounds N] [--only relay,setup,echo,scale,memory] [--quick] [--json]
//
// --quick is one round of everything. --json puts a line for each measurement on stdout, and the tables on stderr. The exit
// code is 1 when a promise of docs/verification.md ("The data path") does not hold.

import { setupFor, whatIsMissing } from '../test/helpers/foreign-programs.ts'
import { isHeld, verdict } from './claims.ts'
import { claims } from './relay/claims.ts'
import { type Contender, ejabberd, floor, haproxy, nobody, prosody, type Relay, splice, stream } from './relay/contenders.ts'
import type { Measure } from './relay/measures.ts'
import { readPlan } from './relay/options.ts'
import { Programs } from './relay/programs.ts'
import { summary, tables } from './relay/report.ts'
import { Results } from './results.ts'

/** After that no further round begins. */
const MINUTES_MAX = 11

const { parts, isJson } = readPlan()
const tell = isJson ? console.error : console.log
const started = performance.now()
const results = new Results()
const failures: string[] = []

/** Ours first; those that can be here, started. */
async function present(running: Running, programs: Programs): Promise<Contender[]> {
  const here: Contender[] = []
  for (const contender of [splice, stream, floor, haproxy, prosody, ejabberd, nobody]) {
    const { name, needs } = contender
    const reason =
      whatIsMissing(needs) ??
      (await running.of(contender, programs).then(
        () => undefined,
        (error: Error) => error.message,
      ))
    if (reason === undefined) here.push(contender)
    else tell(`without ${name}: ${reason}`)
  }
  return here
}

/** One run; whoever fails is told, and the others go on. */
async function measureOne(measure: Measure, contender: Contender, relay: Relay, programs: Programs, round: number): Promise<void> {
  const [{ name, n }, at] = [measure, performance.now()]
  try {
    const values = await measure.run(relay, contender, programs)
    const measurement = { contender: contender.name, measure: name, n, round, values }
    results.add(measurement)
    if (isJson) console.log(JSON.stringify(measurement))
    else console.error(`${contender.name}, ${name}, ${n}, round ${round}: ${((performance.now() - at) / 1000).toFixed(1)} s`)
  } catch (error) {
    failures.push(`${contender.name}, ${name}, ${n}, round ${round}: ${error instanceof Error ? error.message : error}`)
    console.error(failures.at(-1))
  }
}

/** Relays that are started when somebody first asks for them, and those of one measurement; all are ended together. */
class Running implements AsyncDisposable {
  readonly #kept = new Map<Contender, Promise<Relay>>()
  readonly #all = new Set<Promise<Relay>>()

  of(contender: Contender, programs: Programs): Promise<Relay> {
    const relay = this.#kept.get(contender) ?? this.another(contender, programs)
    this.#kept.set(contender, relay)
    return relay
  }

  another(contender: Contender, programs: Programs): Promise<Relay> {
    const relay = contender.start(programs)
    this.#all.add(relay)
    return relay
  }

  async end(relay: Promise<Relay>): Promise<void> {
    this.#all.delete(relay)
    await (await relay)[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#all].map((relay) => this.end(relay)))
  }
}

async function main(): Promise<void> {
  const lacking = whatIsMissing(['cc', 'taskset'])
  if (lacking !== undefined) throw new Error(`${lacking}; npm run ${setupFor(['cc', 'taskset'])} installs it`)
  using programs = new Programs()
  programs.compile()
  await using running = new Running()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void running[Symbol.asyncDispose]().finally(() => {
        programs[Symbol.dispose]()
        process.exit(1)
      })
    })
  }
  const contenders = await present(running, programs)
  for (const { measures, rounds } of parts) {
    for (let round = 1; round <= rounds; round += 1) {
      if (round > 1 && performance.now() - started > MINUTES_MAX * 60_000) {
        tell(`${MINUTES_MAX} minutes are over: ${rounds - round + 1} rounds are left out`)
        break
      }
      for (const measure of measures) {
        // Whoever comes first finds the memory of the machine as the one before left it.
        for (const contender of round % 2 === 0 ? [...contenders].reverse() : contenders) {
          if (measure.isFresh && contender === nobody) continue
          const relay = measure.isFresh ? running.another(contender, programs) : running.of(contender, programs)
          await measureOne(measure, contender, await relay, programs, round)
          if (measure.isFresh) await running.end(relay)
        }
      }
    }
  }
  report(contenders)
}

function report(contenders: readonly Contender[]): void {
  const measures = parts.flatMap((part) => part.measures)
  const names = contenders.map(({ name }) => name)
  const all = claims(results, {
    ...{ splice: splice.name, stream: stream.name, floor: floor.name },
    ...{ haproxy: haproxy.name, prosody: prosody.name, ejabberd: ejabberd.name },
  })
  tell(`\n${tables(results, measures, names)}\n`)
  const relayNames = names.filter((name) => name !== nobody.name)
  tell(`In short: medians (times the floor's, times ejabberd's)\n\n${summary(results, measures, relayNames, floor.name, ejabberd.name)}\n`)
  tell(`${verdict(all)}\n`)
  for (const failure of failures) tell(`failed: ${failure}`)
  tell(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`)
  if (failures.length > 0 || !all.every(isHeld)) process.exitCode = 1
}

await main()
