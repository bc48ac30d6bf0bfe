import { type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** What an entity tells of itself to whoever has it in a list of contacts. */
export interface Vcard {
  readonly fullName: string
  readonly description?: string | undefined
}

/**
 * ```xml
 * <vCard xmlns='vcard-temp'><FN>Nightly builds</FN><DESC>Each night at three.</DESC></vCard>
 * ```
 * @see XEP-0054 §3.1
 */
export function buildVcard({ fullName, description }: Vcard): Element {
  return xml('vCard', { xmlns: NS.vcard }, xml('FN', {}, fullName), description ? xml('DESC', {}, description) : undefined)
}
