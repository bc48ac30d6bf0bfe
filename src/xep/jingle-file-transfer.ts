import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, boundedText, chosenAttribute, shortenedText, wholeNumber } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { buildHash, buildHashUsed, type Hash, type Hashes, parseHashes } from './hashes.ts'
import { type JingleRole, jingleRoles } from './jingle-role.ts'
import { NS } from './namespaces.ts'

/** A part of a file. */
export interface JingleRange {
  /** Octets of the file before it; none where it does not say. */
  readonly offset?: number | undefined
  /** Octets; up to the end of the file where it does not say. */
  readonly length?: number | undefined
  /** Of that part; in a checksum. */
  readonly hashes?: readonly Hash[] | undefined
}

/** A file on offer, or one that is asked for. Everything in it is what the other side says. */
export interface JingleFile extends Hashes {
  /** As it came; a file system must not see it unchecked. */
  readonly name?: string | undefined
  /**
   * Where it is among the files that go with it, as it came: names of folders with a `/` between two of them. Not part of
   * XEP-0234, whose `<name/>` has no separators: an additional element (§5), which peers that do not know it pass over.
   */
  readonly folder?: string | undefined
  /** Octets. */
  readonly size?: number | undefined
  /** When it was last changed, as it came: an XEP-0082 DateTime from those who keep to it. */
  readonly date?: string | undefined
  readonly description?: string | undefined
  readonly mediaType?: string | undefined
  /** That there is one says that parts of the file can be had. */
  readonly range?: JingleRange | undefined
}

/** What a session-info says of one file. `creator` and `name` of its content are left out where there is but one. */
export type JingleFileInfo =
  | {
      readonly kind: 'checksum'
      readonly creator?: JingleRole | undefined
      readonly name?: string | undefined
      readonly file: Hashes & Pick<JingleFile, 'range'>
    }
  | { readonly kind: 'received'; readonly creator?: JingleRole | undefined; readonly name?: string | undefined }

/**
 * ```xml
 * <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'>
 *   <file>
 *     <media-type>text/plain</media-type>
 *     <name>test.txt</name>
 *     <size>6144</size>
 *     <hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+KP48=</hash>
 *     <folder xmlns='https://www.npmjs.com/package/streamhost#files'>texts/new</folder>
 *   </file>
 * </description>
 * ```
 * @see XEP-0234 §5
 */
export function buildFileDescription(file: JingleFile): Element {
  return xml('description', { xmlns: NS.jingleFileTransfer }, buildFile(file))
}

/**
 * The file of a description, or one of which nothing is known: an acceptance need not repeat it.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for numbers that are none, and what {@link parseHashes} refuses
 * @see XEP-0234 §5
 */
export function parseFileDescription(description: Element): JingleFile {
  const file = description.getChild('file', NS.jingleFileTransfer)
  return file ? parseFile(file) : { hashes: [], hashUsed: [] }
}

/**
 * ```xml
 * <checksum xmlns='urn:xmpp:jingle:apps:file-transfer:5' creator='initiator' name='a-file-offer'>
 *   <file>
 *     <hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+KP48=</hash>
 *   </file>
 * </checksum>
 * ```
 * @see XEP-0234 §8.1, §8.2
 */
export function buildFileInfo(info: JingleFileInfo): Element {
  const file = info.kind === 'checksum' ? buildFile(info.file) : undefined
  return xml(info.kind, { xmlns: NS.jingleFileTransfer, creator: info.creator, name: info.name }, file)
}

/**
 * @returns `undefined` for anything but `<checksum/>` and `<received/>`
 * @throws BytestreamError `ERR_BAD_REQUEST` for a checksum without a hash, and what {@link parseHashes} refuses
 * @see XEP-0234 §8.1, §8.2
 */
export function parseFileInfo(info: Element): JingleFileInfo | undefined {
  if (info.getNS() !== NS.jingleFileTransfer) return undefined
  const kind = info.getName()
  if (kind !== 'checksum' && kind !== 'received') return undefined
  const content = { creator: chosenAttribute(info, 'creator', jingleRoles), name: boundedAttribute(info, 'name') }
  if (kind === 'received') return { kind, ...content }
  const file = info.getChild('file', NS.jingleFileTransfer)
  const { hashes, hashUsed, range } = file ? parseFile(file) : { hashes: [], hashUsed: [] }
  if (hashes.length + hashUsed.length + (range?.hashes?.length ?? 0) === 0) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'the checksum element lacks a hash')
  }
  return { kind, ...content, file: { hashes, hashUsed, range } }
}

function buildFile({ name, folder, size, date, description, mediaType, hashes, hashUsed, range }: JingleFile): Element {
  const child = (tag: string, text: string | number | undefined) => (text === undefined ? undefined : xml(tag, {}, String(text)))
  return xml(
    'file',
    {},
    child('date', date),
    child('desc', description),
    child('media-type', mediaType),
    child('name', name),
    range && xml('range', { offset: range.offset, length: range.length }, ...(range.hashes ?? []).map(buildHash)),
    child('size', size),
    ...hashes.map(buildHash),
    ...hashUsed.map(buildHashUsed),
    folder === undefined ? undefined : xml('folder', { xmlns: NS.files }, folder),
  )
}

function parseFile(file: Element): JingleFile {
  const range = file.getChild('range', NS.jingleFileTransfer)
  return {
    name: boundedText(file, 'name'),
    folder: boundedText(file, 'folder', NS.files),
    size: wholeNumber(boundedText(file, 'size')?.trim(), 'size'),
    date: boundedText(file, 'date'),
    description: shortenedText(file, 'desc'),
    mediaType: boundedText(file, 'media-type'),
    ...parseHashes(file),
    range: range && parseRange(range),
  }
}

function parseRange(range: Element): JingleRange {
  const { hashes } = parseHashes(range)
  return {
    offset: wholeNumber(attribute(range, 'offset'), 'offset'),
    length: wholeNumber(attribute(range, 'length'), 'length'),
    hashes: hashes.length > 0 ? hashes : undefined,
  }
}
