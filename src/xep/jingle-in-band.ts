import { BytestreamError } from '../core/index.ts'
import { chosenAttribute, requiredAttribute, wholeNumber } from './bounded.ts'
import { type Element, xml } from './element.ts'
import { BLOCK_SIZE_LARGEST } from './ibb.ts'
import { NS } from './namespaces.ts'

/** In-band bytestreams as the transport of a content, with blocks in IQ stanzas. */
export interface JingleInBand {
  readonly kind: 'inBand'
  /** Of the in-band bytestream, not of the session. */
  readonly sid: string
  /** Octets of one block at most, before they become Base64. */
  readonly blockSize: number
}

/**
 * ```xml
 * <transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' sid='ch3d9s71'/>
 * ```
 * @see XEP-0261 §2.2
 */
export function buildJingleInBand({ sid, blockSize }: JingleInBand): Element {
  return xml('transport', { xmlns: NS.jingleInBand, 'block-size': blockSize, sid })
}

/**
 * @returns `undefined` for blocks in message stanzas, which are another transport, and none of ours
 * @throws BytestreamError `ERR_BAD_REQUEST` without a sid, without a block size of 1 to 65535, or for stanzas nobody knows
 * @see XEP-0261 §2.2
 */
export function parseJingleInBand(transport: Element): JingleInBand | undefined {
  const sid = requiredAttribute(transport, 'sid')
  const blockSize = wholeNumber(requiredAttribute(transport, 'block-size'), 'block-size', BLOCK_SIZE_LARGEST)
  const stanza = chosenAttribute(transport, 'stanza', ['iq', 'message'])
  if (!blockSize) throw new BytestreamError('ERR_BAD_REQUEST', 'block-size is 0')
  return stanza === 'message' ? undefined : { kind: 'inBand', sid, blockSize }
}
