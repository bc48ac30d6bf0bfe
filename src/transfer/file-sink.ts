import { link, mkdir, open, rename, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { toFileError } from './file-error.ts'
import { numberFileName } from './file-name.ts'
import { ContentHasher, type HashAlgorithm, pickAlgorithm } from './hashes.ts'
import type { Part } from './parts/part-store.ts'

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
  /** Throws when the folder is no longer where it was: asked right before the file gets its name there. */
  readonly checkFolder?: () => Promise<void>
  /** Why it begins at its start, although a part of it seemed to be here. */
  readonly fromStartBecause?: string | undefined
  /** Stored or given up, the file takes no more room than it has. */
  readonly onClosed?: () => void
}

/** What is there of a file whose transfer has ended before its last octet. */
export interface KeptPart {
  readonly path: string
  /** Octets. */
  readonly bytes: number
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
  readonly part: Part
}

/**
 * A file being received. Its octets go to a part, which gets the name of the file only when size and hashes are right; until
 * {@link store} it can vanish without a trace, or stay for whoever sends the rest. Never overwrites a file.
 */
export class FileSink implements AsyncDisposable {
  readonly #parts: FileSinkParts
  #hashes: readonly Hash[]
  #bytes: number
  #prefixSha256: Buffer | undefined
  #toldOfPrefix: () => readonly Hash[] | undefined = () => undefined
  #isOpen = true

  private constructor(parts: FileSinkParts) {
    this.#parts = parts
    this.#hashes = parts.expected.hashes ?? []
    this.#bytes = parts.part.offset
  }

  /**
   * Begins a file, or goes on with one.
   *
   * @param folder where it will be stored
   * @param part owned by the sink from now on
   */
  static async create(folder: string, expected: ExpectedFile, part: Part, init: FileSinkInit = {}): Promise<FileSink> {
    const announced = pickAlgorithm([...namesOf(expected.hashes ?? []), ...(expected.hashUsed ?? [])])
    const wanted = (expected.hashesWanted ?? []).flatMap(({ algo }) => pickAlgorithm([algo]) ?? [])
    const hasher = await ContentHasher.begin(['sha-256', ...wanted, ...(announced ? [announced] : [])])
    return new FileSink({ folder, expected, init, hasher, part })
  }

  /** The name it will have, unless that is taken. */
  get name(): string {
    return this.#parts.expected.name
  }

  /** Where it will be stored. */
  get folder(): string {
    return this.#parts.folder
  }

  /** Octets that were there already. Before any other is written, {@link readAgain} has to have hashed them. */
  get offset(): number {
    return this.#parts.part.offset
  }

  /** Why it begins at its start, although a part of it seemed to be here. */
  get fromStartBecause(): string | undefined {
    return this.#parts.init.fromStartBecause
  }

  /** Octets that are there. */
  get bytes(): number {
    return this.#bytes
  }

  get isComplete(): boolean {
    return this.#bytes === this.#parts.expected.size
  }

  /** Hashes what was there already. */
  async readAgain(): Promise<void> {
    if (this.offset === 0) return
    const prefix = await ContentHasher.begin(['sha-256'])
    await this.#readInto([this.#parts.hasher, prefix], this.offset)
    this.#prefixSha256 = prefix.digest().get('sha-256')
  }

  /**
   * Where to look, before the first octet is written, for what the sender says of those that were there already; whoever says
   * nothing is measured by the whole file.
   */
  expectPrefix(told: () => readonly Hash[] | undefined): void {
    this.#toldOfPrefix = told
  }

  /** Hashes that come behind the offer, also behind the last octet; they count like those of the offer. */
  expect(hashes: readonly Hash[]): void {
    this.#hashes = [...this.#hashes, ...hashes]
  }

