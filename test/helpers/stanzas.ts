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

/** What names in braces stand for: what the other side made up, since it was there first; `{_}` is anything, each time. */
export type Found = Map<string, string>

/** A text with what was found in place of names. */
export const filledIn = (text: string, found: Found): string => text.replaceAll(/\{(\w+)\}/g, (name, key) => found.get(key) ?? name)

function isLike(actual: string | undefined, expected: string, found: Found): boolean {
  const name = /^\{(\w+)\}$/.exec(expected)?.[1]
  if (name === undefined || !actual) return actual === expected
  if (name === '_') return true
  if (!found.has(name)) found.set(name, actual)
  return found.get(name) === actual
}

/** An element that holds `<etc/>` may have more than the others, in any order; texts of errors are for people. */
function fits(actual: Meaning, expected: Meaning, found: Found): boolean {
  if (actual.name !== expected.name || actual.xmlns !== expected.xmlns || !isLike(actual.text, expected.text, found)) return false
  const names = [...new Set([...Object.keys(actual.attributes), ...Object.keys(expected.attributes)])]
  if (!names.every((name) => isLike(actual.attributes[name], expected.attributes[name] ?? '', found))) return false
  const children = actual.children.filter(({ name, xmlns }) => name !== 'text' || xmlns !== NS.stanzas)
  const wanted = expected.children.filter(({ name }) => name !== 'etc')
  if (wanted.length < expected.children.length) return wanted.every((each) => children.some((child) => fits(child, each, found)))
  return children.length === wanted.length && children.every((child, at) => fits(child, wanted[at] as Meaning, found))
}

/** Asserts that `actual` is what the XML in `expected` leaves open, or the same. */
export function stanzaFits(t: ExecutionContext, actual: Element, expected: string, found: Found, message?: string): void {
  const [whole, pattern] = [meaningOf(actual), meaningOf(parseElement(expected))]
  if (fits(whole, pattern, found)) t.pass()
  else t.deepEqual(whole, pattern, message)
}
