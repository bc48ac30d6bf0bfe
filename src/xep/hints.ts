import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What servers on the way are asked to do with a message (XEP-0334 §4). */
export type Hint = 'no-copy' | 'no-permanent-store' | 'no-store' | 'store'

/**
 * ```xml
 * <no-store xmlns='urn:xmpp:hints'/>
 * ```
 * @see XEP-0334 §4
 */
export function buildHint(hint: Hint): Element {
  return xml(hint, { xmlns: NS.hints })
}
