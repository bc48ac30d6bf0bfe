import { CHARACTERS_MAX } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/**
 * Asks in a message, which has an id, to be told that it was received.
 *
 * ```xml
 * <request xmlns='urn:xmpp:receipts'/>
 * ```
 * @see XEP-0184 §7
 */
export function buildReceiptRequest(): Element {
  return xml('request', { xmlns: NS.receipts })
}

/** @returns the id to acknowledge; `undefined` where nobody asks, and in a receipt, whatever is beside it (XEP-0184 §5.4) */
export function parseReceiptRequest(message: Element): string | undefined {
  const isAsked = message.getChild('request', NS.receipts) && !message.getChild('received', NS.receipts)
  return isAsked ? idOf(message) : undefined
}

/**
 * ```xml
 * <received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>
 * ```
 * @see XEP-0184 §7
 */
export function buildReceipt(id: string): Element {
  return xml('received', { xmlns: NS.receipts, id })
}

/** @returns the id of the message that was received; `undefined` for a message that tells of none */
export function parseReceipt(message: Element): string | undefined {
  const received = message.getChild('received', NS.receipts)
  return received && idOf(received)
}

/** None where it is too long to be one of ours. */
function idOf(element: Element): string | undefined {
  const id = attribute(element, 'id')
  return id && id.length <= CHARACTERS_MAX ? id : undefined
}
