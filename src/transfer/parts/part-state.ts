import type { Hash } from '../../xep/index.ts'
import { pickAlgorithm } from '../hashes.ts'
import type { Holder } from './holder.ts'

/** What is known of a file that is received: as much as it takes to know it again. */
export interface PartFacts {
  /** Bare JID of whoever sends it. */
  readonly from: string
  /** Safe to create. */
  readonly name: string
  /** Where it is to be stored, below the folder of its part; empty for that itself. */
  readonly folder: string
  /** Octets of the whole file. */
  readonly size: number
  /** When it was last changed, in seconds since 1970, as far as its sender says. */
  readonly modifiedS: number | undefined
  /** Of the whole content, as far as they were known before it. */
  readonly hashes: readonly Hash[]
}

/** What stands in the file beside a part. */
export interface PartState extends PartFacts {
  readonly holder: Holder
}

/** Octets of a state: names, JIDs and hashes have their bounds. */
export const STATE_BYTES_MAX = 32_768
const VERSION = 1
/** XEP-0082 §3.2, with as many digits behind the second as anybody needs. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** Hashes nobody can verify tell no file from another. */
export function encodeState({ hashes, ...state }: PartState): string {
  const known = hashes.filter(({ algo }) => pickAlgorithm([algo]))
  return JSON.stringify({ version: VERSION, ...state, hashes: known.map(({ algo, value }) => ({ algo, value: value.toString('hex') })) })
}

/** Total: `undefined` for whatever {@link encodeState} has not written, or not to its end. */
export function decodeState(text: string): PartState | undefined {
  const fields = recordOf(parse(text))
  if (fields['version'] !== VERSION) return undefined
  const { from, name, folder, size, modifiedS } = fields
  const hashes = hashesOf(fields['hashes'])
  const holder = holderOf(fields['holder'])
  if (!isText(from) || !isText(name) || typeof folder !== 'string' || !isWhole(size) || !hashes || !holder) return undefined
  if (modifiedS !== undefined && !Number.isSafeInteger(modifiedS)) return undefined
  return { from, name, folder, size, modifiedS: modifiedS as number | undefined, hashes, holder }
}

/** The moment an XEP-0082 DateTime means, in milliseconds since 1970; total: nothing for what is none, or names no zone. */
export function millisecondsOf(date: string | undefined): number | undefined {
  const ms = date !== undefined && DATE_TIME.test(date) ? Date.parse(date) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

/** The same in whole seconds: not everybody tells more. */
export function secondsOf(date: string | undefined): number | undefined {
  const ms = millisecondsOf(date)
  return ms === undefined ? undefined : Math.floor(ms / 1000)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function hashesOf(list: unknown): readonly Hash[] | undefined {
  if (!Array.isArray(list)) return undefined
  const hashes = list.map((each) => {
    const { algo, value } = recordOf(each)
    return isText(algo) && isText(value) && /^([0-9a-f]{2})+$/.test(value) ? { algo, value: Buffer.from(value, 'hex') } : undefined
  })
  return hashes.every((hash) => hash !== undefined) ? hashes : undefined
}

function holderOf(value: unknown): Holder | undefined {
  const { host, boot, namespace, pid, started } = recordOf(value)
  const isOne = [host, boot, namespace, started].every((each) => typeof each === 'string') && isWhole(pid) && pid > 0
  return isOne ? ({ host, boot, namespace, pid, started } as Holder) : undefined
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
