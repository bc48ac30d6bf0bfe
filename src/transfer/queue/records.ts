import * as z from 'zod'
import { BytestreamError, type ErrorCode, errorCodes } from '../../core/index.ts'
import { offerableAlgorithms } from '../hashes.ts'
import { type EntryState, entryStates } from './entry.ts'

/** Octets of one line. */
const LINE_BYTES_MAX = 65_536
const VERSION = 1
const HEADER = { queue: 'streamhost', version: VERSION } as const

const id = z.string().regex(/^[0-9a-z]{1,16}$/)
const at = z.iso.datetime()
const code = z.enum(errorCodes as [ErrorCode, ...ErrorCode[]])
const size = z.number().int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const ms = z.number().nonnegative()
const options = z.object({
  description: z.string().optional(),
  mimeType: z.string().optional(),
  hashes: z.array(z.enum(offerableAlgorithms)).readonly().optional(),
  negotiation: z.enum(['auto', 'jingle', 'si']).optional(),
  method: z.enum(['auto', 'direct', 'proxy', 'ibb']).optional(),
  proxy: z.string().optional(),
  timings: z
    .object({
      attemptMsMax: ms.exactOptional(),
      staggerMs: ms.exactOptional(),
      proxyHeadStartMs: ms.exactOptional(),
      answerMsMax: ms.exactOptional(),
      overallMsMax: ms.exactOptional(),
    })
    .optional(),
  retry: z.object({ forMs: ms.optional() }).optional(),
})
const entry = z.object({
  id,
  path: z.string().startsWith('/'),
  folder: z.string().optional(),
  to: z.string().min(1),
  priority: z.number(),
  options,
  state: z.enum(entryStates as [EntryState, ...EntryState[]]),
  attempts: size,
  addedAt: at,
  begunAt: at.optional(),
  endedAt: at.optional(),
  error: z.object({ code, message: z.string() }).optional(),
  size: size.optional(),
  sha256: sha256.optional(),
})
const header = z.object({ queue: z.literal(HEADER.queue), version: z.number().int() })
const record = z.discriminatedUnion('op', [
  z.object({ op: z.literal('entry'), entry }),
  ...(['begin', 'pause', 'resume', 'cancel', 'retry'] as const).map((op) => z.object({ op: z.literal(op), id, at })),
  z.object({ op: z.literal('released'), id, at, error: z.object({ code, message: z.string() }).optional() }),
  z.object({ op: z.literal('done'), id, at, size, sha256 }),
  z.object({ op: z.literal('failed'), id, at, code, message: z.string() }),
  z.object({ op: z.literal('priority'), id, at, priority: z.number() }),
])

/** A line of a queue's file: a new entry, or what happened to one. */
export type QueueRecord = z.output<typeof record>

/** The lines of records, each with its end. @throws BytestreamError `ERR_CONFIG` for one that is too long */
export function writeRecords(records: readonly QueueRecord[]): string {
  return records.map((each) => lineOf(each)).join('')
}

/** The first line of a file, by which it is known. */
export const HEADER_LINE = `${JSON.stringify(HEADER)}\n`

function lineOf(each: QueueRecord): string {
  const line = JSON.stringify(each)
  const bytes = Buffer.byteLength(line)
  if (bytes > LINE_BYTES_MAX)
    throw new BytestreamError('ERR_CONFIG', `an entry of a queue has at most ${LINE_BYTES_MAX} octets, and this one ${bytes}`)
  return `${line}\n`
}

/** Where a text stands in a file. */
interface Place {
  readonly file: string
  /** Of its first line, from 1. */
  readonly line: number
}

/**
 * Reads whole lines. A line that makes no sense is passed over if it is followed by an empty one: whoever came behind
 * somebody that ended in the midst of a line has seen it, and begun a new one.
 *
 * @param text ends with the end of a line
 * @throws BytestreamError `ERR_FILE` with the number of the line
 */
export function readRecords(text: string, { file, line: first }: Place): QueueRecord[] {
  const records: QueueRecord[] = []
  const lines = text.split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) {
    if (line === '') continue
    // Two may have begun an empty file at once.
    if (first + index > 1 && `${line}\n` === HEADER_LINE) continue
    const where = `${file}, line ${first + index}`
    if (first + index === 1) checkHeader(line, where)
    else {
      const read = readLine(line)
      if (typeof read !== 'string') records.push(read)
      else if (lines[index + 1] !== '') throw new BytestreamError('ERR_FILE', `${where}: ${read}`)
    }
  }
  return records
}

/**
 * Looks at a file of which no line is whole: somebody may have begun its first one, or it is something else.
 *
 * @throws BytestreamError `ERR_FILE`
 */
export function checkBeginning(text: string, file: string): void {
  if (!HEADER_LINE.startsWith(text)) throw noQueue(`${file}, line 1`)
}

const noQueue = (where: string) => new BytestreamError('ERR_FILE', `${where}: this is no queue`)

function checkHeader(line: string, where: string): void {
  const { data } = header.safeParse(parseJson(line))
  if (!data) throw noQueue(where)
  if (data.version > VERSION)
    throw new BytestreamError(
      'ERR_FILE',
      `${where}: the queue is of version ${data.version}, and ${VERSION} is the highest that is known here`,
    )
}

/** @returns what is wrong with a line, where it is no record */
function readLine(line: string): QueueRecord | string {
  if (Buffer.byteLength(line) > LINE_BYTES_MAX) return `a line has at most ${LINE_BYTES_MAX} octets`
  const json = parseJson(line)
  if (json === undefined) return 'this is no JSON'
  const { data, error } = record.safeParse(json)
  if (data) return data
  const [issue] = error.issues
  return `${issue?.path.join('.') || 'the record'} is not what it should be: ${issue?.message}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
