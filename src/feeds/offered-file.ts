import { basename } from 'node:path'
import { BytestreamError } from '../core/index.ts'
import { inspectFile, isUnchanged, type OfferableAlgorithm } from '../transfer/index.ts'
import type { AnnouncedFile } from '../xep/index.ts'

/** What is told of a file, besides what it is. */
export interface DescribedFile {
  readonly description?: string | undefined
  /** The media type. Default: `application/octet-stream`. */
  readonly mimeType?: string | undefined
  /** Which hashes of the content are told. Default SHA-256. */
  readonly hashes?: readonly OfferableAlgorithm[] | undefined
}

/** A file on offer, as it was when it was announced. */
export class OfferedFile {
  readonly path: string
  readonly announced: AnnouncedFile & { readonly sizeBytes: number }
  readonly #modified: Date

  private constructor(path: string, announced: OfferedFile['announced'], modified: Date) {
    this.path = path
    this.announced = announced
    this.#modified = modified
  }

  /** Reads it once. @throws BytestreamError `ERR_FILE`, `ERR_INTEGRITY` when it is being changed, `ERR_ABORTED` */
  static async inspect(path: string, { description, mimeType, hashes }: DescribedFile, signal?: AbortSignal): Promise<OfferedFile> {
    const { size, modified, digests } = await inspectFile(path, hashes ?? ['sha-256'], signal)
    const announced = {
      ...{ name: basename(path), sizeBytes: size, mediaType: mimeType, description, dateMs: modified.getTime() },
      hashes: [...digests].map(([algo, value]) => ({ algo, value })),
    }
    return new OfferedFile(path, announced, modified)
  }

  /** @throws BytestreamError `ERR_FILE` when it is not there, `ERR_INTEGRITY` when it is another than was announced */
  async check(): Promise<void> {
    if (await isUnchanged(this.path, { size: this.announced.sizeBytes, modified: this.#modified })) return
    throw new BytestreamError('ERR_INTEGRITY', `${this.announced.name} was changed since it was announced`)
  }
}
