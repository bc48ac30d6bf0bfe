import { BytestreamError } from '../core/index.ts'
import { boundedText, shortenedText, wholeNumber } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { buildHash, type Hash, parseHashes } from './hashes.ts'
import { NS } from './namespaces.ts'

/** What is said of a file. */
export interface FileMetadata {
  /** As it came; a file system must not see it unchecked. */
  readonly name?: string | undefined
  /** Octets. */
  readonly size?: number | undefined
  readonly mediaType?: string | undefined
  /** When it was last changed, as it came: an XEP-0082 DateTime from those who keep to it. */
  readonly date?: string | undefined
  readonly description?: string | undefined
  readonly hashes: readonly Hash[]
}

/**
 * ```xml
 * <file xmlns='urn:xmpp:file:metadata:0'>
 *   <media-type>text/plain</media-type>
 *   <name>test.txt</name>
 *   <date>2015-07-26T21:46:00+01:00</date>
 *   <size>6144</size>
 *   <hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+KP48=</hash>
 * </file>
 * ```
 * @see XEP-0446 §2
 */
export function buildFileMetadata({ name, size, mediaType, date, description, hashes }: FileMetadata): Element {
  const child = (tag: string, text: string | number | undefined) => (text === undefined ? undefined : xml(tag, {}, String(text)))
  return xml(
    'file',
    { xmlns: NS.fileMetadata },
    child('media-type', mediaType),
    child('name', name),
    child('date', date),
    child('size', size),
    ...hashes.map(buildHash),
    child('desc', description),
  )
}

/**
 * Of several descriptions, one for each language, the first.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for another element, a size that is no number, and what {@link parseHashes} refuses
 */
export function parseFileMetadata(file: Element): FileMetadata {
  if (!file.is('file', NS.fileMetadata)) throw new BytestreamError('ERR_BAD_REQUEST', 'that says nothing of a file')
  return {
    name: boundedText(file, 'name'),
    size: wholeNumber(boundedText(file, 'size')?.trim(), 'size'),
    mediaType: boundedText(file, 'media-type'),
    date: boundedText(file, 'date'),
    description: shortenedText(file, 'desc'),
    hashes: parseHashes(file).hashes,
  }
}
