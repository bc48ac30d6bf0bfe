/** RFC 1928 §3: the version of the protocol, first octet of every message. */
export const VERSION = 5

/** RFC 1928 §3. XEP-0065 leaves authentication out of its scope, so only the first is spoken. */
export const METHOD = { noAuthentication: 0x00, noneAcceptable: 0xff } as const

/** RFC 1928 §4. XEP-0065 §10.2 uses CONNECT, and UDP ASSOCIATE where datagrams are supported. */
export const COMMAND = { connect: 1, bind: 2, udpAssociate: 3 } as const

/** RFC 1928 §5. XEP-0065 §10.2 hardcodes the address type to DOMAINNAME. */
export const ADDRESS_TYPE = { ipv4: 1, domainName: 3, ipv6: 4 } as const

/** RFC 1928 §6: the REP field. */
export const REPLY = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  connectionRefused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const
export type Reply = (typeof REPLY)[keyof typeof REPLY]

/** What each reply says, in words. */
export const replyTexts: Readonly<Record<number, string>> = {
  [REPLY.succeeded]: 'succeeded',
  [REPLY.generalFailure]: 'general failure',
  [REPLY.notAllowed]: 'not allowed by ruleset',
  [REPLY.networkUnreachable]: 'network unreachable',
  [REPLY.hostUnreachable]: 'host unreachable',
  [REPLY.connectionRefused]: 'connection refused',
  [REPLY.ttlExpired]: 'TTL expired',
  [REPLY.commandNotSupported]: 'command not supported',
  [REPLY.addressTypeNotSupported]: 'address type not supported',
}
