/** RFC 6120 §8.3.2: what the receiver of a stanza error may do about it. */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** The stanza error that belongs to a code, as plain strings; `xep/` turns it into XML. */
export interface StanzaErrorEntry {
  readonly type: StanzaErrorType
  /** A defined condition of RFC 6120 §8.3.3. */
  readonly condition: string
  /** Where `gone` and `redirect` point to (RFC 6120 §8.3.3.5, §8.3.3.14). */
  readonly uri?: string
  /** An application-specific condition (RFC 6120 §8.3.4): element name, namespace, and its attributes if it has any. */
  readonly application?: readonly [name: string, xmlns: string, attributes?: Readonly<Record<string, string>>]
}

const FEEDS = 'https://www.npmjs.com/package/streamhost#feeds'
const SI = 'http://jabber.org/protocol/si'
const JINGLE = 'urn:xmpp:jingle:errors:1'
const PUBSUB = 'http://jabber.org/protocol/pubsub#errors'
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

  // Files on offer: XEP-0358 §2.2, XEP-0137 §4.2, with what ours say besides (docs/feeds.md)
  ERR_OFFER_BUSY: { type: 'wait', condition: 'resource-constraint' },
  ERR_OFFER_EXPIRED: { type: 'cancel', condition: 'not-acceptable', application: ['expired', FEEDS] },
  ERR_OFFER_UNKNOWN: { type: 'modify', condition: 'not-acceptable' },
  ERR_OFFER_USED_UP: { type: 'cancel', condition: 'not-acceptable', application: ['used-up', FEEDS] },
  ERR_OFFER_WITHDRAWN: { type: 'cancel', condition: 'not-acceptable', application: ['withdrawn', FEEDS] },

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

  // Publish-subscribe: XEP-0060, in the order of the names
  ERR_PUBSUB_ACCESS_MODEL: { type: 'modify', condition: 'not-acceptable', application: ['unsupported-access-model', PUBSUB] }, // §8.1.2
  ERR_PUBSUB_CLOSED_NODE: { type: 'cancel', condition: 'not-allowed', application: ['closed-node', PUBSUB] }, // §6.1.3.4
  ERR_PUBSUB_INVALID_JID: { type: 'modify', condition: 'bad-request', application: ['invalid-jid', PUBSUB] }, // §6.1.3.1
  ERR_PUBSUB_INVALID_OPTIONS: { type: 'modify', condition: 'bad-request', application: ['invalid-options', PUBSUB] }, // §6.3.6.2
  ERR_PUBSUB_INVALID_PAYLOAD: { type: 'modify', condition: 'bad-request', application: ['invalid-payload', PUBSUB] }, // §7.1.3.6
  ERR_PUBSUB_INVALID_SUBID: { type: 'modify', condition: 'not-acceptable', application: ['invalid-subid', PUBSUB] }, // §6.2.3.5
  ERR_PUBSUB_ITEM_FORBIDDEN: { type: 'modify', condition: 'bad-request', application: ['item-forbidden', PUBSUB] }, // §7.1.3.7
  ERR_PUBSUB_ITEM_REQUIRED: { type: 'modify', condition: 'bad-request', application: ['item-required', PUBSUB] }, // §7.1.3.7
  ERR_PUBSUB_JID_REQUIRED: { type: 'modify', condition: 'bad-request', application: ['jid-required', PUBSUB] }, // §6.3.4.3
  ERR_PUBSUB_LIMIT: { type: 'wait', condition: 'policy-violation' }, // a bound of docs/LIMITS.md that the specification has no condition for
  ERR_PUBSUB_MAX_ITEMS: { type: 'cancel', condition: 'not-allowed', application: ['max-items-exceeded', PUBSUB] }, // §12.11
  ERR_PUBSUB_MAX_NODES: { type: 'cancel', condition: 'conflict', application: ['max-nodes-exceeded', PUBSUB] }, // XEP-0248: a collection is full
  ERR_PUBSUB_NODE_EXISTS: { type: 'cancel', condition: 'conflict' }, // §8.1.1
  ERR_PUBSUB_NODE_FULL: { type: 'cancel', condition: 'conflict', application: ['node-full', PUBSUB] }, // §7.1.3.4
  ERR_PUBSUB_NODE_MOVED: { type: 'modify', condition: 'gone' }, // §6.1.3.11: see NodeMoved
  ERR_PUBSUB_NODEID_REQUIRED: { type: 'modify', condition: 'bad-request', application: ['nodeid-required', PUBSUB] }, // §7.2.3.3
  ERR_PUBSUB_NOT_A_COLLECTION: { type: 'cancel', condition: 'not-allowed' }, // XEP-0248
  ERR_PUBSUB_NOT_IN_GROUP: { type: 'auth', condition: 'not-authorized', application: ['not-in-roster-group', PUBSUB] }, // §6.1.3.3
  ERR_PUBSUB_NOT_SUBSCRIBED: { type: 'cancel', condition: 'unexpected-request', application: ['not-subscribed', PUBSUB] }, // §6.2.3.2
  ERR_PUBSUB_PAYLOAD_REQUIRED: { type: 'modify', condition: 'bad-request', application: ['payload-required', PUBSUB] }, // §7.1.3.7
  ERR_PUBSUB_PAYLOAD_TOO_BIG: { type: 'modify', condition: 'not-acceptable', application: ['payload-too-big', PUBSUB] }, // §7.1.3.5
  ERR_PUBSUB_PENDING: { type: 'auth', condition: 'not-authorized', application: ['pending-subscription', PUBSUB] }, // §6.1.3.7
  ERR_PUBSUB_PRECONDITION: { type: 'cancel', condition: 'conflict', application: ['precondition-not-met', PUBSUB] }, // §7.1.5
  ERR_PUBSUB_PRESENCE_REQUIRED: { type: 'auth', condition: 'not-authorized', application: ['presence-subscription-required', PUBSUB] }, // §6.1.3.2
  ERR_PUBSUB_SUBID_REQUIRED: { type: 'modify', condition: 'bad-request', application: ['subid-required', PUBSUB] }, // §6.2.3.1
  ERR_PUBSUB_SUBSCRIBERS_ONLY: { type: 'auth', condition: 'not-authorized', application: ['not-subscribed', PUBSUB] }, // §6.5.9.3
  ERR_PUBSUB_TOO_MANY_NODES: { type: 'wait', condition: 'policy-violation', application: ['max-nodes-exceeded', PUBSUB] }, // of one account
  ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS: { type: 'wait', condition: 'policy-violation', application: ['too-many-subscriptions', PUBSUB] }, // §6.1.3.9
  ERR_PUBSUB_UNSUPPORTED: { type: 'cancel', condition: 'feature-not-implemented', application: ['unsupported', PUBSUB] }, // §11: see UnsupportedFeature

  // What is kept on disk
  ERR_STORAGE: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STORAGE_DRIVER: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STORAGE_FOREIGN: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STORAGE_FULL: { type: 'wait', condition: 'resource-constraint' },
  ERR_STORAGE_IN_USE: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STORAGE_READ_ONLY: { type: 'cancel', condition: 'internal-server-error' },
  ERR_STORAGE_VERSION: { type: 'cancel', condition: 'internal-server-error' },

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

/** What an error is told besides its code and its message. */
export interface BytestreamErrorOptions extends ErrorOptions {
  /** The JID of whoever has said so. */
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

/** What a node or a service does not do, as XEP-0060 §11 has it answered: with the feature that is missing. */
export class UnsupportedFeature extends BytestreamError {
  /** Without the namespace: `persistent-items`. */
  readonly feature: string

  constructor(feature: string, message: string) {
    super('ERR_PUBSUB_UNSUPPORTED', message)
    this.feature = feature
  }

  override get stanzaError(): StanzaErrorEntry {
    return { ...table.ERR_PUBSUB_UNSUPPORTED, application: ['unsupported', PUBSUB, { feature: this.feature }] }
  }
}

/** A node that was deleted with word of where it is now (XEP-0060 §6.1.3.11, §8.4.1). */
export class NodeMoved extends BytestreamError {
  readonly uri: string

  constructor(uri: string, message: string) {
    super('ERR_PUBSUB_NODE_MOVED', message)
    this.uri = uri
  }

  override get stanzaError(): StanzaErrorEntry {
    return { ...table.ERR_PUBSUB_NODE_MOVED, uri: this.uri }
  }
}
