import { attribute, type Element } from './element.ts'

/**
 * One part of a name. XML allows far more letters than ASCII's, but not every parser the same ones; no protocol uses
 * them, so a stanza with such a name goes no further.
 */
const PART = /^[A-Za-z_][\w.-]*$/
const XML = 'http://www.w3.org/XML/1998/namespace'
const XMLNS = 'http://www.w3.org/2000/xmlns/'
/** Prefixes that may be in scope, those of the header and those of the stanza counted apart; protocols use a handful. */
const PREFIXES_MAX = 64

type Scope = ReadonlyMap<string, string>

const NOTHING: Scope = new Map()

/** The prefixes `element` declares, on top of those in `scope`; `undefined` where it declares what nobody may, or too many. */
function declare(element: Element, scope: Scope): Scope | undefined {
  let declared: Map<string, string> | undefined
  for (const name of Object.keys(element.attrs)) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue
    const prefix = name.slice('xmlns:'.length)
    const value = attribute(element, name) ?? ''
    if (value === XMLNS || prefix === 'xmlns' || (value === XML) !== (prefix === 'xml') || (prefix && !value)) return undefined
    if (!prefix || prefix === 'xml') continue
    declared ??= new Map(scope)
    declared.set(prefix, value)
    if (declared.size > PREFIXES_MAX) return undefined
  }
  return declared ?? scope
}

/** One stanza being looked at. */
interface Look {
  /** The prefixes the stream's header declares. */
  readonly outer: Scope
  /** Which of them the stanza uses. */
  readonly used: Set<string>
}

/** The namespace `prefix` stands for, if there is one. */
function resolve(prefix: string, inner: Scope, { outer, used }: Look): string | undefined {
  if (prefix === 'xml') return XML
  const declared = inner.get(prefix)
  if (declared !== undefined) return declared
  const inherited = outer.get(prefix)
  if (inherited !== undefined) used.add(prefix)
  return inherited
}

/** The name with its namespace in place of its prefix; `undefined` unless it has one prefix at most, and that one a namespace. */
function expand(name: string, inner: Scope, look: Look): string | undefined {
  const [first = '', second, ...others] = name.split(':')
  if (others.length > 0 || !PART.test(first)) return undefined
  if (second === undefined) return name
  const xmlns = PART.test(second) ? resolve(first, inner, look) : undefined
  return xmlns && `{${xmlns}}${second}`
}

/** @param outer the prefixes the elements around it declare, up to the stanza */
function isSound(element: Element, outer: Scope, look: Look): boolean {
  const scope = declare(element, outer)
  if (!scope || !expand(element.name, scope, look)) return false
  const seen = new Set<string>()
  for (const name of Object.keys(element.attrs)) {
    if (name.startsWith('xmlns:')) {
      if (!PART.test(name.slice('xmlns:'.length))) return false
      continue
    }
    const expanded = expand(name, scope, look)
    if (!expanded || seen.has(expanded)) return false
    seen.add(expanded)
  }
  return element.getChildElements().every((child) => isSound(child, scope, look))
}

/** Leaves out `xmlns` where it only repeats the stream's own: in another stream it would mean something else. */
function inherit(element: Element, xmlns: string): void {
  const own = attribute(element, 'xmlns')
  if (own !== undefined && own !== xmlns) return
  delete element.attrs['xmlns']
  for (const child of element.getChildElements()) inherit(child, xmlns)
}

/**
 * Makes the stanzas of one stream fit to be written into another, whose parser may be stricter than ours: one bad name
 * would end the stream of whoever receives it. Prefixes the stream's header declared move to the stanza. The header is
 * read once, and what a stanza takes grows with its own size only.
 *
 * @param header of the stream they come from
 * @returns tells of a stanza, which it changes, whether it is namespace-well-formed and has no more than 64 prefixes; if
 * not, the stream is to be ended with not-well-formed
 * @see RFC 6120 §4.8, §11.2; Namespaces in XML 1.0
 */
export function startAdopting(header: Element): (stanza: Element) => boolean {
  const outer = declare(header, NOTHING)
  const xmlns = attribute(header, 'xmlns') ?? ''
  return (stanza) => {
    if (!outer) return false
    const used = new Set<string>()
    if (!isSound(stanza, NOTHING, { outer, used })) return false
    inherit(stanza, xmlns)
    for (const prefix of used) stanza.attrs[`xmlns:${prefix}`] = outer.get(prefix)
    return true
  }
}
