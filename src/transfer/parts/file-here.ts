import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BytestreamError, throwIfAborted } from '../../core/index.ts'
import { FILE_NAMES_MAX, numberFileName } from '../file-name.ts'
import { pickAlgorithm } from '../hashes.ts'
import { hashBeginning } from './hash-beginning.ts'
import { differenceOf, type WantedFile } from './matching.ts'

/** Where a file would be stored, and what is known of it. */
interface Sought {
  readonly folder: string
  /** The name it would have, unless that is taken. */
  readonly name: string
  readonly wanted: WantedFile
  /** Its date, in milliseconds since 1970. */
  readonly modifiedMs: number | undefined
}

/** A file that may be it, as it was when it was opened. */
interface Opened {
  readonly path: string
  readonly handle: FileHandle
  readonly opened: BigIntStats
}

/** How one was found. */
interface Search {
  readonly sought: Sought
  readonly signal: AbortSignal
  /** Of its name. */
  readonly number: number
}

/**
 * A file that was stored some time ago, and is offered again: a part with every octet. It is read, and never written to. Owns its
 * descriptor.
 */
export class FileHere {
  /** Others may change it. */
  readonly isOurs = false
  readonly path: string
  readonly handle: FileHandle
  /** Octets that need not come. The last one does: a bytestream of none is an end before the first octet to some. */
  readonly offset: number
  readonly #opened: BigIntStats
  readonly #search: Search

  private constructor({ path, handle, opened }: Opened, search: Search) {
    this.path = path
    this.handle = handle
    this.offset = offsetIn(Number(opened.size))
    this.#opened = opened
    this.#search = search
  }

  /**
   * Looks for it under the name it would get, and behind that under the numbered ones, up to the first that nobody has. A link is not
   * followed.
   *
   * @returns nothing where no file has its size and date and, where the offer has one, its hash
   * @throws BytestreamError `ERR_ABORTED`
   */
  static async find(sought: Sought, signal: AbortSignal): Promise<FileHere | undefined> {
    return await FileHere.#findFrom(0, sought, signal)
  }

  /**
   * Looks behind this one for another that may be it: more than one may have its size and date.
   *
   * @throws BytestreamError `ERR_ABORTED`
   */
  async next(): Promise<FileHere | undefined> {
    const { number, sought, signal } = this.#search
    return await FileHere.#findFrom(number + 1, sought, signal)
  }

  static async #findFrom(first: number, sought: Sought, signal: AbortSignal): Promise<FileHere | undefined> {
    for (let number = first; number < FILE_NAMES_MAX; number++) {
      const path = join(sought.folder, numberFileName(sought.name, number))
      const stats = await lstat(path, { bigint: true }).catch(() => undefined)
      if (!stats) return undefined
      const opened = isLike(stats, sought) ? await FileHere.#open(path, sought, signal) : undefined
      throwIfAborted(signal)
      if (opened) return new FileHere(opened, { sought, signal, number })
    }
    return undefined
  }

  static async #open(path: string, sought: Sought, signal: AbortSignal): Promise<Opened | undefined> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined)
    if (!handle) return undefined
    try {
      const opened = await handle.stat({ bigint: true })
      if (isLike(opened, sought) && (await hasHashOf(handle, sought.wanted, signal))) return { path, handle, opened }
    } catch {
      // Who cannot read it cannot say that it is the same.
    }
    await handle.close()
    return undefined
  }

  /** Whether it has these octets there, as far as it can be read. */
  async has(octets: Buffer, position: number): Promise<boolean> {
    const own = Buffer.alloc(octets.length)
    const { bytesRead } = await this.handle.read(own, 0, own.length, position).catch(() => ({ bytesRead: 0 }))
    return bytesRead === octets.length && own.equals(octets)
  }

  /** @throws BytestreamError `ERR_RESET` when it has changed since, or has its name no more: from its start it may come */
  async checkUnchanged(): Promise<void> {
    const now = await this.handle.stat({ bigint: true })
    const named = await lstat(this.path, { bigint: true }).catch(() => undefined)
    const isSame = now.size === this.#opened.size && now.mtimeNs === this.#opened.mtimeNs
    if (!isSame || named?.ino !== now.ino || named.dev !== now.dev)
      throw new BytestreamError('ERR_RESET', 'the file that was here already has changed meanwhile')
  }

  /** Closes it, and leaves it as it is: what is here is not given up. */
  async discard(): Promise<void> {
    await this.handle.close()
  }
}

const offsetIn = (size: number) => Math.max(0, size - 1)

/** As far as anybody knows before the content: a regular file, the size, the date, and a hash to come. */
function isLike(stats: BigIntStats, { wanted, modifiedMs = 0 }: Sought): boolean {
  const ms = Math.round(Number(stats.mtimeNs / 1000n) / 1000) // As stored: a fraction of a second loses its last bits.
  const facts = { ...wanted, size: Number(stats.size), modifiedS: Math.floor(ms / 1000), hashes: [] }
  // Not every sender tells the milliseconds, nor does every file system keep them.
  const isMoment = ms === modifiedMs || ms % 1000 === 0 || modifiedMs % 1000 === 0
  return stats.isFile() && isMoment && differenceOf(facts, asUnhashed(wanted)) === undefined
}

/** Its hash is looked at when everything else is right. */
const asUnhashed = (wanted: WantedFile): WantedFile => ({
  ...wanted,
  hashes: [],
  hashUsed: [...wanted.hashUsed, ...wanted.hashes.map(({ algo }) => algo)],
})

async function hasHashOf(handle: FileHandle, { size, hashes }: WantedFile, signal: AbortSignal): Promise<boolean> {
  const algo = pickAlgorithm(hashes.map((hash) => hash.algo))
  if (algo === undefined) return true
  // As far as it will be hashed again, and with the same hashes: that need not be read twice.
  const { hasher } = await hashBeginning({ handle, isOurs: false }, ['sha-256', algo], offsetIn(size), signal)
  const last = Buffer.alloc(1)
  const { bytesRead } = await handle.read(last, 0, 1, offsetIn(size))
  hasher.update(last.subarray(0, bytesRead))
  const found = hasher.digest().get(algo) as Buffer
  return hashes.every((hash) => hash.algo !== algo || hash.value.equals(found))
}
