import { randomBytes, randomInt } from 'node:crypto'
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import { BytestreamError, type Clock } from '../../core/index.ts'
import { type Holder, isGone, ownHolder } from '../parts/holder.ts'

/** The process that works a queue. */
export interface QueueHolder {
  readonly pid: number
  readonly host: string
  /** ISO 8601. */
  readonly since: string
}

const text = z.string()
const written = z.object({ host: text, boot: text, namespace: text, pid: z.number(), started: text, since: text })

/** What is behind the name of a queue in that of the file of a process that holds it, and of one that is about to. */
const HOLD = /^\d+-[0-9a-f]{12}\.hold$/
const UNNAMED = /^\d+-[0-9a-f]{12}$/

/** Times that are tried when somebody else does the same in the same moment, and milliseconds in between. */
const COLLISION_TRIES = 6
const COLLISION_MS_MAX = 40
/** Milliseconds between two signs of life, which those need who cannot see the process: others of another machine, or container. */
const SIGN_MS = 60_000

/**
 * Says that a process works a queue, by a file beside it. It dies with the process: a file of one that is gone says nothing.
 * Each writes a file of its own and then looks for others', so that of two at most one goes on, whatever they do when.
 */
export class QueueHold implements AsyncDisposable {
  readonly #file: string
  readonly #losing = new AbortController()
  #isOver = false
  #cancelSign = () => {}

  private constructor(file: string) {
    this.#file = file
  }

  /** Aborts when somebody has taken it away: it was given up after a long standstill, or by hand. */
  get lost(): AbortSignal {
    return this.#losing.signal
  }

  /** @throws BytestreamError `ERR_FILE` with who holds it, or why that cannot be found out */
  static async take(queue: string, clock: Clock): Promise<QueueHold> {
    let holder: QueueHolder | undefined
    for (let turn = 0; turn < COLLISION_TRIES; turn++) {
      const hold = new QueueHold(await writeHold(queue))
      try {
        holder = await holderOf(queue, hold.#file)
        if (!holder) {
          await sweep(queue)
          hold.#signLater(clock)
          return hold
        }
      } catch (error) {
        await hold[Symbol.asyncDispose]()
        throw error
      }
      await hold[Symbol.asyncDispose]()
      await new Promise<void>((resolve) => clock.after(randomInt(COLLISION_MS_MAX), resolve))
    }
    throw new BytestreamError('ERR_FILE', `${queue} is worked already: ${describeHolder(holder as QueueHolder)}`)
  }

  #signLater(clock: Clock): void {
    if (!this.#isOver) this.#cancelSign = clock.after(SIGN_MS, () => void this.#sign(clock))
  }

  async #sign(clock: Clock): Promise<void> {
    const now = new Date()
    try {
      await utimes(this.#file, now, now)
    } catch (cause) {
      // Whatever else keeps it from being signed may be over the next time.
      if (!this.#isOver && (cause as NodeJS.ErrnoException).code === 'ENOENT')
        this.#losing.abort(new BytestreamError('ERR_FILE', `${this.#file} was taken away: the queue is somebody else's now`, { cause }))
    }
    if (!this.lost.aborted) this.#signLater(clock)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#cancelSign()
    await rm(this.#file, { force: true })
  }
}

/** In words: who it is. */
export function describeHolder({ pid, host, since }: QueueHolder): string {
  return `process ${pid}${host === hostname() ? '' : ` on ${host}`} has it since ${since}`
}

/**
 * Who works a queue now.
 *
 * @param own file that does not count
 * @throws BytestreamError `ERR_FILE`
 */
export async function holderOf(queue: string, own?: string): Promise<QueueHolder | undefined> {
  for (const file of await filesBeside(queue, HOLD)) {
    if (file === own) continue
    const holder = await readHold(file)
    if (holder) return holder
  }
  return undefined
}

/** Takes away what processes have left that were killed before they held the queue. One that is about to hold it does that again. */
async function sweep(queue: string): Promise<void> {
  for (const file of await filesBeside(queue, UNNAMED)) await remove(file)
}

/** @param pattern of what is behind the name of the queue @throws BytestreamError `ERR_FILE` */
async function filesBeside(queue: string, pattern: RegExp): Promise<string[]> {
  const folder = dirname(queue)
  const prefix = `${basename(queue)}.`
  const names = await readdir(folder).catch((cause: unknown) => {
    throw refused(folder, 'cannot be read', cause)
  })
  return names.filter((name) => name.startsWith(prefix) && pattern.test(name.slice(prefix.length))).map((name) => join(folder, name))
}

async function remove(file: string): Promise<void> {
  await rm(file, { force: true }).catch((cause: unknown) => {
    throw refused(file, 'cannot be taken away', cause)
  })
}

const refused = (path: string, what: string, cause: unknown) =>
  new BytestreamError('ERR_FILE', `${path} ${what}: ${(cause as Error).message}`, { cause })

async function writeHold(queue: string): Promise<string> {
  const name = `${queue}.${process.pid}-${randomBytes(6).toString('hex')}`
  const holder: Holder & QueueHolder = { ...ownHolder, since: new Date().toISOString() }
  try {
    await writeFile(name, JSON.stringify(holder), { flag: 'wx', mode: 0o600 })
    if (await isStill(rename(name, `${name}.hold`))) return `${name}.hold`
  } catch (cause) {
    throw new BytestreamError('ERR_FILE', `nothing can be written beside ${queue}: ${(cause as Error).message}`, { cause })
  }
  return await writeHold(queue) // Whoever holds the queue has swept it away.
}

/**
 * One that cannot be read may be that of a process that is at work: it is not passed over.
 *
 * @returns nothing when the process is gone; its file goes, too. One of another machine is believed as long as it gives signs of life
 * @throws BytestreamError `ERR_FILE`
 */
async function readHold(file: string): Promise<QueueHolder | undefined> {
  let content: string
  let signedMs: number
  try {
    signedMs = (await stat(file)).mtimeMs
    content = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw refused(file, 'cannot be read', cause)
  }
  const { data } = written.safeParse(parseJson(content))
  if (data && !isGone(data, Date.now() - signedMs)) return { pid: data.pid, host: data.host, since: data.since }
  await remove(file)
  return undefined
}

/** @returns whether there was something to work on */
async function isStill(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}
