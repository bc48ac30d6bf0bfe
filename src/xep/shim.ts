import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** A header of a stanza, such as the `SubID` of a notification (XEP-0131 §2). Names may come several times. */
export interface Header {
  readonly name: string
  readonly value: string
}

/**
 * ```xml
 * <headers xmlns='http://jabber.org/protocol/shim'>
 *   <header name='SubID'>123-abc</header>
 * </headers>
 * ```
 * @see XEP-0131 §2
 */
export function buildHeaders(headers: readonly Header[]): Element {
  return xml('headers', { xmlns: NS.shim }, ...headers.map(({ name, value }) => xml('header', { name }, value)))
}

/** The headers of a stanza; those without a name are left out. */
export function parseHeaders(stanza: Element): Header[] {
  const headers = stanza.getChild('headers', NS.shim)?.getChildren('header', NS.shim) ?? []
  return headers.flatMap((header) => {
    const name = attribute(header, 'name')
    return name ? [{ name, value: header.text() }] : []
  })
}
