import { BytestreamError } from '../core/index.ts'
import { decodeBase64 } from './base64.ts'
import { requiredAttribute } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What a hash function made of some content. */
export interface Hash {
  /** As the IANA registry of Hash Function Textual Names and XEP-0300 §3 spell it, such as `sha-256`. */
  readonly algo: string
  readonly value: Buffer
}

/** What is said of the hashes of one content. */
export interface Hashes {
  /** One for each function at most. */
  readonly hashes: readonly Hash[]
  /** Functions whose value is still to come. */
  readonly hashUsed: readonly string[]
}

/** Hashes of one content that are read. There are fewer functions with a name. */
const HASHES_MAX = 16

/** Octets of a value: the IANA registry of Hash Function Textual Names, XEP-0300 §3. */
const lengths: ReadonlyMap<string, number> = new Map([
  ...(['md2', 'md5'] as const).map((algo) => [algo, 16] as const),
  ['sha-1', 20],
  ['sha-224', 28],
  ...(['sha-256', 'sha3-256', 'blake2b-256'] as const).map((algo) => [algo, 32] as const),
  ['sha-384', 48],
  ...(['sha-512', 'sha3-512', 'blake2b-512'] as const).map((algo) => [algo, 64] as const),
])

/**
 * ```xml
 * <hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>
 * ```
 * @see XEP-0300 §3
 */
export function buildHash({ algo, value }: Hash): Element {
  return xml('hash', { xmlns: NS.hashes, algo }, value.toString('base64'))
}

/**
 * ```xml
 * <hash-used xmlns='urn:xmpp:hashes:2' algo='sha-256'/>
 * ```
 * @see XEP-0300 §3
 */
export function buildHashUsed(algo: string): Element {
  return xml('hash-used', { xmlns: NS.hashes, algo })
}

/**
 * The hashes among the children of `parent`. A `<hash/>` without a value says which function will be used, as XEP-0234 §5 has
 * it, so it counts as a `<hash-used/>`.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for a hash without its function, two of one function, a value that is not Base64
 *   or has another length than those of its function, or for more than there are functions
 */
export function parseHashes(parent: Element): Hashes {
  const elements = parent.getChildElements().filter((child) => child.is('hash', NS.hashes) || child.is('hash-used', NS.hashes))
  if (elements.length > HASHES_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `more than ${HASHES_MAX} hashes of one content`)
  const hashes = new Map<string, Hash>()
  const hashUsed = new Set<string>()
  for (const element of elements) {
    const algo = requiredAttribute(element, 'algo')
    const text = element.is('hash') ? element.text().trim() : ''
    if (text === '') hashUsed.add(algo)
    else if (hashes.has(algo)) throw new BytestreamError('ERR_BAD_REQUEST', 'there are two hashes of one function')
    else hashes.set(algo, { algo, value: hashValue(algo, text) })
  }
  return { hashes: [...hashes.values()], hashUsed: [...hashUsed] }
}

function hashValue(algo: string, text: string): Buffer {
  const value = decodeBase64(text)
  if (!value) throw new BytestreamError('ERR_BAD_REQUEST', 'a hash is not Base64 as RFC 4648 §4 defines it')
  if (value.length !== (lengths.get(algo) ?? value.length)) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a hash has another length than those of its function')
  }
  return value
}

/**
 * What an entity shows in service discovery that knows these functions.
 *
 * @see XEP-0300 §5, §9.3, where BLAKE2b goes by its name in RFC 7693
 */
export function hashFeatures(algorithms: readonly string[]): string[] {
  return [NS.hashes, ...algorithms.map((algo) => `${NS.hashFunction}:${algo.replace(/^blake2b-/, 'id-blake2b')}`)]
}
