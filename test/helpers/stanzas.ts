import type { ExecutionContext } from 'ava'
import { type Element, NS, parseElement } from '../../src/xep/index.ts'

/**
 * An element as it is meant: prefixes, quotes, the order of attributes and white space between elements do not count,
 * and neither does the language, which servers add (RFC 6120 §8.1.5).
 */
interface Meaning {
  readonly name: string
  /** Empty for the content of a stream, whichever namespace the stream has. */
  readonly xmlns: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly Meaning[]
}

const CONTENT: readonly string[] = [NS.client, NS.component]

function meaningOf(element: Element): Meaning {
  const xmlns = element.getNS() ?? ''
  const attributes = Object.entries(element.attrs as Record<string, unknown>)
    .filter(([name]) => name !== 'xmlns' && !name.startsWith('xmlns:') && name !== 'xml:lang')
    .map(([name, value]) => [name, String(value)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
  const children = element.getChildElements()
  return {
    name: element.getName(),
    xmlns: CONTENT.includes(xmlns) ? '' : xmlns,
    attributes: Object.fromEntries(attributes),
    // White space between elements is for readers; around text it may be meant.
    text: children.length > 0 ? element.text().trim() : element.text(),
    children: children.map(meaningOf),
  }
}

/** Whether `whole` says everything `part` does: more attributes and children, in another order, are allowed. */
function says(whole: Meaning, part: Meaning): boolean {
  const { attributes, children } = part
  if (whole.name !== part.name || whole.xmlns !== part.xmlns) return false
  if (part.text !== '' && whole.text !== part.text) return false
  if (Object.entries(attributes).some(([name, value]) => whole.attributes[name] !== value)) return false
  return children.every((child) => whole.children.some((candidate) => says(candidate, child)))
}

/** Asserts that `actual` means the same as the XML in `expected`. */
export function sameStanza(t: ExecutionContext, actual: Element, expected: string): void {
  t.deepEqual(meaningOf(actual), meaningOf(parseElement(expected)))
}

/** Asserts that `actual` says everything the XML in `expected` does. */
export function stanzaSays(t: ExecutionContext, actual: Element, expected: string): void {
  const [whole, part] = [meaningOf(actual), meaningOf(parseElement(expected))]
  if (says(whole, part)) t.pass()
  else t.deepEqual(whole, part)
}
