import type { StanzaErrorEntry } from '../core/index.ts'
import { type Element, xml } from '../xep/index.ts'

/** Hands a stanza to whoever `to` is; `from` and `to` are stamped. */
export type Deliver = (stanza: Element) => void

/** Tells the sender of a stanza that it went nowhere, unless nobody wants to know (RFC 6120 §8.3.1). */
export type Bounce = (stanza: Element, reason: StanzaErrorEntry, text?: string) => void

/** The same stanza between other addresses. Its content is shared, not copied. */
export function readdress(stanza: Element, from: string, to: string): Element {
  const copy = xml(stanza.name, { ...stanza.attrs, from, to })
  copy.children = stanza.children
  return copy
}

/** Nobody there, or nobody who would (RFC 6120 §8.3.3.19). */
export const serviceUnavailable = { type: 'cancel', condition: 'service-unavailable' } as const satisfies StanzaErrorEntry

export const badRequest = { type: 'modify', condition: 'bad-request' } as const satisfies StanzaErrorEntry
