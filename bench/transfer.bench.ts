// Question: what does it cost to move a file from one account to another, against what the same work costs with other tools?
// Method: a file of random octets on tmpfs goes from a file to a file, on one machine, hashed by SHA-256 on both ends. Ours are the
// built commands, as they are installed: `send` and `receive`, directly, and through `serve` with its splice engine behind
// ejabberd. Against them: slixmpp through ejabberd's own proxy, scp (which encrypts, and does not hash), Node's streams without
// XMPP, and as floor `nc` and two passes of `openssl dgst`. Over XMPP the sender is told the full JID of the receiver. Each process
// counts from its start to its end, login included: wall time from the start of the sender on, CPU time of both ends, and beside it
// that of the relay and the XMPP server together. What is called the transfer alone is that less the same for a file of one octet, in
// the same round. NODE_EXTRA_CA_CERTS is taken away from them: Node reads that file at each start. Each round has another order;
// every copy is compared. Minima are compared, as memory a virtual machine has given back costs seconds at random when it is touched
// again.
//
//   npm run bench:transfer -- [--node 24]... [--rounds N] [--size 1GiB] [--only WORD,WORD] [--json]
//
// Ours run on the Node that runs this, and on each that --node names as well: a major that `npm run test:setup` keeps, or a path. From
// Node 22.8 on they keep compiled code, in a folder of this run: the first round does without. --only takes contenders with such a word in their name. The exit code is 1 when a promise of docs/verification.md ("Transfers
// that survive") does not hold: run it on a machine that does nothing else.

import { spawnSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { formatBytes, parseBytes } from '../src/core/index.ts'
import { setupFor, whatIsMissing } from '../test/helpers/foreign-programs.ts'
import { isMajor, nodeOf } from '../test/helpers/node-versions.ts'
import { isHeld, verdict } from './claims.ts'
import { Results } from './results.ts'
import { type Contender, type Mover, type NodeProgram, others, oursOn } from './transfer/contenders.ts'
import { claims, table } from './transfer/report.ts'
import { Stage } from './transfer/stage.ts'
import { Timed } from './transfer/timed.ts'

const MIB = 1024 ** 2
/** After that no further round begins. */
const MINUTES_MAX = 9

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '5' },
    size: { type: 'string', default: '1GiB' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const size = parseBytes(values.size)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: expected a number`)
if (size === undefined || size < MIB) throw new Error(`--size ${values.size}: expected 1MiB or more`)
const nodes = [process.execPath, ...values.node.map((name) => (isMajor(name) ? nodeOf(name) : name))]
const ours = nodes.map(nodeAt).map(oursOn)
const tell = values.json ? console.error : console.log

function nodeAt(path: string): NodeProgram {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (error) throw new Error(`--node: ${error.message}; npm run test:setup fetches other versions`)
  return { path, version: stdout.trim().replace(/^v/, '') }
}

async function makeSource(path: string, bytes: number): Promise<string> {
  await using file = await open(path, 'w')
  for (let left = bytes; left > 0; left -= MIB) await file.write(randomBytes(Math.min(left, MIB)))
  return path
}

async function present(stage: Stage): Promise<Map<Contender, Mover>> {
  const words = values.only.split(',')
  const here = new Map<Contender, Mover>()
  const all = [...ours.flatMap(({ direct, proxied }) => [direct, proxied]), ...others]
  for (const contender of all.filter(({ name }) => words.some((word) => name.includes(word)))) {
    const missing = whatIsMissing(contender.needs)
    if (missing !== undefined) tell(`without ${contender.name}: ${missing}; npm run ${setupFor(contender.needs)} installs it`)
    else {
      await contender.start(stage).then(
        (mover) => here.set(contender, mover),
        (error: Error) => tell(`without ${contender.name}: ${error.message}`),
      )
    }
  }
  return here
}

interface Moved {
  readonly seconds: number
  readonly ends: number
  readonly relay: number | undefined
}

async function move(mover: Mover, source: string, copy: string): Promise<Moved> {
  const startedMs = performance.now()
  const { ends, relay } = await mover.move(source, copy)
  const seconds = (performance.now() - startedMs) / 1000
  if (spawnSync('cmp', [source, copy]).status !== 0) throw new Error('the copy differs')
  await rm(copy)
  return { seconds, ends, relay }
}

function shuffled<T>(all: readonly T[]): T[] {
  const left = [...all]
  return all.map(() => left.splice(randomInt(left.length), 1)[0] as T)
}

async function main(): Promise<void> {
  await using stage = await Stage.open()
  const [source, octet] = [await makeSource(stage.path('source.bin'), size as number), await makeSource(stage.path('octet.bin'), 1)]
  const movers = await present(stage)
  const end = async () => {
    Timed.killAll()
    await Promise.allSettled([...movers.values()].map((mover) => mover[Symbol.asyncDispose]()))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().finally(() => stage[Symbol.asyncDispose]().finally(() => process.exit(1))))
  const results = new Results()
  const failures: string[] = []
  const startedMs = performance.now()
  try {
    for (let round = 1; round <= rounds; round += 1) {
      if (performance.now() - startedMs > MINUTES_MAX * 60_000) {
        tell(`${MINUTES_MAX} minutes are over: ${rounds - round + 1} rounds are left out`)
        break
      }
      for (const [contender, mover] of shuffled([...movers])) {
        try {
          const small = await move(mover, octet, stage.path('copy'))
          const whole = await move(mover, source, stage.path('copy'))
          const figures = {
            ...{ seconds: whole.seconds, ends: whole.ends, relay: whole.relay, all: whole.ends + (whole.relay ?? 0) },
            ...{ aloneSeconds: whole.seconds - small.seconds, aloneEnds: whole.ends - small.ends },
          }
          const measurement = { contender: contender.name, measure: 'file', n: size as number, round, values: figures }
          results.add(measurement)
          if (values.json) console.log(JSON.stringify(measurement))
          else console.error(`round ${round}, ${contender.name}: ${whole.seconds.toFixed(2)} s`)
        } catch (error) {
          failures.push(`${contender.name}, round ${round}: ${error instanceof Error ? error.message : error}`)
        }
      }
    }
  } finally {
    await end()
  }
  const all = ours.flatMap((one) => claims(results, size as number, one))
  tell(`\n${formatBytes(size as number)} from file to file, minimum (median) of ${rounds} rounds; × is to the floor's minimum\n`)
  tell(
    `${table(
      results,
      [...movers.keys()].map(({ name }) => name),
      size as number,
    )}\n\n${verdict(all)}\n`,
  )
  for (const failure of failures) tell(`failed: ${failure}`)
  if (failures.length > 0 || !all.every(isHeld)) process.exitCode = 1
}

await main()
