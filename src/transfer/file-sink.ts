import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { numberFileName } from './file-name.ts'
import { ContentHasher, type HashAlgorithm, pickAlgorithm } from './hashes.ts'

/** Names tried when the wanted one is taken. */
const NAMES_MAX = 1_000
/** Octets read at once, when a file is read again. */
const READ_BYTES = 1024 * 1024
/** How file systems without hard links, such as FAT, refuse one. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** What a sender promised of a file. */
export interface ExpectedFile {
  /** Safe to create. */
  readonly name: string
  /** Octets. */
  readonly size: number
  /** Where the sender gave them; see {@link FileSink.expect} for those that come later. */
  readonly hashes?: readonly Hash[]
  /** Those of the content that is wanted, whatever the sender gives: each of them is verified. */
  readonly hashesWanted?: readonly Hash[] | undefined
  /** Names of the hashes that come later (`<hash-used/>`, XEP-0300 §2): these are computed while the octets come. */
  readonly hashUsed?: readonly string[]
}

export interface FileSinkInit {
  /** Whether a content without a hash that can be verified is refused. Default: false. */
  readonly hashRequired?: boolean
  /** Throws for a content that is not wanted, which gets no name. */
  readonly checkContent?: (sha256: string) => void
  /** Stored or given up, the file takes no more room than it has. */
  readonly onClosed?: () => void
}

/** A file that was received whole. */
export interface StoredFile {
  readonly path: string
  readonly size: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  /** The hash that was as the sender had said: the strongest it gave, `undefined` where it gave none that we know. */
  readonly verified: HashAlgorithm | undefined
}

interface FileSinkParts {
  readonly folder: string
  readonly expected: ExpectedFile
  readonly init: FileSinkInit
  readonly hasher: ContentHasher
  readonly partPath: string
  readonly handle: FileHandle
}

/**
 * A file being received. Its octets go to a part file beside the target, which gets its name only when size and
 * hashes are right; until {@link store} it can vanish without a trace. Never overwrites a file.
 */
export class FileSink implements AsyncDisposable {
  readonly #parts: FileSinkParts
  #hashes: readonly Hash[]
  #bytes = 0
  #isOpen = true

  private constructor(parts: FileSinkParts) {
    this.#parts = parts
    this.#hashes = parts.expected.hashes ?? []
  }

  /**
   * Begins a file in `folder`, which is made if it is not there.
   *
   * @throws BytestreamError `ERR_FILE` when the folder cannot be written to
   */
  static async create(folder: string, expected: ExpectedFile, init: FileSinkInit = {}): Promise<FileSink> {
    const announced = pickAlgorithm([...namesOf(expected.hashes ?? []), ...(expected.hashUsed ?? [])])
    const wanted = (expected.hashesWanted ?? []).flatMap(({ algo }) => pickAlgorithm([algo]) ?? [])
    const hasher = await ContentHasher.begin(['sha-256', ...wanted, ...(announced ? [announced] : [])])
    try {
      await mkdir(folder, { recursive: true })
      const partPath = join(folder, `.${randomBytes(6).toString('hex')}.part`)
      return new FileSink({ folder, expected, init, hasher, partPath, handle: await open(partPath, 'wx+', 0o600) })
    } catch (cause) {
      throw toFileError(cause, `${folder} cannot be written to`)
    }
  }

  /** The name it will have, unless that is taken. */
  get name(): string {
    return this.#parts.expected.name
  }

  /** Octets written so far. */
  get bytes(): number {
    return this.#bytes
  }

  get isComplete(): boolean {
    return this.#bytes === this.#parts.expected.size
  }

  /** Hashes that come behind the offer, also behind the last octet; they count like those of the offer. */
  expect(hashes: readonly Hash[]): void {
    this.#hashes = [...this.#hashes, ...hashes]
  }

  /** @throws BytestreamError `ERR_INTEGRITY` for more octets than were promised, `ERR_FILE` when the disk refuses */
  async write(octets: Buffer): Promise<void> {
    if (this.#bytes + octets.length > this.#parts.expected.size) {
      throw new BytestreamError('ERR_INTEGRITY', `the sender promised ${this.#parts.expected.size} octets and sends more`)
    }
    const writing = this.#writeAll(octets)
    this.#parts.hasher.update(octets) // While another thread writes.
    try {
      await writing
    } catch (cause) {
      throw toFileError(cause, `writing into ${this.#parts.folder} failed`)
    }
    this.#bytes += octets.length
  }

  async #writeAll(octets: Buffer): Promise<void> {
    for (let written = 0; written < octets.length; ) {
      written += (await this.#parts.handle.write(octets, written)).bytesWritten
    }
  }

