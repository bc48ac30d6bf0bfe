import { Element, Parser } from '@xmpp/xml'
import { cutOff } from './cut-off.ts'

export type { Element }

/** Attributes of an element; `undefined` leaves one out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>

/** What XML 1.0 §2.2 cannot carry in any form: control characters, lone surrogates, two non-characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSPEAKABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Texts without any of these, which are nearly all, are only looked at. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SUSPECT = /[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/

/** `text` with every character that XML cannot carry replaced by U+FFFD. */
export function toXmlText(text: string): string {
  return SUSPECT.test(text) ? text.replace(UNSPEAKABLE, '\ufffd') : text
}

/** Builds an element. Text is escaped when it is written; what XML cannot carry becomes U+FFFD. */
export function xml(name: string, attributes: Attributes = {}, ...children: (Element | string | undefined)[]): Element {
  const element = new Element(name)
  for (const key of Object.keys(attributes)) {
    const value = attributes[key]
    if (value !== undefined) element.attrs[key] = toXmlText(String(value))
  }
  for (const child of children) {
    if (child !== undefined && child !== '') element.append(typeof child === 'string' ? toXmlText(child) : child)
  }
  return element
}

/** The value of an attribute, or `undefined`. Values that came from the network are always strings. */
export function attribute(element: Element, name: string): string | undefined {
  const value: unknown = element.attrs[name]
  return typeof value === 'string' ? value : undefined
}

/** What an XML stream turns into. */
export interface StreamParserEvents {
  /** The opening tag of the stream, without children. */
  start(header: Element): unknown
  /** A first-level child of the stream: a stanza, or part of the negotiation. */
  element(element: Element): unknown
  /** The closing tag of the stream. */
  end(): unknown
}

/**
 * A parser for one XML stream, fed with its pieces: XML declaration, header, stanzas, end tag, each whole. The library
 * loses the thread where a declaration is cut, and takes time in the square of the fragments of a text.
 */
export interface StreamParser {
  /**
   * Tells the events of `text`, up to where it stops being well-formed. What a listener throws comes through as it is.
   *
   * @throws SyntaxError when the text is not well-formed, and ever after
   */
  write(text: string): void
}

/**
 * Starts a parser for an XML stream (RFC 6120 §4). It checks well-formedness only as far as it must to build
 * elements; sizes, depth, tags and forbidden constructs are for whoever feeds it.
 */
export function startStreamParser(events: StreamParserEvents): StreamParser {
  const parser = new Parser()
  let header: Element | undefined
  let isOver = false
  let failure: SyntaxError | undefined
  let text = ''
  // The library tells of elements while it parses; a listener that throws there would look like bad XML.
  const heard: (() => unknown)[] = []
  const hear = (tell: () => unknown) => {
    if (!failure && !isOver) heard.push(tell)
  }
  const fail = (error: Error) => {
    failure ??= new SyntaxError(`the stream is not well-formed: ${error.message}`, { cause: error })
  }
  parser.on('start', (element: Element) => {
    header = element
    hear(() => events.start(element))
  })
  parser.on('element', (element: Element) => {
    cutOff(element, text)
    hear(() => events.element(element))
  })
  parser.on('end', () => {
    hear(() => events.end())
    isOver = true
  })
  parser.on('error', fail)
  return {
    write(piece) {
      if (failure) throw failure
      text = piece
      try {
        parser.write(piece)
      } catch (error) {
        fail(error as Error)
      }
      text = ''
      // The library keeps the text between stanzas for ever.
      if (header) header.children.length = 0
      for (const tell of heard.splice(0)) tell()
      if (failure) throw failure
    },
  }
}

/** @returns the one element in `text`; meant for examples and tests, where the text is known to be sound */
export function parseElement(text: string): Element {
  let root: Element | undefined
  const parser = startStreamParser({
    start: () => {},
    element: (element) => {
      root = element
    },
    end: () => {},
  })
  parser.write(`<stream>${text}`)
  if (!root) throw new SyntaxError(`no complete element in "${text.slice(0, 100)}"`)
  root.parent = null
  return root
}
