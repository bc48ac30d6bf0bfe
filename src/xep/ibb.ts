import { BytestreamError } from '../core/index.ts'
import { decodeBase64 } from './base64.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** XEP-0047 §2.1: `block-size` is an unsigned 16-bit number. */
export const BLOCK_SIZE_LARGEST = 65_535
/** XEP-0047 §2.2: so many, from 0 on, before they begin again at 0. */
export const SEQUENCE_NUMBERS = 65_536

/** What the initiator asks for. */
export interface InBandOpen {
  readonly sid: string
  /** Octets of one block at most, before they become Base64. */
  readonly blockSize: number
  /** Which stanzas are to carry the blocks. */
  readonly stanza?: 'iq' | 'message'
}

/** One block. */
export interface InBandData {
  readonly sid: string
  /** Counts the blocks of one direction. */
  readonly seq: number
  readonly octets: Buffer
}

/**
 * ```xml
 * <open xmlns='http://jabber.org/protocol/ibb' block-size='4096' sid='i781hf64' stanza='iq'/>
 * ```
 * @see XEP-0047 §2.1
 */
export function buildInBandOpen({ sid, blockSize, stanza = 'iq' }: InBandOpen): Element {
  return xml('open', { xmlns: NS.inBand, 'block-size': blockSize, sid, stanza })
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` without a sid, without a block size of 1 to 65535, or for stanzas nobody knows
 * @see XEP-0047 §2.1
 */
export function parseInBandOpen(open: Element): Required<InBandOpen> {
  const sid = attribute(open, 'sid')
  const blockSize = unsignedShort(attribute(open, 'block-size'))
  const stanza = attribute(open, 'stanza') ?? 'iq'
  if (!sid) throw new BytestreamError('ERR_BAD_REQUEST', 'the open element lacks its sid')
  if (!blockSize) throw new BytestreamError('ERR_BAD_REQUEST', `block-size is not a number from 1 to ${BLOCK_SIZE_LARGEST}`)
  if (stanza !== 'iq' && stanza !== 'message') throw new BytestreamError('ERR_BAD_REQUEST', 'stanza is neither iq nor message')
  return { sid, blockSize, stanza }
}

/**
 * ```xml
 * <data xmlns='http://jabber.org/protocol/ibb' seq='0' sid='i781hf64'>qANQR1DBwU4DX7jmYZnncg==</data>
 * ```
 * @see XEP-0047 §2.2
 */
export function buildInBandData({ sid, seq, octets }: InBandData): Element {
  return xml('data', { xmlns: NS.inBand, seq, sid }, octets.toString('base64'))
}

/**
 * @throws BytestreamError `ERR_IN_BAND_DATA` without a sid or a sequence number, or with anything but Base64 inside
 * @see XEP-0047 §2.2, §6
 */
export function parseInBandData(data: Element): InBandData {
  const sid = attribute(data, 'sid')
  const seq = unsignedShort(attribute(data, 'seq'))
  const octets = data.getChildElements().length === 0 ? decodeBase64(data.text()) : undefined
  if (!sid) throw new BytestreamError('ERR_IN_BAND_DATA', 'the data element lacks its sid')
  if (seq === undefined) throw new BytestreamError('ERR_IN_BAND_DATA', `seq is not a number from 0 to ${SEQUENCE_NUMBERS - 1}`)
  if (!octets) throw new BytestreamError('ERR_IN_BAND_DATA', 'the data is not Base64 as RFC 4648 §4 defines it')
  return { sid, seq, octets }
}

/** @returns the block a message brings, as §4 of XEP-0047 has it, not yet read; `undefined` for any other message */
export function messageData(message: Element): Element | undefined {
  return message.getChild('data', NS.inBand)
}

/**
 * ```xml
 * <close xmlns='http://jabber.org/protocol/ibb' sid='i781hf64'/>
 * ```
 * @see XEP-0047 §2.3
 */
export function buildInBandClose(sid: string): Element {
  return xml('close', { xmlns: NS.inBand, sid })
}

/**
 * @returns the sid of the bytestream to close
 * @throws BytestreamError `ERR_BAD_REQUEST` without one
 * @see XEP-0047 §2.3
 */
export function parseInBandClose(close: Element): string {
  const sid = attribute(close, 'sid')
  if (!sid) throw new BytestreamError('ERR_BAD_REQUEST', 'the close element lacks its sid')
  return sid
}

function unsignedShort(digits: string | undefined): number | undefined {
  const value = /^\d{1,5}$/.test(digits ?? '') ? Number(digits) : undefined
  return value !== undefined && value < SEQUENCE_NUMBERS ? value : undefined
}
