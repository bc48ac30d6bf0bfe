import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** Why a stream ends (RFC 6120 §4.9). */
export interface StreamErrorReason {
  /** A defined condition of RFC 6120 §4.9.3, such as `conflict`. */
  readonly condition: string
  readonly text: string
}

/** @see RFC 6120 §4.9.2 */
export function buildStreamError({ condition, text }: StreamErrorReason): Element {
  return xml('stream:error', {}, xml(condition, { xmlns: NS.streams }), text ? xml('text', { xmlns: NS.streams }, text) : undefined)
}

/** @returns `undefined` when `element` is no stream error */
export function parseStreamError(element: Element): StreamErrorReason | undefined {
  if (!element.is('error', NS.stream)) return undefined
  const text = element.getChildText('text', NS.streams) ?? ''
  const condition = element.getChildElements().find((child) => child.getNS() === NS.streams && child.getName() !== 'text')
  return { condition: condition?.getName() ?? 'undefined-condition', text }
}
