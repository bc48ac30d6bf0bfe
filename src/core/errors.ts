/** RFC 6120 §8.3.2: what the receiver of a stanza error may do about it. */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** The stanza error that belongs to a code, as plain strings; `xep/` turns it into XML. */
export interface StanzaErrorEntry {
  readonly type: StanzaErrorType
  /** A defined condition of RFC 6120 §8.3.3. */
  readonly condition: string
  /** An application-specific condition (RFC 6120 §8.3.4): element name and namespace. */
  readonly application?: readonly [name: string, xmlns: string]
}

const SI = 'http://jabber.org/protocol/si'
const JINGLE = 'urn:xmpp:jingle:errors:1'
/** XEP-0234 §9.2 has a word for it, which other negotiations pass over. */
const TOO_LARGE = ['file-too-large', 'urn:xmpp:jingle:apps:file-transfer:errors:0'] as const

/**
 * Every code this project raises, with the stanza error a peer gets for it. A code that never meets a
 * stanza carries what a peer should hear should it ever get there.
 */
const table = {
  // SOCKS5, either side
  ERR_SOCKS5_MALFORMED: { type: 'modify', condition: 'bad-request' },
  ERR_SOCKS5_METHOD: { type: 'modify', condition: 'not-acceptable' },
  ERR_SOCKS5_COMMAND: { type: 'modify', condition: 'feature-not-implemented' },
  ERR_SOCKS5_ADDRESS_TYPE: { type: 'modify', condition: 'feature-not-implemented' },
  ERR_SOCKS5_DST_ADDR: { type: 'modify', condition: 'bad-request' },
  ERR_SOCKS5_REFUSED: { type: 'cancel', condition: 'remote-server-not-found' },
  ERR_HANDSHAKE_TIMEOUT: { type: 'wait', condition: 'remote-server-timeout' },

  // The streamhost: XEP-0065 §6.3.5 unless said otherwise
  ERR_FORBIDDEN: { type: 'auth', condition: 'forbidden' }, // XEP-0065 §4
  ERR_BAD_REQUEST: { type: 'modify', condition: 'bad-request' },
  ERR_JID_MALFORMED: { type: 'modify', condition: 'jid-malformed' },
  ERR_BYTESTREAM_UNKNOWN: { type: 'cancel', condition: 'item-not-found' },
  ERR_PEER_MISSING: { type: 'cancel', condition: 'not-allowed' },
  ERR_PLACES_TAKEN: { type: 'cancel', condition: 'not-allowed' }, // XEP-0065 §10.1: only one Target
  ERR_NOT_A_STREAMHOST: { type: 'cancel', condition: 'not-allowed' }, // XEP-0065 §4
  ERR_LIMIT_SOCKETS: { type: 'wait', condition: 'resource-constraint' },
  ERR_LIMIT_SOURCE_SOCKETS: { type: 'wait', condition: 'resource-constraint' },
  ERR_LIMIT_HALF_OPEN: { type: 'wait', condition: 'resource-constraint' },
  ERR_LIMIT_WAITING: { type: 'wait', condition: 'resource-constraint' },
  ERR_LIMIT_READ_AHEAD: { type: 'wait', condition: 'resource-constraint' },
  ERR_LIMIT_ACCOUNT: { type: 'wait', condition: 'resource-constraint' },
  ERR_SHUTTING_DOWN: { type: 'wait', condition: 'service-unavailable' },
  ERR_LISTEN: { type: 'cancel', condition: 'internal-server-error' },

  // Stanzas and sessions
  ERR_SERVICE_UNAVAILABLE: { type: 'cancel', condition: 'service-unavailable' },
  ERR_ITEM_NOT_FOUND: { type: 'cancel', condition: 'item-not-found' },
  ERR_STANZA: { type: 'cancel', condition: 'undefined-condition' },
  ERR_STREAM: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STANZA_TOO_BIG: { type: 'modify', condition: 'policy-violation' },
  ERR_SESSION_CLOSED: { type: 'wait', condition: 'service-unavailable' },
  ERR_AUTHENTICATION: { type: 'auth', condition: 'not-authorized' },
  ERR_HOST_UNKNOWN: { type: 'cancel', condition: 'item-not-found' },
  ERR_REPLACED: { type: 'cancel', condition: 'conflict' },
  ERR_UNREACHABLE: { type: 'wait', condition: 'remote-server-not-found' },
  ERR_TLS: { type: 'wait', condition: 'remote-server-not-found' },

  // Negotiation and transfer
  ERR_NOT_ACCEPTABLE: { type: 'modify', condition: 'not-acceptable' }, // XEP-0065 §5.3.1
  ERR_NO_STREAMHOST: { type: 'cancel', condition: 'item-not-found' }, // XEP-0065 §5.3.2
  ERR_DESTINATION: { type: 'modify', condition: 'not-acceptable' },
  ERR_DECLINED: { type: 'cancel', condition: 'forbidden' }, // XEP-0095 §3.2
  ERR_FILE_TOO_LARGE: { type: 'cancel', condition: 'forbidden', application: TOO_LARGE }, // likewise
  ERR_NO_VALID_STREAMS: { type: 'cancel', condition: 'bad-request', application: ['no-valid-streams', SI] },
  ERR_BAD_PROFILE: { type: 'cancel', condition: 'bad-request', application: ['bad-profile', SI] },
  ERR_NO_RESOURCE: { type: 'wait', condition: 'recipient-unavailable' },
  ERR_FILE_NAME: { type: 'modify', condition: 'not-acceptable' },
  ERR_FILE_EXISTS: { type: 'cancel', condition: 'conflict' },
  ERR_FILE: { type: 'cancel', condition: 'internal-server-error' },
  ERR_DISK_SPACE: { type: 'cancel', condition: 'resource-constraint', application: TOO_LARGE }, // Nobody knows for how long.
  ERR_INTEGRITY: { type: 'modify', condition: 'not-acceptable' },
  ERR_RESET: { type: 'wait', condition: 'remote-server-timeout' },

  // In-band bytestreams: XEP-0047 §2.1, §2.2
  ERR_IN_BAND_REFUSED: { type: 'cancel', condition: 'not-acceptable' },
  ERR_IN_BAND_BLOCK_SIZE: { type: 'modify', condition: 'resource-constraint' },
  ERR_IN_BAND_SEQUENCE: { type: 'cancel', condition: 'unexpected-request' },
  ERR_IN_BAND_DATA: { type: 'cancel', condition: 'bad-request' },

  // Jingle: XEP-0166 §7.2.16, §10
  ERR_JINGLE_OUT_OF_ORDER: { type: 'wait', condition: 'unexpected-request', application: ['out-of-order', JINGLE] },
  ERR_JINGLE_TIE_BREAK: { type: 'cancel', condition: 'conflict', application: ['tie-break', JINGLE] },
  ERR_JINGLE_UNKNOWN_SESSION: { type: 'cancel', condition: 'item-not-found', application: ['unknown-session', JINGLE] },
  ERR_JINGLE_UNSUPPORTED_INFO: { type: 'modify', condition: 'feature-not-implemented', application: ['unsupported-info', JINGLE] },

  // Everything
  ERR_CONFIG: { type: 'cancel', condition: 'internal-server-error' },
  ERR_TIMEOUT: { type: 'wait', condition: 'remote-server-timeout' },
  ERR_CANCELLED: { type: 'cancel', condition: 'service-unavailable' }, // by the other side
  ERR_ABORTED: { type: 'cancel', condition: 'service-unavailable' },
  ERR_INTERNAL: { type: 'cancel', condition: 'internal-server-error' },
} as const satisfies Record<string, StanzaErrorEntry>

