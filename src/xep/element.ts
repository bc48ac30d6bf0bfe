import createElement, { type Element, Parser } from '@xmpp/xml'

export type { Element }

/** Attributes of an element; `undefined` leaves one out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>

/** What XML 1.0 §2.2 cannot carry in any form: control characters, lone surrogates, two non-characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSPEAKABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** `text` with every character that XML cannot carry replaced by U+FFFD. */
export function toXmlText(text: string): string {
  return text.replace(UNSPEAKABLE, '\ufffd')
}

/** Builds an element. Text is escaped when it is written; what XML cannot carry becomes U+FFFD. */
export function xml(name: string, attributes: Attributes = {}, ...children: (Element | string | undefined)[]): Element {
  const attrs: Record<string, string> = {}
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) attrs[key] = toXmlText(String(value))
  }
  return createElement(
    name,
    attrs,
    ...children.filter((child) => child !== undefined).map((child) => (typeof child === 'string' ? toXmlText(child) : child)),
  )
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

/** A parser for one XML stream, fed with text in any pieces. */
export interface StreamParser {
  /** @throws Error when the text is not well-formed */
  write(text: string): void
}

/**
 * Starts a parser for an XML stream (RFC 6120 §4). It checks well-formedness only as far as it must to build
 * elements; sizes, depth and forbidden constructs are for whoever feeds it.
 */
export function startStreamParser(events: StreamParserEvents): StreamParser {
  const parser = new Parser()
  let failure: Error | undefined
  parser.on('start', (header: Element) => events.start(header))
  parser.on('element', (element: Element) => events.element(element))
  parser.on('end', () => events.end())
  parser.on('error', (error: Error) => {
    failure ??= error
  })
  return {
    write(text) {
      parser.write(text)
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
