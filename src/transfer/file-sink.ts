import type { FileHandle } from 'node:fs/promises'
import { BytestreamError } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { toFileError } from './file-error.ts'
import { giveName } from './give-name.ts'
import { ContentHasher, type HashAlgorithm, pickAlgorithm } from './hashes.ts'
import { FileHere } from './parts/file-here.ts'
import { type Beginning, hashBeginning } from './parts/hash-beginning.ts'
import type { Identity } from './parts/known-beginnings.ts'
import type { Part } from './parts/part-store.ts'
import { syncFolder } from './sync-folder.ts'

/** What a sender promised of a file. */
export interface ExpectedFile {
  /** Safe to create. */
  readonly name: string
  /** Octets. */
  readonly size: number
  /** When it was last changed, in milliseconds since 1970: the file gets that date, unless it is to come. */
  readonly modifiedMs?: number | undefined
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
  /** Begins a part, where a file that seemed to be here is another. Needed for such files only. */
  readonly beginPart?: () => Promise<Part>
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
  /** Whether it was here before, and nothing was written. */
  readonly alreadyThere: boolean
}

interface FileSinkParts {
  readonly folder: string
  readonly expected: ExpectedFile
  readonly init: FileSinkInit
  readonly algorithms: readonly HashAlgorithm[]
}

/**
 * A file being received. Its octets go to a part, which gets the name of the file only when size and hashes are right; until
 * {@link store} it can vanish without a trace, or stay for whoever sends the rest. Never overwrites a file.
 */
export class FileSink implements AsyncDisposable {
  readonly #parts: FileSinkParts
  #part: Part | FileHere
  #hashes: readonly Hash[]
  #bytes: number
  /** Octets the hasher has had: more than there are where the disk has refused some. */
  #hashed: number
  #hasher: ContentHasher
  /** The part as it was taken, where there was one. */
  #taken: Identity | undefined
  #prefixSha256: Buffer | undefined
  #toldOfPrefix: () => readonly Hash[] | undefined = () => undefined
  #isOpen = true

  private constructor(parts: FileSinkParts, part: Part | FileHere, hasher: ContentHasher) {
    this.#parts = parts
    this.#hasher = hasher
    this.#part = part
    this.#hashes = parts.expected.hashes ?? []
    this.#bytes = part.offset
    this.#hashed = part.offset
  }

  /**
   * Begins a file, goes on with one, or looks whether one that is here is the same.
   *
   * @param folder where it will be stored
   * @param part owned by the sink from now on
   */
  static async create(folder: string, expected: ExpectedFile, part: Part | FileHere, init: FileSinkInit = {}): Promise<FileSink> {
    const announced = pickAlgorithm([...namesOf(expected.hashes ?? []), ...(expected.hashUsed ?? [])])
    const wanted = (expected.hashesWanted ?? []).flatMap(({ algo }) => pickAlgorithm([algo]) ?? [])
    const algorithms = ['sha-256', ...wanted, ...(announced ? [announced] : [])] as const
    return new FileSink({ folder, expected, init, algorithms }, part, await ContentHasher.begin(algorithms))
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
    return this.#part.offset
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
    const { hasher, identity } = await this.#hashFirst(this.offset, this.#parts.algorithms)
    this.#hasher = hasher
    this.#taken = identity
    this.#prefixSha256 = (await hasher.digestSoFar()).get('sha-256')
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
    if (this.#bytes === this.offset) await this.#checkBeginning(octets)
    if (this.#bytes + octets.length > this.#parts.expected.size) {
      throw new BytestreamError('ERR_INTEGRITY', `the sender promised ${this.#parts.expected.size} octets and sends more`)
    }
    const writing = this.#put(octets)
    this.#hasher.update(octets) // While another thread writes.
    this.#hashed += octets.length
    try {
      await writing
    } catch (cause) {
      throw cause instanceof BytestreamError ? cause : toFileError(cause, `writing into ${this.#parts.folder} failed`)
    }
    this.#bytes += octets.length
  }

  /** What is there has to be how the file begins. Of several files that look like it, the first is taken that is, and goes on so. */
  async #checkBeginning(octets: Buffer): Promise<void> {
    while (this.#part instanceof FileHere && !(this.#isPrefixRight && (await this.#part.has(octets, this.offset)))) {
      const next = await this.#part.next()
      if (!next) break
      await this.#part.discard()
      this.#part = next
      await this.readAgain()
    }
    if (!this.#isPrefixRight)
      throw new BytestreamError('ERR_INTEGRITY', `the first ${this.offset} octets of the file are others than those that are here`)
  }

  get #isPrefixRight(): boolean {
    const { value } = this.#toldOfPrefix()?.find(({ algo }) => algo === 'sha-256') ?? {}
    return !value || !this.#prefixSha256 || value.equals(this.#prefixSha256)
  }

