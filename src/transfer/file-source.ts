import type { BigIntStats } from 'node:fs'
import { constants, type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { BytestreamError, ContentBuffers, throwIfAborted } from '../core/index.ts'
import type { ContentHasher, HashAlgorithm } from './hashes.ts'
import { type Beginning, hashBeginning } from './parts/hash-beginning.ts'

/** What is known of a file before it is offered. */
export interface FileFacts {
  readonly name: string
  /** Octets. */
  readonly size: number
  readonly modified: Date
  readonly digests: ReadonlyMap<HashAlgorithm, Buffer>
}

/** A regular file, open for reading. Owns its descriptor. */
export class FileSource implements AsyncDisposable {
  readonly #handle: FileHandle
  readonly #path: string
  /** As it was when it was opened. */
  readonly #opened: BigIntStats
  /** Kept until the end, as what was read may be on its way to the other side for longer than it is being read. */
  #buffers: ContentBuffers | undefined

  private constructor(handle: FileHandle, path: string, opened: BigIntStats) {
    this.#handle = handle
    this.#path = path
    this.#opened = opened
  }

  /** @throws BytestreamError `ERR_FILE` when it is not there, not ours to read, or not a regular file */
  static async open(path: string): Promise<FileSource> {
    try {
      // Opening a FIFO would wait for somebody to write to it.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stats = await handle.stat({ bigint: true })
      if (stats.isFile()) return new FileSource(handle, path, stats)
      await handle.close()
    } catch (cause) {
      throw new BytestreamError('ERR_FILE', `${path} cannot be read: ${(cause as Error).message}`, { cause })
    }
    throw new BytestreamError('ERR_FILE', `${path} is not a regular file`)
  }

  /** What can be known without reading it. */
  async glance(): Promise<Omit<FileFacts, 'digests'>> {
    const { size, mtime } = await this.#handle.stat()
    return { name: basename(this.#path), size, modified: mtime }
  }

  /** Reads the file once to learn its hashes. */
  async inspect(algorithms: Iterable<HashAlgorithm>, signal?: AbortSignal): Promise<FileFacts> {
    const { name, modified } = await this.glance()
    const { hasher, bytes: size } = await this.#hashFirst(algorithms, Number.POSITIVE_INFINITY, signal)
    return { name, size, modified, digests: hasher.digest() }
  }

  /**
   * Hashes the first octets of the file.
   *
   * @returns what goes on behind them
   * @throws BytestreamError as {@link read}
   */
  async hashBeginning(algorithms: Iterable<HashAlgorithm>, end: number, signal?: AbortSignal): Promise<ContentHasher> {
    return (await this.#hashFirst(algorithms, end, signal)).hasher
  }

  async #hashFirst(algorithms: Iterable<HashAlgorithm>, end: number, signal: AbortSignal | undefined): Promise<Beginning> {
    const beginning = await hashBeginning({ handle: this.#handle, isOurs: false }, algorithms, end, signal).catch((cause: Error) => {
      throw cause instanceof BytestreamError ? cause : this.#unread(cause)
    })
    await this.#checkUnchanged()
    return beginning
  }

  /**
   * The content, or the part of it. Two buffers take turns: one that was given is valid until the next but one, or until the
   * source is disposed of. Before another reading begins this one has to be over.
   *
   * @param offset octets before the part
   * @param length octets of the part; up to the end where it is left out
   * @throws BytestreamError `ERR_FILE`; `ERR_INTEGRITY` instead of the last piece, when the file was changed meanwhile
   */
  async *read(signal?: AbortSignal, { offset = 0, length = Number.POSITIVE_INFINITY } = {}): AsyncGenerator<Buffer, void> {
    const size = Number(this.#opened.size)
    this.#buffers ??= new ContentBuffers(size)
    const buffers = this.#buffers
    for (let position = offset, turn = 0; position < offset + length; turn ^= 1) {
      throwIfAborted(signal)
      const buffer = buffers.at(turn)
      const wanted = Math.min(buffer.length, offset + length - position)
      const { bytesRead } = await this.#handle.read(buffer, 0, wanted, position).catch((cause: Error) => {
        throw this.#unread(cause)
      })
      position += bytesRead
      // Whoever gets all of it must not take a mixture for the file.
      if (bytesRead === 0 || position >= Math.min(size, offset + length)) await this.#checkUnchanged()
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  }

  #unread(cause: Error): BytestreamError {
    return new BytestreamError('ERR_FILE', `reading ${this.#path} failed: ${cause.message}`, { cause })
  }

  /** A file that has only lost its name is what it was. */
  async #checkUnchanged(): Promise<void> {
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true })
    if (size !== this.#opened.size || mtimeNs !== this.#opened.mtimeNs)
      throw new BytestreamError('ERR_INTEGRITY', `${basename(this.#path)} changed while it was being sent`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
    this.#buffers?.[Symbol.dispose]()
  }
}
