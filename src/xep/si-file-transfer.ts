import { BytestreamError } from '../core/index.ts'
import { wholeNumber } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { buildHash, type Hash, type Hashes, parseHashes } from './hashes.ts'
import { NS } from './namespaces.ts'

/** A part of a file. */
export interface SiRange {
  /** Octets of the file before it; none where it does not say. */
  readonly offset?: number | undefined
  /** Octets; up to the end of the file where it does not say. */
  readonly length?: number | undefined
}

/** A file on offer. Everything in it is what the sender says. */
export interface SiFile {
  /** As it came; a file system must not see it unchecked. */
  readonly name: string
  /** Octets. */
  readonly size: number
  /** MD5 of the content, as hexadecimal digits. */
  readonly md5?: string | undefined
  /**
   * Of the content. Not part of XEP-0096: XEP-0300 `<hash/>` elements beside its own children, which peers that do not
   * know them pass over.
   */
  readonly hashes?: readonly Hash[] | undefined
  /** XEP-0082 DateTime of the last modification. */
  readonly date?: string | undefined
  readonly description?: string | undefined
  /** That there is one says that parts of the file can be had. */
  readonly range?: SiRange | undefined
}

/**
 * ```xml
 * <file xmlns='http://jabber.org/protocol/si/profile/file-transfer'
 *       name='test.txt' size='1022' hash='552da749930852c69ae5d2141d3766b1' date='1969-07-21T02:56:15Z'>
 *   <desc>This is a test. If this were a real file...</desc>
 *   <range/>
 * </file>
 * ```
 * @see XEP-0096 §3
 */
export function buildSiFile({ name, size, md5, hashes = [], date, description, range }: SiFile): Element {
  return xml(
    'file',
    { xmlns: NS.siFileTransfer, name, size, hash: md5, date },
    description ? xml('desc', {}, description) : undefined,
    range && buildRange(range),
    ...hashes.map(buildHash),
  )
}

/**
 * @throws BytestreamError `ERR_BAD_PROFILE` without a name or a size that is a whole number (XEP-0096 §3: both MUST be present),
 *   `ERR_BAD_REQUEST` for what {@link parseHashes} refuses
 */
export function parseSiFile(file: Element): SiFile & Pick<Hashes, 'hashes'> {
  const name = attribute(file, 'name')
  const size = attribute(file, 'size')
  if (!file.is('file', NS.siFileTransfer) || !name || !size || !/^\d{1,16}$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new BytestreamError('ERR_BAD_PROFILE', 'a file on offer has a name and a size in octets')
  }
  const md5 = attribute(file, 'hash')?.toLowerCase()
  return {
    name,
    size: Number(size),
    md5: md5 && /^[0-9a-f]{32}$/.test(md5) ? md5 : undefined,
    hashes: parseHashes(file).hashes,
    date: attribute(file, 'date'),
    description: file.getChildText('desc', NS.siFileTransfer) || undefined,
    range: parseSiRange(file),
  }
}

/**
 * What a receiver adds to its acceptance, when it wants but a part of the file.
 *
 * ```xml
 * <file xmlns='http://jabber.org/protocol/si/profile/file-transfer'>
 *   <range offset='252' length='179'/>
 * </file>
 * ```
 * @see XEP-0096 §3
 */
export function buildSiRange(range: SiRange): Element {
  return xml('file', { xmlns: NS.siFileTransfer }, buildRange(range))
}

/**
 * The part of a file an offer, or an acceptance, speaks of.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for numbers that are none
 */
export function parseSiRange(file: Element): SiRange | undefined {
  const range = file.getChild('range', NS.siFileTransfer)
  return range && { offset: wholeNumber(attribute(range, 'offset'), 'offset'), length: wholeNumber(attribute(range, 'length'), 'length') }
}

const buildRange = ({ offset, length }: SiRange) => xml('range', { offset, length })
