import { formatDateTime, parseDateTime } from './date-time.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** When something was first sent, where it comes late (XEP-0203 §4). */
export interface Delay {
  /** Milliseconds since 1970; on the wire to the second. */
  readonly stampMs: number
  readonly from?: string | undefined
}

/**
 * ```xml
 * <delay xmlns='urn:xmpp:delay' stamp='2003-12-13T23:58:37Z'/>
 * ```
 * @see XEP-0203 §4
 */
export function buildDelay({ stampMs, from }: Delay): Element {
  return xml('delay', { xmlns: NS.delay, from, stamp: formatDateTime(stampMs) })
}

/** How late a stanza is; `undefined` where it does not say. */
export function parseDelay(stanza: Element): Delay | undefined {
  const delay = stanza.getChild('delay', NS.delay)
  const stampMs = delay && parseDateTime(attribute(delay, 'stamp') ?? '')
  return stampMs === undefined ? undefined : { stampMs, from: delay && attribute(delay, 'from') }
}
