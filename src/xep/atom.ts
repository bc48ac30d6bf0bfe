import { formatDateTime } from './date-time.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** A text that was published, with what an entry has to say of itself. */
export interface TextEntry {
  /** A URI of its own. */
  readonly id: string
  readonly text: string
  /** The JID of whoever wrote it. */
  readonly author: string
  readonly updatedMs: number
}

/**
 * ```xml
 * <entry xmlns='http://www.w3.org/2005/Atom'>
 *   <id>tag:denmark.lit,2003:entry-32397</id>
 *   <title>Soliloquy</title>
 *   <updated>2003-12-13T18:30:02Z</updated>
 *   <author><name>hamlet@denmark.lit</name><uri>xmpp:hamlet@denmark.lit</uri></author>
 * </entry>
 * ```
 * @see RFC 4287 §4.1.2; the payload of XEP-0060's examples
 */
export function buildTextEntry({ id, text, author, updatedMs }: TextEntry): Element {
  return xml(
    'entry',
    { xmlns: NS.atom },
    xml('id', {}, id),
    xml('title', {}, text),
    xml('updated', {}, formatDateTime(updatedMs)),
    xml('author', {}, xml('name', {}, author), xml('uri', {}, `xmpp:${author}`)),
  )
}

/** What an entry says in short; `undefined` for another payload, and for an entry without a title. */
export function parseEntryTitle(payload: Element): string | undefined {
  return payload.is('entry', NS.atom) ? (payload.getChildText('title', NS.atom) ?? undefined) : undefined
}
