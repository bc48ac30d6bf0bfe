import picomatch from 'picomatch'
import { BytestreamError, formatBytes } from '../core/index.ts'
import type { Hash } from '../xep/index.ts'
import { pickAlgorithm } from './hashes.ts'

/** A file somebody offers. Name, size and the rest are what the sender says. */
export interface FileOffer {
  /** Full JID. */
  readonly from: string
  /** Safe to create in a folder. */
  readonly name: string
  /** Below the folder files are stored in: safe names of folders with a `/` between two; none for a file by itself. */
  readonly folder?: string | undefined
  /** Octets. */
  readonly size: number
  readonly mimeType: string | undefined
  readonly description: string | undefined
  /** Of the content, as far as they are known before it. */
  readonly hashes: readonly Hash[]
}

/** What a file has to be. */
export interface FileRules {
  /** Octets of one file. Default: unlimited. */
  readonly fileBytesMax?: number
  /**
   * Names that are accepted, once they are safe: patterns such as `*.pdf`, in which case makes no difference, or a question.
   * Default: all.
   */
  readonly names?: readonly string[] | ((name: string) => boolean)
  /** Media types that are accepted, such as `image/png` or `image/*`; a file without a type has none of them. Default: all. */
  readonly types?: readonly string[]
  /** Whether a sender has to give a hash that can be verified. Default: false. */
  readonly hashRequired?: boolean
  /** SHA-256 of contents that are not accepted, as hexadecimal digits: neither announced nor found out. Default: none. */
  readonly sha256Blocked?: Iterable<string>
}

const SHA256 = /^[0-9a-f]{64}$/i

// A safe name is in NFC, and has no separator.
const namesLike = (patterns: readonly string[]) =>
  picomatch(
    patterns.map((pattern) => pattern.normalize('NFC')),
    { nocase: true, dot: true },
  )

/** What each offer is held against. Knows nothing of other offers. */
export class FileCheck {
  readonly #fileBytesMax: number
  readonly #isName: (name: string) => boolean
  readonly #types: readonly string[] | undefined
  readonly #isHashRequired: boolean
  readonly #blocked: ReadonlySet<string>

  /** @throws TypeError for a blocked hash that is no SHA-256 */
  constructor({ fileBytesMax = Number.POSITIVE_INFINITY, names, types, hashRequired = false, sha256Blocked = [] }: FileRules) {
    this.#fileBytesMax = fileBytesMax
    this.#isName = typeof names === 'function' ? names : names ? namesLike(names) : () => true
    this.#types = types?.map((type) => type.toLowerCase())
    this.#isHashRequired = hashRequired
    this.#blocked = new Set([...sha256Blocked].map((digits) => digits.toLowerCase()))
    for (const digits of this.#blocked) if (!SHA256.test(digits)) throw new TypeError(`"${digits}" is no SHA-256`)
  }

  /**
   * @param hashUsed names of the hashes that will come behind the content
   * @throws BytestreamError `ERR_FILE_TOO_LARGE`, `ERR_DECLINED`, each with a sentence for the sender
   */
  check({ name, size, mimeType, hashes }: FileOffer, hashUsed: readonly string[]): void {
    if (size > this.#fileBytesMax) {
      throw new BytestreamError('ERR_FILE_TOO_LARGE', `files of at most ${formatBytes(this.#fileBytesMax)} are accepted`)
    }
    if (!this.#isName(name)) throw new BytestreamError('ERR_DECLINED', 'files of this name are not accepted')
    if (!this.#isType(mimeType)) throw new BytestreamError('ERR_DECLINED', 'files of this type are not accepted')
    if (this.#isHashRequired && !pickAlgorithm([...hashes.map(({ algo }) => algo), ...hashUsed])) {
      throw new BytestreamError('ERR_DECLINED', 'only files with a hash of their content are accepted')
    }
    for (const { algo, value } of hashes) if (algo === 'sha-256') this.checkContent(value.toString('hex'))
  }

  /** @throws BytestreamError `ERR_DECLINED` for a content that is blocked */
  checkContent(sha256: string): void {
    if (this.#blocked.has(sha256)) throw new BytestreamError('ERR_DECLINED', 'this content is not accepted')
  }

  #isType(mimeType: string | undefined): boolean {
    if (!this.#types) return true
    // RFC 2045 §5.1: case makes no difference, and parameters belong to no type.
    const [type = ''] = (mimeType ?? '').toLowerCase().split(';', 1)
    const [main] = type.trim().split('/', 1)
    return type !== '' && this.#types.some((each) => each === type.trim() || each === '*/*' || each === `${main}/*`)
  }
}
