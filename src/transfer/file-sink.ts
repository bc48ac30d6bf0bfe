import { createHash, type Hash, randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { BytestreamError, formatBytes } from '../core/index.ts'
import { numberFileName } from './file-name.ts'

/** Names tried when the wanted one is taken. */
const NAMES_MAX = 1_000
/** How file systems without hard links, such as FAT, refuse one. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** What a sender promised of a file. */
export interface ExpectedFile {
  /** Safe to create. */
  readonly name: string
  /** Octets. */
  readonly size: number
  /** Lower-case hexadecimal digits, where the sender gave them. */
  readonly sha256?: string | undefined
  readonly md5?: string | undefined
}

/** A file that was received whole. */
export interface StoredFile {
  readonly path: string
  readonly size: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
}

/**
 * A file being received. Its octets go to a part file beside the target, which gets its name only when size and
 * hashes are right; until {@link store} it can vanish without a trace. Never overwrites a file.
 */
export class FileSink implements AsyncDisposable {
  readonly #folder: string
  readonly #expected: ExpectedFile
  readonly #partPath: string
  readonly #handle: FileHandle
  readonly #sha256 = createHash('sha256')
  readonly #md5: Hash | undefined
  #bytes = 0
  #isOpen = true

  private constructor(folder: string, expected: ExpectedFile, partPath: string, handle: FileHandle) {
    this.#folder = folder
    this.#expected = expected
    this.#partPath = partPath
    this.#handle = handle
    // MD5 is for peers that send nothing better (XEP-0096 §3).
    this.#md5 = expected.md5 !== undefined && expected.sha256 === undefined ? createHash('md5') : undefined
  }

  /**
   * Begins a file in `folder`, which is made if it is not there.
   *
   * @throws BytestreamError `ERR_FILE` when the folder cannot be written to, `ERR_DISK_SPACE` when the file would not fit
   */
  static async create(folder: string, expected: ExpectedFile): Promise<FileSink> {
    try {
      await mkdir(folder, { recursive: true })
      const { bavail, bsize } = await statfs(folder)
      if (bavail * bsize < expected.size) {
        throw new BytestreamError(
          'ERR_DISK_SPACE',
          `${folder} has room for ${formatBytes(bavail * bsize)}, the file needs ${formatBytes(expected.size)}`,
        )
      }
      const partPath = join(folder, `.${randomBytes(6).toString('hex')}.part`)
      return new FileSink(folder, expected, partPath, await open(partPath, 'wx', 0o600))
    } catch (cause) {
      if (cause instanceof BytestreamError) throw cause
      throw toFileError(cause, `${folder} cannot be written to`)
    }
  }

  /** Octets written so far. */
  get bytes(): number {
    return this.#bytes
  }

  get isComplete(): boolean {
    return this.#bytes === this.#expected.size
  }

  /** @throws BytestreamError `ERR_INTEGRITY` for more octets than were promised, `ERR_FILE` when the disk refuses */
  async write(octets: Buffer): Promise<void> {
    if (this.#bytes + octets.length > this.#expected.size) {
      throw new BytestreamError('ERR_INTEGRITY', `the sender promised ${this.#expected.size} octets and sends more`)
    }
    this.#sha256.update(octets)
    this.#md5?.update(octets)
    try {
      for (let written = 0; written < octets.length; ) {
        written += (await this.#handle.write(octets, written)).bytesWritten
      }
    } catch (cause) {
      throw toFileError(cause, `writing into ${this.#folder} failed`)
    }
    this.#bytes += octets.length
  }

  /**
   * Syncs the file to disk, checks it, and gives it its name, or a numbered one where that is taken.
   *
   * @throws BytestreamError `ERR_INTEGRITY` when size or hash differ from what was promised, `ERR_FILE`, `ERR_FILE_EXISTS`
   */
  async store(): Promise<StoredFile> {
    const { size, sha256, md5 } = this.#expected
    if (!this.isComplete) throw new BytestreamError('ERR_INTEGRITY', `the sender promised ${size} octets and sent ${this.#bytes}`)
    const found = this.#sha256.digest('hex')
    if ((sha256 !== undefined && sha256 !== found) || (this.#md5 && this.#md5.digest('hex') !== md5)) {
      throw new BytestreamError('ERR_INTEGRITY', `the content differs from what was offered: its ${sha256 ? 'SHA-256' : 'MD5'} is another`)
    }
    try {
      await this.#handle.sync()
      return { path: await this.#giveName(), size, sha256: found }
    } catch (cause) {
      if (cause instanceof BytestreamError) throw cause
      throw toFileError(cause, `storing into ${this.#folder} failed`)
    } finally {
      await this[Symbol.asyncDispose]()
    }
  }

  /** The part file's own name goes with the sink. */
  async #giveName(): Promise<string> {
    await this.#handle.chmod(0o666 & ~process.umask())
    for (let number = 0; number < NAMES_MAX; number++) {
      const path = join(this.#folder, numberFileName(this.#expected.name, number))
      try {
        await claim(this.#partPath, path)
        return path
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    }
    throw new BytestreamError('ERR_FILE_EXISTS', `${this.#folder} holds ${NAMES_MAX} files named like ${this.#expected.name} already`)
  }

  /** Gives up what was not stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#handle.close()
    await rm(this.#partPath, { force: true }) // Somebody may have cleared the folder.
  }
}

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

function toFileError(cause: unknown, what: string): BytestreamError {
  const { code, message } = cause as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new BytestreamError(isFull ? 'ERR_DISK_SPACE' : 'ERR_FILE', `${what}: ${message}`, { cause })
}
