import { BytestreamError } from '../core/index.ts'
import { ADDRESS_TYPE, COMMAND, REPLY, type Reply, VERSION } from './constants.ts'
import { type DstAddr, parseDstAddr } from './dst-addr.ts'
import type { Decoded } from './greeting.ts'

/** A CONNECT request of this profile. */
export interface ConnectRequest {
  readonly dstAddr: DstAddr
  /** Length octet, DST.ADDR and DST.PORT, octet for octet as they came, for BND.ADDR and BND.PORT (XEP-0065 §5.3.2). */
  readonly address: Buffer
}

const HEADER_BYTES = 4
const DST_ADDR_BYTES = 40
const PORT_BYTES = 2

/** VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT 0 (XEP-0065 §10.2). */
export function encodeConnectRequest(dstAddr: DstAddr): Buffer {
  const header = Buffer.from([VERSION, COMMAND.connect, 0, ADDRESS_TYPE.domainName, DST_ADDR_BYTES])
  return Buffer.concat([header, Buffer.from(dstAddr, 'latin1'), Buffer.alloc(PORT_BYTES)])
}

/**
 * Reads a CONNECT request from the front of `bytes`, which may still be arriving. A wrong peer is refused at the
 * first octet that no bytestream request can have, before its request is complete.
 *
 * @returns the request, or `undefined` while octets are missing
 * @throws BytestreamError `ERR_SOCKS5_MALFORMED` for another version, `ERR_SOCKS5_COMMAND` for another command than
 *   CONNECT, `ERR_SOCKS5_ADDRESS_TYPE` for another address type than DOMAINNAME, `ERR_SOCKS5_DST_ADDR` for a name that
 *   is not 40 hexadecimal digits
 * @see RFC 1928 §4, XEP-0065 §10.2
 */
export function decodeConnectRequest(bytes: Uint8Array): Decoded<ConnectRequest> | undefined {
  const version = bytes[0]
  const command = bytes[1]
  const addressType = bytes[3]
  const length = bytes[HEADER_BYTES]
  if (version !== undefined && version !== VERSION) {
    throw new BytestreamError('ERR_SOCKS5_MALFORMED', `CONNECT request: version ${version}, not ${VERSION}`)
  }
  if (command !== undefined && command !== COMMAND.connect) {
    throw new BytestreamError('ERR_SOCKS5_COMMAND', `command ${command}: bytestreams use CONNECT (1)`)
  }
  if (addressType !== undefined && addressType !== ADDRESS_TYPE.domainName) {
    throw new BytestreamError('ERR_SOCKS5_ADDRESS_TYPE', `address type ${addressType}: bytestreams use DOMAINNAME (3)`)
  }
  if (length === undefined) return undefined
  if (length !== DST_ADDR_BYTES) {
    throw new BytestreamError('ERR_SOCKS5_DST_ADDR', `DST.ADDR has ${length} octets; a bytestream's has ${DST_ADDR_BYTES}`)
  }
  const end = HEADER_BYTES + 1 + length + PORT_BYTES
  if (bytes.length < end) return undefined
  const address = Buffer.from(bytes.subarray(HEADER_BYTES, end))
  const dstAddr = parseDstAddr(address.toString('latin1', 1, 1 + length))
  if (dstAddr === undefined) {
    throw new BytestreamError('ERR_SOCKS5_DST_ADDR', 'DST.ADDR is not 40 hexadecimal digits')
  }
  return { value: { dstAddr, address }, bytes: end }
}

/** BND.ADDR and BND.PORT for a peer whose own could not be read: 0.0.0.0, port 0, the form every SOCKS5 client reads. */
const NO_ADDRESS = Buffer.alloc(4 + PORT_BYTES)

/**
 * VER, REP, RSV, ATYP, BND.ADDR, BND.PORT, where the last three echo the request (XEP-0065 §5.3.2).
 *
 * @param address of the request, if it could be read
 */
export function encodeConnectReply(reply: Reply, address?: Buffer): Buffer {
  const bound = address ?? NO_ADDRESS
  const octets = Buffer.allocUnsafe(HEADER_BYTES + bound.length)
  octets[0] = VERSION
  octets[1] = reply
  octets[2] = 0
  octets[3] = address === undefined ? ADDRESS_TYPE.ipv4 : ADDRESS_TYPE.domainName
  octets.set(bound, HEADER_BYTES)
  return octets
}

/** Octets of BND.ADDR, or `undefined` while its length has not come. */
function boundAddressBytes(addressType: number, length: number | undefined): number | undefined {
  switch (addressType) {
    case ADDRESS_TYPE.ipv4:
      return 4
    case ADDRESS_TYPE.ipv6:
      return 16
    case ADDRESS_TYPE.domainName:
      return length === undefined ? undefined : 1 + length
    default:
      throw new BytestreamError('ERR_SOCKS5_MALFORMED', `CONNECT reply: address type ${addressType}`)
  }
}

/**
 * Reads a streamhost's reply. The address in it is not looked at: many streamhosts send another than they should.
 * COMPAT(socksv5): a refusal is known from its second octet, since there are servers that send no more.
 *
 * @returns the REP field, or `undefined` while octets are missing
 * @throws BytestreamError `ERR_SOCKS5_MALFORMED` for another version or an unknown address type
 * @see RFC 1928 §6
 */
export function decodeConnectReply(bytes: Uint8Array): Decoded<number> | undefined {
  const version = bytes[0]
  const reply = bytes[1]
  const addressType = bytes[3]
  const length = bytes[HEADER_BYTES]
  if (version !== undefined && version !== VERSION) {
    throw new BytestreamError('ERR_SOCKS5_MALFORMED', `CONNECT reply: version ${version}, not ${VERSION}`)
  }
  if (reply === undefined) return undefined
  if (reply !== REPLY.succeeded) return { value: reply, bytes: 2 }
  if (addressType === undefined) return undefined
  const addressBytes = boundAddressBytes(addressType, length)
  if (addressBytes === undefined) return undefined
  const end = HEADER_BYTES + addressBytes + PORT_BYTES
  return bytes.length < end ? undefined : { value: reply, bytes: end }
}
