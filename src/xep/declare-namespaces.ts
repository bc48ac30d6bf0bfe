import { attribute, type Element } from './element.ts'

/** Elements one inside the other. Streams end deeper ones before they get here. */
const DEPTH_MAX = 64
/** Prefixes in scope inside, and again those that come from outside. Looking one up takes time in their number. */
const PREFIXES_MAX = 64

/** One prefix at most, and something on both sides of its colon. */
const NAME = /^[^:]+(?::[^:]+)?$/

/** What declarations must not say: a prefix stands for nothing, or one that is taken for something else (Namespaces §3, §5). */
const isReserved = (prefix: string, xmlns: string | undefined) => !xmlns || prefix === 'xmlns' || prefix === 'xml'

/** Adds to `used` the prefixes inside `element` that nothing inside declares. @returns `false` where it is too deep, or no XML with namespaces */
function findPrefixes(element: Element, declared: readonly string[], used: Set<string>, depth: number): boolean {
  if (depth > DEPTH_MAX) return false
  const names = Object.keys(element.attrs)
  const inner = names.some(isDeclaration) ? withDeclared(element, names, declared) : declared
  if (inner === undefined || inner.length > PREFIXES_MAX) return false
  if (!isSound(element.name, inner, used)) return false
  for (const name of names) if (!isSound(name, inner, used)) return false
  if (used.size > PREFIXES_MAX) return false
  for (const child of element.children) {
    if (typeof child === 'object' && !findPrefixes(child, inner, used, depth + 1)) return false
  }
  return true
}

const isDeclaration = (name: string) => name.startsWith('xmlns:')

/** @returns `undefined` where what is declared must not be */
function withDeclared(element: Element, names: readonly string[], declared: readonly string[]): readonly string[] | undefined {
  const own = names.filter(isDeclaration).map((name) => name.slice('xmlns:'.length))
  return own.some((prefix) => isReserved(prefix, attribute(element, `xmlns:${prefix}`))) ? undefined : [...declared, ...own]
}

/** Adds to `used` the prefix of a name, where it is not declared. Nearly no name has one. @returns whether it is a name */
function isSound(name: string, declared: readonly string[], used: Set<string>): boolean {
  if (!name.includes(':')) return name !== ''
  if (!NAME.test(name)) return false
  const prefix = name.slice(0, name.indexOf(':'))
  if (prefix !== 'xmlns' && prefix !== 'xml' && !declared.includes(prefix)) used.add(prefix)
  return true
}

/** What an attribute is where `element` stands: its own, or that of the nearest element around it. */
function inherited(element: Element, name: string): string | undefined {
  for (let around: Element | null = element; around; around = around.parent) {
    const value = attribute(around, name)
    if (value !== undefined) return value
  }
  return undefined
}

/**
 * Lets `element`, which it changes, declare each namespace that it has from the elements around it, so that it means the
 * same anywhere else.
 *
 * @returns `false` where that cannot be: a prefix stands for nothing, a name has two, or there are too many, or elements too
 * deep inside one another
 * @see Namespaces in XML 1.0 §6
 */
export function declareNamespaces(element: Element): boolean {
  const used = new Set<string>()
  if (!findPrefixes(element, [], used, 1)) return false
  for (const name of ['xmlns', ...[...used].map((prefix) => `xmlns:${prefix}`)]) {
    const xmlns = inherited(element, name)
    if (xmlns === undefined && name !== 'xmlns') return false
    element.attrs[name] = xmlns ?? ''
  }
  return true
}
