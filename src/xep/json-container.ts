import { BytestreamError } from '../core/index.ts'
import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | JsonContent

/** A whole text of JSON: RFC 4627 §2, which XEP-0335 names, has no others. */
export type JsonContent = readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** Characters that JSON may hold as they are, and XML may not. */
const toEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16)}`

/** JSON that XML carries unchanged. */
export function writeJson(value: JsonContent): string {
  return JSON.stringify(value).replace(/[\ufffe\uffff]/g, toEscape)
}

/**
 * It goes into an element that says what it is (XEP-0335 §4).
 *
 * ```xml
 * <json xmlns='urn:xmpp:json:0'>{"name":"romeo"}</json>
 * ```
 * @see XEP-0335 §3
 */
export function buildJson(value: JsonContent): Element {
  return xml('json', { xmlns: NS.json }, writeJson(value))
}

/** @throws BytestreamError `ERR_BAD_REQUEST` for another element, and for what is no JSON, or neither an object nor an array (RFC 4627) */
export function parseJson(json: Element): JsonContent {
  const value = json.is('json', NS.json) && json.getChildElements().length === 0 ? read(json.text()) : undefined
  if (typeof value !== 'object' || value === null) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'a JSON container holds an object or an array (RFC 4627)')
  }
  return value
}

function read(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'what a JSON container holds is no JSON', { cause: error })
  }
}
