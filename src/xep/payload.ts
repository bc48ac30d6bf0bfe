import { BytestreamError } from '../core/index.ts'
import { declareNamespaces } from './declare-namespaces.ts'
import { type Element, startStreamParser } from './element.ts'

/** What may stand around the element of a document (XML 1.0 §2.8). */
const AROUND = /^\uFEFF?\s*(?:<\?xml\s[^>]*\?>)?(?:\s|<!--[\s\S]*?-->)*|(?:\s|<!--[\s\S]*?-->)+$/g

/**
 * Reads the one element of an XML document that somebody wrote, such as what is to be published.
 *
 * @throws BytestreamError `ERR_PUBSUB_INVALID_PAYLOAD` for what is not well-formed, or no single element; declarations of
 *   types, which XMPP cannot carry, included (RFC 6120 §11.1)
 */
export function parsePayload(text: string): Element {
  const elements: Element[] = []
  const refuse = (why: string, cause?: unknown) => new BytestreamError('ERR_PUBSUB_INVALID_PAYLOAD', why, { cause })
  const content = text.replace(AROUND, '')
  if (
    !content.startsWith('<') ||
    !content.endsWith('>') ||
    /<[!?]/.test(content.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>/g, ''))
  ) {
    throw refuse('that is no XML element')
  }
  let isEnded = false
  const parser = startStreamParser({
    start: () => {},
    element: (element) => elements.push(element),
    end: () => {
      isEnded = true
    },
  })
  try {
    parser.write(`<stream>${content}`)
  } catch (error) {
    throw refuse('that is no well-formed XML', error)
  }
  const [payload] = elements
  if (!payload || elements.length > 1 || isEnded) throw refuse('that is not one complete XML element')
  payload.parent = null
  if (!declareNamespaces(payload)) throw refuse('a prefix in it has no namespace, or it is too deep')
  return payload
}
