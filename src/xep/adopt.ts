import { attribute, type Element } from './element.ts'

/**
 * One part of a name. XML allows far more letters than ASCII's, but not every parser the same ones; no protocol uses
 * them, so a stanza with such a name goes no further.
 */
const PART = /^[A-Za-z_][\w.-]*$/
const XML = 'http://www.w3.org/XML/1998/namespace'
const XMLNS = 'http://www.w3.org/2000/xmlns/'

type Scope = ReadonlyMap<string, string>

/** The prefixes `element` declares, on top of those in `scope`; `undefined` where it declares what nobody may. */
function declare(element: Element, scope: Scope): Scope | undefined {
  const declared = new Map(scope)
  for (const name of Object.keys(element.attrs)) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue
    const prefix = name.slice('xmlns:'.length)
    const value = attribute(element, name) ?? ''
    if (value === XMLNS || prefix === 'xmlns' || (value === XML) !== (prefix === 'xml') || (prefix && !value)) return undefined
    if (prefix) declared.set(prefix, value)
  }
  return declared
}

/** Whether `name` has one prefix at most, and that one a namespace. */
function isBound(name: string, scope: Scope): boolean {
  const [first = '', second, ...others] = name.split(':')
  if (others.length > 0 || !PART.test(first)) return false
  return second === undefined || (PART.test(second) && (first === 'xml' || scope.has(first)))
}

function isSound(element: Element, outer: Scope): boolean {
  const scope = declare(element, outer)
  if (!scope || !isBound(element.name, scope)) return false
  const seen = new Set<string>()
  for (const name of Object.keys(element.attrs)) {
    if (name.startsWith('xmlns:') ? !PART.test(name.slice('xmlns:'.length)) : !isBound(name, scope)) return false
    const colon = name.indexOf(':')
    const expanded = colon === -1 ? name : `{${scope.get(name.slice(0, colon))}}${name.slice(colon + 1)}`
    if (seen.has(expanded)) return false
    seen.add(expanded)
  }
  return element.getChildElements().every((child) => isSound(child, scope))
}

/** Leaves out `xmlns` where it only repeats the stream's own: in another stream it would mean something else. */
function inherit(element: Element, xmlns: string): void {
  const own = attribute(element, 'xmlns')
  if (own !== undefined && own !== xmlns) return
  delete element.attrs['xmlns']
  for (const child of element.getChildElements()) inherit(child, xmlns)
}

/**
 * Makes a stanza of one stream fit to be written into another, whose parser may be stricter than ours: one bad name
 * would end the stream of whoever receives it. Prefixes the stream's header declared move to the stanza.
 *
 * @param header of the stream it came from
 * @returns whether it is namespace-well-formed; if not, the stream is to be ended with not-well-formed
 * @see RFC 6120 §4.8, §11.2; Namespaces in XML 1.0
 */
export function adoptStanza(stanza: Element, header: Element): boolean {
  const scope = declare(header, new Map())
  if (!scope || !isSound(stanza, scope)) return false
  inherit(stanza, attribute(header, 'xmlns') ?? '')
  const text = stanza.toString()
  for (const [prefix, xmlns] of scope) {
    const isUsed = text.includes(`<${prefix}:`) || text.includes(` ${prefix}:`)
    if (isUsed && !(`xmlns:${prefix}` in stanza.attrs)) stanza.attrs[`xmlns:${prefix}`] = xmlns
  }
  return true
}