  /**
   * Syncs the file to disk, checks it, and gives it its name, or a numbered one where that is taken.
   *
   * @throws BytestreamError `ERR_INTEGRITY` when size or hash differ from what was promised, `ERR_FILE`, `ERR_FILE_EXISTS`, and what
   *   `checkContent` throws
   */
  async store(): Promise<StoredFile> {
    const { size } = this.#parts.expected
    if (!this.isComplete) throw new BytestreamError('ERR_INTEGRITY', `the sender promised ${size} octets and sent ${this.#bytes}`)
    const digests = this.#parts.hasher.digest()
    const sha256 = (digests.get('sha-256') as Buffer).toString('hex')
    try {
      const verified = await this.#verify(digests)
      this.#parts.init.checkContent?.(sha256)
      await this.#parts.handle.sync()
      return { path: await this.#giveName(), size, sha256, verified }
    } catch (cause) {
      if (cause instanceof BytestreamError) throw cause
      throw toFileError(cause, `storing into ${this.#parts.folder} failed`)
    } finally {
      await this[Symbol.asyncDispose]()
    }
  }

  /** @returns the strongest of the hashes that were given, which is right */
  async #verify(digests: ReadonlyMap<HashAlgorithm, Buffer>): Promise<HashAlgorithm | undefined> {
    for (const { algo, value } of this.#parts.expected.hashesWanted ?? []) {
      if (digests.get(algo as HashAlgorithm)?.equals(value) === false) throw anotherContent(algo)
    }
    const algo = pickAlgorithm(namesOf(this.#hashes))
    if (algo === undefined && this.#parts.init.hashRequired) {
      throw new BytestreamError('ERR_INTEGRITY', 'the sender gave no hash of the content')
    }
    if (algo === undefined) return undefined
    const found = digests.get(algo) ?? (await this.#computeAgain(algo))
    if (this.#hashes.every((hash) => hash.algo !== algo || hash.value.equals(found))) return algo
    throw anotherContent(algo)
  }

  /** For a hash nobody had announced: from what was written. */
  async #computeAgain(algo: HashAlgorithm): Promise<Buffer> {
    const hasher = await ContentHasher.begin([algo])
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    for (let position = 0; position < this.#bytes; ) {
      const { bytesRead } = await this.#parts.handle.read(buffer, 0, READ_BYTES, position)
      if (bytesRead === 0)
        throw new BytestreamError('ERR_FILE', `storing into ${this.#parts.folder} failed: somebody has cut the part file`)
      hasher.update(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
    return hasher.digest().get(algo) as Buffer
  }

  /** The part file's own name goes with the sink. */
  async #giveName(): Promise<string> {
    await this.#parts.handle.chmod(0o666 & ~process.umask())
    for (let number = 0; number < NAMES_MAX; number++) {
      const path = join(this.#parts.folder, numberFileName(this.#parts.expected.name, number))
      try {
        await claim(this.#parts.partPath, path)
        return path
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
    throw new BytestreamError(
      'ERR_FILE_EXISTS',
      `${this.#parts.folder} holds ${NAMES_MAX} files named like ${this.#parts.expected.name} already`,
    )
  }

  /** Gives up what was not stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { handle, partPath, init } = this.#parts
    try {
      await handle.close()
      await rm(partPath, { force: true }) // Somebody may have cleared the folder.
    } finally {
      init.onClosed?.()
    }
  }
}

const namesOf = (hashes: readonly Hash[]) => hashes.map(({ algo }) => algo)

/** A link fails where the name is taken, in one step. Where there are no links, an empty file holds the name for a moment. */
async function claim(part: string, path: string): Promise<void> {
  try {
    await link(part, path)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code)) throw error
    await (await open(path, 'wx')).close()
    await rename(part, path)
  }
}

/**
 * Octets there is room for in `folder`, which is made if it is not there.
 *
 * @throws BytestreamError `ERR_FILE` when it cannot be made
 */
export async function roomIn(folder: string): Promise<number> {
  try {
    await mkdir(folder, { recursive: true })
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (cause) {
    throw toFileError(cause, `${folder} cannot be written to`)
  }
}

function toFileError(cause: unknown, what: string): BytestreamError {
  const { code, message } = cause as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new BytestreamError(isFull ? 'ERR_DISK_SPACE' : 'ERR_FILE', `${what}: ${message}`, { cause })
}

const anotherContent = (algo: string) =>
  new BytestreamError('ERR_INTEGRITY', `the content differs from what was offered: its ${algo.toUpperCase()} is another`)