/** Stable across releases; the message of an error is not. */
export type ErrorCode = keyof typeof table

/** All codes, in the order of the table. */
export const errorCodes = Object.keys(table) as readonly ErrorCode[]

export interface BytestreamErrorOptions extends ErrorOptions {
  readonly from?: string | undefined
}

/** The one error class that leaves this library. Switch on {@link code}. */
export class BytestreamError extends Error {
  override readonly name: string = 'BytestreamError'
  readonly code: ErrorCode
  /** The JID of whoever has said so; `undefined` where it was found out here. */
  readonly from: string | undefined

  constructor(code: ErrorCode, message: string, { from, ...options }: BytestreamErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.from = from
  }

  /** What a peer is told when this error reaches a stanza handler. */
  get stanzaError(): StanzaErrorEntry {
    return table[this.code]
  }
}

/**
 * The same error, or the unknown one wrapped under `code`.
 *
 * @param code what to call an error that is not ours
 */
export function toBytestreamError(error: unknown, code: ErrorCode = 'ERR_INTERNAL'): BytestreamError {
  if (error instanceof BytestreamError) return error
  return new BytestreamError(code, error instanceof Error ? error.message : String(error), { cause: error })
}

/** What an answer says of whoever was asked: nobody is there for the time being, for good, or nobody knows of them, or of what was asked for. */
export type Absence = 'for now' | 'for good' | 'unknown'

/** By the defined conditions of RFC 6120 §8.3.3; any other is the answer of somebody who is there. */
const absences: Readonly<Record<string, Absence>> = {
  'recipient-unavailable': 'for now',
  'remote-server-not-found': 'for now',
  'remote-server-timeout': 'for now',
  'service-unavailable': 'for now',
  gone: 'for good',
  'item-not-found': 'unknown',
}

/** A stanza error another entity answered with: code `ERR_STANZA`, and the error as it came. */
export class StanzaError extends BytestreamError {
  override readonly name = 'StanzaError'
  readonly #entry: StanzaErrorEntry
  /** The text the other side sent along, or an empty string. */
  readonly text: string

  constructor(entry: StanzaErrorEntry, text: string, from: string) {
    super(
      'ERR_STANZA',
      `${from} answered ${entry.condition}${entry.application ? ` (${entry.application[0]})` : ''}${text && `: ${text}`}`,
      { from },
    )
    this.#entry = entry
    this.text = text
  }

  override get stanzaError(): StanzaErrorEntry {
    return this.#entry
  }

  /** The defined condition, such as `item-not-found` (RFC 6120 §8.3.3). */
  get condition(): string {
    return this.#entry.condition
  }

  /** Whether nobody is there, as far as the condition says; `undefined` where somebody is. */
  get absence(): Absence | undefined {
    return absences[this.condition]
  }
}
