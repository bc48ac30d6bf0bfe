import { BytestreamError } from '../core/index.ts'
import { boundedAttribute } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { buildFileMetadata, type FileMetadata, parseFileMetadata } from './file-metadata.ts'
import { buildJinglePub, type JinglePub, parseJinglePub } from './jingle-pub.ts'
import { NS } from './namespaces.ts'
import { buildSiPub, parseSiPub, type SiPub } from './si-pub.ts'

/** Where a shared file is to be had. */
export type FileSource =
  | { readonly kind: 'jingle'; readonly pub: JinglePub }
  | { readonly kind: 'si'; readonly pub: SiPub }
  /** XEP-0103 `<url-data/>`. */
  | { readonly kind: 'url'; readonly target: string }

const DISPOSITIONS = ['attachment', 'inline'] as const

/** A file that is shared, with where it is to be had. */
export interface FileSharing {
  readonly id?: string | undefined
  /** Whether it is to be shown at once, or only when somebody wants it. */
  readonly disposition?: (typeof DISPOSITIONS)[number] | undefined
  readonly file: FileMetadata
  /** None where they are told later (XEP-0447 §3.2). */
  readonly sources: readonly FileSource[]
}

/** Sources of one file that are looked at. */
const SOURCES_MAX = 16

/**
 * ```xml
 * <file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'>
 *   <file xmlns='urn:xmpp:file:metadata:0'><name>summit.jpg</name><size>3032449</size></file>
 *   <sources>
 *     <url-data xmlns='http://jabber.org/protocol/url-data' target='https://download.montague.lit/summit.jpg'/>
 *   </sources>
 * </file-sharing>
 * ```
 * @param more what is beside them, of other namespaces
 * @see XEP-0447 §3.1
 */
export function buildFileSharing({ id, disposition, file, sources }: FileSharing, ...more: readonly Element[]): Element {
  return xml(
    'file-sharing',
    { xmlns: NS.fileSharing, id, disposition },
    buildFileMetadata(file),
    sources.length > 0 ? xml('sources', {}, ...sources.map(buildSource)) : undefined,
    ...more,
  )
}

function buildSource(source: FileSource): Element {
  switch (source.kind) {
    case 'jingle':
      return buildJinglePub(source.pub)
    case 'si':
      return buildSiPub(source.pub)
    case 'url':
      return xml('url-data', { xmlns: NS.urlData, target: source.target })
  }
}

/**
 * Sources that nobody here knows, or that are not what they should be, are left out: the file may be had from another one.
 *
 * @param sender whose those are that do not say
 * @throws BytestreamError `ERR_BAD_REQUEST` for another element, without its file, and for what {@link parseFileMetadata} refuses
 */
export function parseFileSharing(sharing: Element, sender?: string): FileSharing {
  const file = sharing.getChild('file', NS.fileMetadata)
  if (!sharing.is('file-sharing', NS.fileSharing) || !file) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a file that is shared says something of it')
  }
  const sources = sharing.getChild('sources', NS.fileSharing)?.getChildElements() ?? []
  return {
    id: boundedAttribute(sharing, 'id'),
    disposition: DISPOSITIONS.find((one) => one === attribute(sharing, 'disposition')),
    file: parseFileMetadata(file),
    sources: sources.slice(0, SOURCES_MAX).flatMap((source) => parseSource(source, sender) ?? []),
  }
}

function parseSource(source: Element, sender: string | undefined): FileSource | undefined {
  try {
    if (source.is('jinglepub', NS.jinglePub)) return { kind: 'jingle', pub: parseJinglePub(source, sender) }
    if (source.is('sipub', NS.siPub)) return { kind: 'si', pub: parseSiPub(source, sender) }
    const target = source.is('url-data', NS.urlData) ? boundedAttribute(source, 'target') : undefined
    return target === undefined ? undefined : { kind: 'url', target }
  } catch (error) {
    if (error instanceof BytestreamError) return undefined
    throw error
  }
}
