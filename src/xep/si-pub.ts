import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, jidAttribute, requiredAttribute } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildSiFile, parseSiFile, type SiFile } from './si-file-transfer.ts'
import { payloadOf } from './stream-initiation.ts'

/** A file its owner would send by stream initiation to whoever asks for it. */
export interface SiPub {
  /** The JID of the owner. */
  readonly from?: string | undefined
  /** Which of the owner's; the transfer has another id (XEP-0137 §4.1). */
  readonly id: string
  readonly mimeType?: string | undefined
  readonly file: SiFile
}

/**
 * ```xml
 * <sipub xmlns='http://jabber.org/protocol/sipub' from='ci@example.org/builds' id='publish-0123'
 *        mime-type='application/pdf' profile='http://jabber.org/protocol/si/profile/file-transfer'>
 *   <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='NDA.pdf' size='138819'/>
 * </sipub>
 * ```
 * @see XEP-0137 §3.1
 */
export function buildSiPub({ from, id, mimeType, file }: SiPub): Element {
  return xml('sipub', { xmlns: NS.siPub, from, id, 'mime-type': mimeType, profile: NS.siFileTransfer }, buildSiFile(file))
}

/**
 * @param sender whose it is where it does not say: inside a message that of the message
 * @throws BytestreamError `ERR_BAD_REQUEST` without an id, and for hashes that are none, `ERR_BAD_PROFILE` for what is no file,
 *   `ERR_JID_MALFORMED`
 */
export function parseSiPub(pub: Element, sender?: string): SiPub {
  const file = payloadOf(pub, NS.siFileTransfer)
  if (!pub.is('sipub', NS.siPub) || attribute(pub, 'profile') !== NS.siFileTransfer || !file) {
    throw new BytestreamError('ERR_BAD_PROFILE', 'a published stream initiation is of a file here')
  }
  return {
    from: jidAttribute(pub, 'from') ?? sender,
    id: requiredAttribute(pub, 'id'),
    mimeType: boundedAttribute(pub, 'mime-type'),
    file: parseSiFile(file),
  }
}
