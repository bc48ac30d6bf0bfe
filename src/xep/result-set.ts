import { BytestreamError } from '../core/index.ts'
import { boundedText, wholeNumber } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** Which part of a list is asked for (XEP-0059 §2); without any bound, all of it that fits into one answer. */
export interface PageRequest {
  /** How many, at most; 0 asks for the count alone. */
  readonly max?: number | undefined
  /** What comes after the one of this id. */
  readonly after?: string | undefined
  /** What comes before the one of this id; empty for the last page. */
  readonly before?: string | undefined
  /** What comes from this position on, the first of all being 0. */
  readonly index?: number | undefined
}

/** Which part of a list an answer holds. */
export interface Page {
  /** The id of the first one of this page, and of the last; none where the page is empty. */
  readonly first?: string | undefined
  readonly last?: string | undefined
  /** The position of the first one in all of them. */
  readonly index?: number | undefined
  /** How many there are in all, perhaps roughly. */
  readonly count?: number | undefined
}

/** A child with a text; nothing where there is none. */
function child(name: string, text: string | number | undefined): Element | undefined {
  return text === undefined ? undefined : xml(name, {}, String(text))
}

/**
 * ```xml
 * <set xmlns='http://jabber.org/protocol/rsm'>
 *   <max>10</max>
 *   <after>peterpan@neverland.lit</after>
 * </set>
 * ```
 * @see XEP-0059 §2
 */
export function buildPageRequest({ max, after, before, index }: PageRequest): Element {
  return xml('set', { xmlns: NS.resultSets }, child('max', max), child('after', after), child('before', before), child('index', index))
}

/**
 * Reads which page is asked for beside, or inside, `parent`'s other children.
 *
 * @throws BytestreamError `ERR_BAD_REQUEST` for several of them, for numbers that are none, and for an id that is too long
 *   or in more than one direction
 */
export function parsePageRequest(parent: Element): PageRequest | undefined {
  const [set, ...others] = parent.getChildren('set', NS.resultSets)
  if (!set) return undefined
  if (others.length > 0) throw new BytestreamError('ERR_BAD_REQUEST', 'two pages are asked for at once')
  const has = (name: string) => set.getChild(name, NS.resultSets) !== undefined
  if (['after', 'before', 'index'].filter(has).length > 1) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a page is after, before or at one place')
  }
  const number = (name: string) => (has(name) ? wholeNumber(set.getChildText(name, NS.resultSets)?.trim(), name) : undefined)
  return {
    max: number('max'),
    after: boundedText(set, 'after'),
    before: has('before') ? (boundedText(set, 'before') ?? '') : undefined,
    index: number('index'),
  }
}

/**
 * ```xml
 * <set xmlns='http://jabber.org/protocol/rsm'>
 *   <first index='0'>stpeter@jabber.org</first>
 *   <last>peterpan@neverland.lit</last>
 *   <count>800</count>
 * </set>
 * ```
 * @see XEP-0059 §2.2
 */
export function buildPage({ first, last, index, count }: Page): Element {
  return xml(
    'set',
    { xmlns: NS.resultSets },
    first === undefined ? undefined : xml('first', { index }, first),
    child('last', last),
    child('count', count),
  )
}

/** What an answer says of its page; numbers that are none count as not said. */
export function parsePage(parent: Element): Page | undefined {
  const set = parent.getChild('set', NS.resultSets)
  if (!set) return undefined
  const text = (name: string) => set.getChildText(name, NS.resultSets) ?? undefined
  const number = (digits: string | undefined) => (digits && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined)
  const first = set.getChild('first', NS.resultSets)
  return {
    first: text('first'),
    last: text('last'),
    index: number(first && attribute(first, 'index')),
    count: number(text('count')?.trim()),
  }
}
