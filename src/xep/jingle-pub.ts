import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, boundedText, jidAttribute, requiredAttribute, shortenedAttribute } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { buildFileDescription, type JingleFile, parseFileDescription } from './jingle-file-transfer.ts'
import { NS } from './namespaces.ts'

/** Words for people about a session, in one language. */
export interface JinglePubMeta {
  /** As RFC 5646 writes it; that of the stanza where there is none. */
  readonly lang?: string | undefined
  readonly title?: string | undefined
  readonly summary?: string | undefined
}

/** A file its owner would send in a Jingle session to whoever asks for it. */
export interface JinglePub {
  /** The JID of the owner. */
  readonly from: string
  /** Which of the owner's. */
  readonly id: string
  /** One for each language. */
  readonly meta: readonly JinglePubMeta[]
  /** Where the same is to be had, or read of, in another way. */
  readonly uri?: string | undefined
  readonly file: JingleFile
}

/** Languages in which there are words about one session. */
const LANGUAGES_MAX = 16

/**
 * ```xml
 * <jinglepub xmlns='urn:xmpp:jinglepub:1' from='ci@example.org/builds' id='9559976B'>
 *   <meta xml:lang='en' title='Nightly build' summary='Of the main branch'/>
 *   <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>image.iso</name></file></description>
 * </jinglepub>
 * ```
 * @see XEP-0358 §2.1
 */
export function buildJinglePub({ from, id, meta, uri, file }: JinglePub): Element {
  return xml(
    'jinglepub',
    { xmlns: NS.jinglePub, from, id },
    uri ? xml('uri', {}, uri) : undefined,
    ...meta.map(({ lang, title, summary }) => xml('meta', { 'xml:lang': lang, title, summary })),
    buildFileDescription(file),
  )
}

/**
 * @param sender whose it is where it does not say: inside a message that of the message, as in XEP-0358 example 4
 * @throws BytestreamError `ERR_BAD_REQUEST` without an id, an owner or the description of a file, and for what
 *   {@link parseFileDescription} refuses; `ERR_JID_MALFORMED`
 */
export function parseJinglePub(pub: Element, sender?: string): JinglePub {
  const from = jidAttribute(pub, 'from') ?? sender
  const description = pub.getChild('description', NS.jingleFileTransfer)
  if (!pub.is('jinglepub', NS.jinglePub) || !from || !description) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a published session has an owner, and here it is of a file')
  }
  return {
    from,
    id: requiredAttribute(pub, 'id'),
    meta: parseMeta(pub),
    uri: boundedText(pub, 'uri'),
    file: parseFileDescription(description),
  }
}

/** The first of each language. */
function parseMeta(pub: Element): JinglePubMeta[] {
  const found = new Map<string | undefined, JinglePubMeta>()
  for (const meta of pub.getChildren('meta', NS.jinglePub).slice(0, LANGUAGES_MAX)) {
    const lang = boundedAttribute(meta, 'xml:lang')
    const [title, summary] = [shortenedAttribute(meta, 'title'), shortenedAttribute(meta, 'summary')]
    if ((title || summary) && !found.has(lang)) found.set(lang, { lang, title, summary })
  }
  return [...found.values()]
}