  /**
   * @throws BytestreamError `ERR_INTEGRITY` for more octets than were promised, or where others were there than the sender has; `ERR_FILE`
   *   when the disk refuses
   */
  async write(octets: Buffer): Promise<void> {
    if (this.#bytes === this.offset) this.#checkPrefix()
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

  #checkPrefix(): void {
    const { value } = this.#toldOfPrefix()?.find(({ algo }) => algo === 'sha-256') ?? {}
    if (value && this.#prefixSha256 && !value.equals(this.#prefixSha256))
      throw new BytestreamError('ERR_INTEGRITY', `the first ${this.offset} octets of the file are others than those that are here`)
  }

  async #writeAll(octets: Buffer): Promise<void> {
    for (let written = 0; written < octets.length; ) {
      written += (await this.#parts.part.handle.write(octets, written, octets.length - written, this.#bytes + written)).bytesWritten
    }
  }

  /**
   * Syncs the file to disk, checks it, and gives it its name, or a numbered one where that is taken.
   *
   * @throws BytestreamError `ERR_RESET` before the last octet, `ERR_INTEGRITY` when a hash differs from what was promised, `ERR_FILE`,
   *   `ERR_FILE_EXISTS`, and what `checkContent` throws
   */
  async store(): Promise<StoredFile> {
    const { size } = this.#parts.expected
    if (!this.isComplete) throw new BytestreamError('ERR_RESET', `the bytestream ended after ${this.#bytes} of ${size} octets`)
    const digests = this.#parts.hasher.digest()
    const sha256 = (digests.get('sha-256') as Buffer).toString('hex')
    try {
      const verified = await this.#verify(digests)
      this.#parts.init.checkContent?.(sha256)
      await this.#parts.part.handle.sync()
      await this.#parts.init.checkFolder?.()
      const path = await this.#giveName()
      await this[Symbol.asyncDispose]()
      return { path, size, sha256, verified }
    } catch (cause) {
      // What the disk refuses now it may take another time.
      if (!(cause instanceof BytestreamError)) throw toFileError(cause, `storing into ${this.#parts.folder} failed`)
      await this[Symbol.asyncDispose]()
      throw cause
    }
  }

  /** @returns the strongest of the hashes that were given, which is right */
  async #verify(digests: ReadonlyMap<HashAlgorithm, Buffer>): Promise<HashAlgorithm | undefined> {
    for (const { algo, value } of this.#parts.expected.hashesWanted ?? []) {
      if (digests.get(algo as HashAlgorithm)?.equals(value) === false) throw anotherContent(algo)
    }
    const algo = pickAlgorithm(namesOf(this.#hashes))
    // Of a file that came in two pieces nothing else says that they belong together.
    if (algo === undefined && (this.#parts.init.hashRequired || this.offset > 0)) {
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
    await this.#readInto([hasher], this.#bytes)
    return hasher.digest().get(algo) as Buffer
  }

  /** @param end octets from the beginning of the part */
  async #readInto(hashers: readonly ContentHasher[], end: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end))
    for (let position = 0; position < end; ) {
      const { bytesRead } = await this.#parts.part.handle
        .read(buffer, 0, Math.min(READ_BYTES, end - position), position)
        .catch((cause) => Promise.reject(toFileError(cause, `reading the part in ${this.#parts.folder} failed`)))
      if (bytesRead === 0)
        throw new BytestreamError('ERR_FILE', `storing into ${this.#parts.folder} failed: somebody has cut the part file`)
      for (const hasher of hashers) hasher.update(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
  }

  /** The part file's own name goes with the sink. */
  async #giveName(): Promise<string> {
    await this.#parts.part.handle.chmod(0o666 & ~process.umask())
    for (let number = 0; number < NAMES_MAX; number++) {
      const path = join(this.#parts.folder, numberFileName(this.#parts.expected.name, number))
      try {
        await claim(this.#parts.part.path, path)
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

  /**
   * Closes it, and leaves what is there to whoever is offered the same file again.
   *
   * @returns where that is; nothing where there is nothing
   */
  async keep(): Promise<KeptPart | undefined> {
    if (!this.#isOpen || this.#bytes === 0 || !this.#parts.part.isRecognisable) return undefined
    await this.#close((part) => part.keep())
    return { path: this.#parts.part.path, bytes: this.#bytes }
  }

  /** Gives up what was neither stored nor kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close((part) => part.discard())
  }

  async #close(close: (part: Part) => Promise<void>): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      await close(this.#parts.part)
    } finally {
      this.#parts.init.onClosed?.()
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

const anotherContent = (algo: string) =>
  new BytestreamError('ERR_INTEGRITY', `the content differs from what was offered: its ${algo.toUpperCase()} is another`)
