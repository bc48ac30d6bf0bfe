import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import * as measure from './measures.ts'

const PARTS = ['relay', 'setup', 'echo', 'scale', 'memory'] as const
type Part = (typeof PARTS)[number]

/** What this run is to do. */
export interface Plan {
  readonly parts: readonly { readonly measures: readonly measure.Measure[]; readonly rounds: number }[]
  readonly isJson: boolean
}

/** Memory hardly differs between rounds, and thousands take their time. */
const ROUNDS: Readonly<Record<Part, number>> = { relay: 5, setup: 5, echo: 5, scale: 2, memory: 2 }

/** Of each process here: for what is no bytestream. */
const DESCRIPTORS_KEPT = 2_000
/** Two sockets, and for some a pipe. */
const DESCRIPTORS_EACH = 3

/** So many bytestreams at once as `ulimit -n` allows; Node has raised its soft limit to the hard one. */
function bytestreamsMax(): number {
  const [, limit = '1024'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
  return Math.max(64, Math.floor((Number(limit) - DESCRIPTORS_KEPT) / DESCRIPTORS_EACH))
}

function measuresOf(part: Part): measure.Measure[] {
  const most = bytestreamsMax()
  switch (part) {
    case 'relay':
      return [...[1, 8, 64, 512].map(measure.relay), measure.smallWrites]
    case 'setup':
      return [measure.setUps]
    case 'echo':
      return [measure.echo]
    case 'scale':
      return [most / 6, most / 2, most].map((n) => measure.scale(Math.floor(n)))
    case 'memory':
      return [...[1_000, 5_000].filter((n) => n <= most).map(measure.idle), measure.busy(256)]
  }
}

/** @throws Error in words, for what cannot be asked for */
export function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      only: { type: 'string', default: PARTS.join() },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const only = values.only.split(',')
  const unknown = only.find((name) => !(PARTS as readonly string[]).includes(name))
  if (unknown !== undefined) throw new Error(`--only ${unknown}: expected some of ${PARTS.join()}`)
  const rounds = values.quick ? 1 : values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds ${values.rounds}: expected a number`)
  const parts = PARTS.filter((part) => only.includes(part))
  return { parts: parts.map((part) => ({ measures: measuresOf(part), rounds: rounds ?? ROUNDS[part] })), isJson: values.json }
}
