import { BytestreamError } from '../core/index.ts'

/** How much of a stream may come before a parser has to look at it. */
export interface StanzaLimits {
  /** Octets of one first-level element, or of the stream's header. */
  readonly stanzaBytesMax: number
  /** Elements within elements, the stream's own not counted. */
  readonly stanzaDepthMax: number
}

/** For a stream whose other end is a server we log in to: it passes on what strangers send, and adds to it. */
export const serverStanzaLimits: StanzaLimits = { stanzaBytesMax: 256 * 1024, stanzaDepthMax: 64 }

/** For a stream whose other end is a stranger. */
export const strangerStanzaLimits: StanzaLimits = { stanzaBytesMax: 64 * 1024, stanzaDepthMax: 64 }

type State = 'text' | 'tag' | 'name' | 'attributes' | 'single quotes' | 'double quotes' | 'slash' | 'end tag' | 'declaration' | 'cdata'

const LESS = 0x3c
const GREATER = 0x3e
const SLASH = 0x2f
const EXCLAMATION = 0x21
const QUESTION = 0x3f
const SINGLE = 0x27
const DOUBLE = 0x22
const CDATA = Buffer.from('[CDATA[')
const CDATA_END = Buffer.from(']]>')
const XML_DECLARATION_BYTES_MAX = 200

/**
 * Watches the octets of one XML stream before its parser does, and stops it at the first that makes a stanza too
 * big or too deep, or begins what XMPP forbids (RFC 6120 §11.1): comments, processing instructions, document types.
 * It keeps no text, only counts.
 */
export class StanzaGuard {
  readonly #limits: StanzaLimits
  #state: State = 'text'
  /** Of the element being read: 0 before the stream's header, 1 between stanzas. */
  #depth = 0
  /** Octets since the last time the depth was 0 or 1. */
  #bytes = 0
  /** How far into `<![CDATA[` or its end. */
  #matched = 0

  constructor(limits: StanzaLimits) {
    this.#limits = limits
  }

  /** Starts over, for the stream that follows in the same connection (RFC 6120 §4.3.3). */
  restart(): void {
    this.#state = 'text'
    this.#depth = 0
    this.#bytes = 0
  }

  /**
   * @throws BytestreamError `ERR_STANZA_TOO_BIG` over a limit, `ERR_STREAM` for what XMPP forbids
   */
  push(octets: Uint8Array): void {
    const { stanzaBytesMax } = this.#limits
    for (const octet of octets) {
      // Between stanzas only white space is expected: it keeps connections alive, and counts for nothing.
      if (this.#state === 'text' && this.#depth <= 1 && octet <= 0x20) continue
      this.#bytes += 1
      if (this.#bytes > stanzaBytesMax) {
        throw new BytestreamError('ERR_STANZA_TOO_BIG', `a stanza is larger than ${stanzaBytesMax} octets`)
      }
      if (this.#state === 'text') {
        if (octet === LESS) this.#state = 'tag'
      } else {
        this.#markup(octet)
      }
    }
  }

  #markup(octet: number): void {
    switch (this.#state) {
      case 'tag':
        return this.#tag(octet)
      case 'name':
      case 'attributes':
        if (octet === GREATER) this.#opened()
        else if (octet === SLASH) this.#state = 'slash'
        else if (octet === SINGLE) this.#state = 'single quotes'
        else if (octet === DOUBLE) this.#state = 'double quotes'
        return
      case 'slash':
        if (octet === GREATER) {
          this.#opened()
          this.#closed()
        } else this.#state = 'attributes'
        return
      case 'single quotes':
        if (octet === SINGLE) this.#state = 'attributes'
        return
      case 'double quotes':
        if (octet === DOUBLE) this.#state = 'attributes'
        return
      case 'end tag':
        if (octet === GREATER) this.#closed()
        return
      case 'declaration':
        if (octet === GREATER) this.#settle()
        else if (this.#bytes > XML_DECLARATION_BYTES_MAX) throw forbidden('a processing instruction')
        return
      default:
        return this.#cdata(octet)
    }
  }

  #tag(octet: number): void {
    if (octet === SLASH) this.#state = 'end tag'
    else if (octet === QUESTION && this.#depth === 0) this.#state = 'declaration'
    else if (octet === QUESTION) throw forbidden('a processing instruction')
    else if (octet === EXCLAMATION) {
      if (this.#depth === 0) throw forbidden('a document type or a comment')
      this.#state = 'cdata'
      this.#matched = 0
    } else {
      this.#state = 'name'
    }
  }

  /** Through `[CDATA[`, then up to `]]>`. A comment or a document type does not begin like that. */
  #cdata(octet: number): void {
    if (this.#matched < CDATA.length) {
      if (octet !== CDATA[this.#matched]) throw forbidden('a comment or a document type')
      this.#matched += 1
      return
    }
    const seen = this.#matched - CDATA.length
    if (octet === CDATA_END[seen]) this.#matched += 1
    else if (!(seen === 2 && octet === CDATA_END[0])) this.#matched = CDATA.length + (octet === CDATA_END[0] ? 1 : 0)
    if (this.#matched === CDATA.length + CDATA_END.length) this.#settle()
  }

  #opened(): void {
    this.#depth += 1
    if (this.#depth > this.#limits.stanzaDepthMax + 1) {
      throw new BytestreamError('ERR_STANZA_TOO_BIG', `a stanza nests deeper than ${this.#limits.stanzaDepthMax} elements`)
    }
    this.#settle()
  }

  #closed(): void {
    this.#depth = Math.max(0, this.#depth - 1)
    this.#settle()
  }

  #settle(): void {
    this.#state = 'text'
    if (this.#depth <= 1) this.#bytes = 0
  }
}

function forbidden(what: string): BytestreamError {
  return new BytestreamError('ERR_STREAM', `${what} has no place in an XMPP stream (RFC 6120 §11.1)`)
}
