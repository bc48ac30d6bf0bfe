import { BytestreamError, prepareJid } from '../core/index.ts'
import { attribute, type Element } from './element.ts'

/** Characters of one identifier, address or text. */
export const CHARACTERS_MAX = 4096

/**
 * @returns the value of an attribute that is kept or repeated; `undefined` where there is none, or it is empty
 * @throws BytestreamError `ERR_BAD_REQUEST` when it is too long to be kept
 */
export function boundedAttribute(element: Element, name: string): string | undefined {
  return bounded(attribute(element, name), name)
}

/** @throws BytestreamError `ERR_BAD_REQUEST` without that attribute, or when it is too long to be kept */
export function requiredAttribute(element: Element, name: string): string {
  const value = boundedAttribute(element, name)
  if (!value) throw new BytestreamError('ERR_BAD_REQUEST', `the ${element.getName()} element lacks its ${name}`)
  return value
}

/**
 * @returns a JID, prepared; `undefined` where there is none
 * @throws BytestreamError `ERR_JID_MALFORMED`
 */
export function jidAttribute(element: Element, name: string): string | undefined {
  const jid = attribute(element, name)
  return jid ? prepareJid(jid) : undefined
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for a value that is none of `values` */
export function chosenAttribute<T extends string>(element: Element, name: string, values: readonly T[]): T | undefined {
  const value = attribute(element, name)
  if (value === undefined) return undefined
  const chosen = values.find((one) => one === value)
  if (!chosen) throw new BytestreamError('ERR_BAD_REQUEST', `${name} is none of ${values.join(', ')}`)
  return chosen
}

/** @throws BytestreamError `ERR_BAD_REQUEST` without a namespace, or when it is too long to be kept */
export function namespaceOf(element: Element): string {
  const xmlns = bounded(element.getNS(), 'namespace')
  if (!xmlns) throw new BytestreamError('ERR_BAD_REQUEST', `the ${element.getName()} element lacks its namespace`)
  return xmlns
}

/** @throws BytestreamError `ERR_BAD_REQUEST` when the text of the child is too long to be kept */
export function boundedText(parent: Element, name: string, xmlns = parent.getNS()): string | undefined {
  return bounded(childText(parent, name, xmlns), name)
}

/** A text for people, cut where it is too long to be kept. */
export function shortenedText(parent: Element, name: string): string | undefined {
  return childText(parent, name, parent.getNS())?.slice(0, CHARACTERS_MAX)
}

/** An attribute for people, cut where it is too long to be kept. */
export function shortenedAttribute(element: Element, name: string): string | undefined {
  return attribute(element, name)?.slice(0, CHARACTERS_MAX) || undefined
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for what is no whole number from 0 to `max` */
export function wholeNumber(digits: string | undefined, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  if (digits === undefined) return undefined
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
  if (!(value <= max)) throw new BytestreamError('ERR_BAD_REQUEST', `${name} is no whole number from 0 to ${max}`)
  return value
}

/** A boolean as XML Schema writes them, and XEP-0004 §3.3 with it; `undefined` for what is none. */
export function parseBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : undefined
}

function childText(parent: Element, name: string, xmlns: string | undefined): string | undefined {
  return parent.getChildText(name, xmlns) || undefined
}

function bounded(value: string | undefined, name: string): string | undefined {
  if (value && value.length > CHARACTERS_MAX) {
    throw new BytestreamError('ERR_BAD_REQUEST', `${name} has more than ${CHARACTERS_MAX} characters`)
  }
  return value || undefined
}