  /** Nothing is written to a file that is here. Of one that begins at its start all comes, and may come to a part. */
  async #put(octets: Buffer): Promise<void> {
    if (this.#part instanceof FileHere) {
      if (await this.#part.has(octets, this.#bytes)) return
      const { beginPart } = this.#parts.init
      if (this.offset > 0 || !beginPart) throw new BytestreamError('ERR_INTEGRITY', 'the file that is here already is another')
      await this.#part.discard()
      this.#part = await beginPart()
    }
    await this.#writeAll(octets, this.#part.handle)
  }

  async #writeAll(octets: Buffer, handle: FileHandle): Promise<void> {
    for (let written = 0; written < octets.length; ) {
      written += (await handle.write(octets, written, octets.length - written, this.#bytes + written)).bytesWritten
    }
  }

  /**
   * Syncs the file to disk, checks it, and gives it its name, or a numbered one where that is taken, and its date; then the folder is
   * synced, too. One that is here is only checked.
   *
   * @throws BytestreamError `ERR_RESET` before the last octet, `ERR_INTEGRITY` when a hash differs from what was promised, `ERR_FILE`,
   *   `ERR_FILE_EXISTS`, and what `checkContent` throws
   */
  async store(): Promise<StoredFile> {
    const { size } = this.#parts.expected
    if (!this.isComplete) throw new BytestreamError('ERR_RESET', `the bytestream ended after ${this.#bytes} of ${size} octets`)
    const digests = this.#hasher.digest()
    const sha256 = (digests.get('sha-256') as Buffer).toString('hex')
    try {
      const verified = await this.#verify(digests)
      this.#parts.init.checkContent?.(sha256)
      const alreadyThere = this.#part instanceof FileHere
      const path = await (this.#part instanceof FileHere ? this.#confirm(this.#part) : this.#giveName(this.#part))
      await this[Symbol.asyncDispose]()
      await syncFolder(this.#parts.folder) // Also where it is here already: whoever stored it may have been killed before.
      return { path, size, sha256, verified, alreadyThere }
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
    const { hasher } = await this.#hashFirst(this.#bytes, [algo])
    return hasher.digest().get(algo) as Buffer
  }

  /** @param end octets from the beginning of the part */
  async #hashFirst(end: number, algorithms: readonly HashAlgorithm[]): Promise<Beginning> {
    const beginning = await hashBeginning(this.#part, algorithms, end).catch((cause) => {
      throw toFileError(cause, `reading the part in ${this.#parts.folder} failed`)
    })
    if (beginning.bytes === end) return beginning
    throw new BytestreamError('ERR_FILE', `storing into ${this.#parts.folder} failed: somebody has cut the part file`)
  }

  /** The part file's own name goes with the sink. */
  async #giveName(part: Part): Promise<string> {
    const { folder, expected, init } = this.#parts
    await part.handle.sync()
    await init.checkFolder?.()
    return await giveName(part, { folder, name: expected.name, modifiedMs: expected.modifiedMs })
  }

  async #confirm(here: FileHere): Promise<string> {
    await this.#parts.init.checkFolder?.()
    await here.checkUnchanged()
    return here.path
  }

  /**
   * Closes it, and leaves what is there to whoever is offered the same file again.
   *
   * @returns where that is; nothing where there is nothing
   */
  async keep(): Promise<KeptPart | undefined> {
    const part = this.#part
    if (!this.#isOpen || this.#bytes === 0 || part instanceof FileHere || !part.isRecognisable) return undefined
    const written =
      this.#bytes > this.offset && this.#bytes === this.#hashed
        ? { hasher: this.#hasher, bytes: this.#bytes, taken: this.#taken }
        : undefined
    await this.#close(() => part.keep(written))
    return { path: part.path, bytes: this.#bytes }
  }

  /** Gives up what was neither stored nor kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close((part) => part.discard())
  }

  async #close(close: (part: Part | FileHere) => Promise<void>): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      await close(this.#part)
    } finally {
      this.#parts.init.onClosed?.()
    }
  }
}

const namesOf = (hashes: readonly Hash[]) => hashes.map(({ algo }) => algo)

const anotherContent = (algo: string) =>
  new BytestreamError('ERR_INTEGRITY', `the content differs from what was offered: its ${algo.toUpperCase()} is another`)
