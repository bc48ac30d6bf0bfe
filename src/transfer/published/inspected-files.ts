import type { FileFacts } from '../file-source.ts'
import { FileSource } from '../file-source.ts'
import type { HashAlgorithm } from '../hashes.ts'

/** Files whose hashes are remembered. */
const FILES_MAX = 1_000

interface Inspected {
  readonly size: number
  readonly modifiedMs: number
  readonly facts: Promise<FileFacts>
}

/** The hashes of files that are sent again and again: each is read for them once, as long as it stays what it was. */
export class InspectedFiles {
  readonly #stopping: AbortSignal
  readonly #files = new Map<string, Inspected>()

  /** @param stopping from then on nothing is read any more */
  constructor(stopping: AbortSignal) {
    this.#stopping = stopping
  }

  /**
   * @param source opened by `path`
   * @throws BytestreamError as {@link FileSource.inspect}
   */
  async inspect(path: string, source: FileSource, algorithms: Iterable<HashAlgorithm>): Promise<FileFacts> {
    const { size, modified } = await source.glance()
    const modifiedMs = modified.getTime()
    const known = this.#files.get(path)
    if (known?.size === size && known.modifiedMs === modifiedMs) return await known.facts
    const read = { size, modifiedMs, facts: this.#read(path, algorithms) }
    this.#files.delete(path)
    for (const oldest of this.#files.keys()) {
      if (this.#files.size < FILES_MAX) break
      this.#files.delete(oldest)
    }
    this.#files.set(path, read)
    read.facts.catch(() => {
      if (this.#files.get(path) === read) this.#files.delete(path)
    })
    return await read.facts
  }

  /** Whoever wants it first may be gone before it is read. */
  async #read(path: string, algorithms: Iterable<HashAlgorithm>): Promise<FileFacts> {
    await using source = await FileSource.open(path)
    return await source.inspect(algorithms, this.#stopping)
  }
}
