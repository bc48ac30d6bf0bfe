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

type State =
  | 'text'
  | 'tag'
  | 'name'
  | 'gap'
  | 'attribute'
  | 'equals'
  | 'quote'
  | 'single quotes'
  | 'double quotes'
  | 'behind value'
  | 'slash'
  | 'end tag'
  | 'end name'
  | 'end gap'
  | 'declaration'
  | 'declaration end'
  | 'cdata'

const LESS = 0x3c
const GREATER = 0x3e
const SLASH = 0x2f
const EXCLAMATION = 0x21
const QUESTION = 0x3f
const EQUALS = 0x3d
const SINGLE = 0x27
const DOUBLE = 0x22
const CDATA = Buffer.from('[CDATA[')
const CDATA_END = Buffer.from(']]>')
const XML_DECLARATION_BYTES_MAX = 200

const isSpace = (octet: number) => octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09

/** Octets a name can have (XML 1.0 §2.3), and those it can begin with; beyond ASCII all are taken for letters. */
const isName = Array.from({ length: 256 }, (_, octet) => octet >= 0x80 || /[\w:.-]/.test(String.fromCharCode(octet)))
const isNameStart = Array.from({ length: 256 }, (_, octet) => octet >= 0x80 || /[A-Z_a-z:]/.test(String.fromCharCode(octet)))

/**
 * Watches the octets of one XML stream before its parser does, and stops it at the first that makes a stanza too
 * big or too deep, begins what XMPP forbids (RFC 6120 §11.1: comments, processing instructions, document types), or
 * breaks the rules of XML for tags: the parser is lenient, and two readings of one tag would let a peer hide from
 * the limits. It keeps no text, only counts.
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
  #isOver = false

  constructor(limits: StanzaLimits) {
    this.#limits = limits
  }

  /** Starts over, for the stream that follows in the same connection (RFC 6120 §4.3.3). */
  restart(): void {
    this.#state = 'text'
    this.#depth = 0
    this.#bytes = 0
    this.#isOver = false
  }

  /**
   * @returns what the parser is to see: `octets` without the white space between stanzas, which keeps connections
   *   alive (RFC 6120 §4.6.1), counts for nothing, and would be remembered by the parser for ever
   * @throws BytestreamError `ERR_STANZA_TOO_BIG` over a limit, `ERR_STREAM` for what XMPP or XML forbids
   */
  push(octets: Uint8Array): Uint8Array {
    const { stanzaBytesMax } = this.#limits
    const kept = Buffer.allocUnsafe(octets.length)
    let length = 0
    for (const octet of octets) {
      if (this.#state === 'text' && this.#depth <= 1 && isSpace(octet)) continue
      kept[length++] = octet
      this.#bytes += 1
      if (this.#bytes > stanzaBytesMax) {
        throw new BytestreamError('ERR_STANZA_TOO_BIG', `a stanza is larger than ${stanzaBytesMax} octets`)
      }
      if (octet < 0x20 && !isSpace(octet)) throw malformed('a control character')
      if (this.#state !== 'text') this.#markup(octet)
      else if (this.#isOver) throw malformed('something behind the end of a stream')
      else if (octet === LESS) this.#state = 'tag'
      else if (this.#depth <= 1) throw malformed('text outside of stanzas')
    }
    return kept.subarray(0, length)
  }

  #markup(octet: number): void {
    switch (this.#state) {
      case 'tag':
        this.#tag(octet)
        break
      case 'name':
      case 'gap':
      case 'behind value':
        this.#inTag(octet)
        break
      case 'attribute':
        if (octet === EQUALS) this.#state = 'quote'
        else if (isSpace(octet)) this.#state = 'equals'
        else if (!isName[octet]) throw malformed('an attribute without a value')
        break
      case 'equals':
        if (octet === EQUALS) this.#state = 'quote'
        else if (!isSpace(octet)) throw malformed('an attribute without a value')
        break
      case 'quote':
        if (octet === SINGLE) this.#state = 'single quotes'
        else if (octet === DOUBLE) this.#state = 'double quotes'
        else if (!isSpace(octet)) throw malformed('an attribute without quotes')
        break
      case 'single quotes':
      case 'double quotes':
        if (octet === (this.#state === 'single quotes' ? SINGLE : DOUBLE)) this.#state = 'behind value'
        else if (octet === LESS) throw malformed('an attribute with "<" in it')
        break
      case 'slash':
        if (octet !== GREATER) throw malformed('a tag with "/" in it')
        this.#opened()
        this.#closed()
        break
      default:
        this.#otherMarkup(octet)
    }
  }

  #otherMarkup(octet: number): void {
    switch (this.#state) {
      case 'end tag':
        if (!isNameStart[octet]) throw malformed('an end tag without a name')
        this.#state = 'end name'
        break
      case 'end name':
      case 'end gap':
        if (octet === GREATER) this.#closed()
        else if (isSpace(octet)) this.#state = 'end gap'
        else if (this.#state === 'end gap' || !isName[octet]) throw malformed('an end tag with more than a name')
        break
      case 'declaration':
      case 'declaration end':
        if (octet === GREATER && this.#state === 'declaration end') this.#settle()
        else this.#state = octet === QUESTION ? 'declaration end' : 'declaration'
        if (this.#bytes > XML_DECLARATION_BYTES_MAX) throw forbidden('a processing instruction')
        break
      default:
        this.#cdata(octet)
    }
  }

  /** Behind `<`. */
  #tag(octet: number): void {
    if (isNameStart[octet]) this.#state = 'name'
    else if (octet === SLASH) this.#state = 'end tag'
    else if (octet === QUESTION && this.#depth === 0) this.#state = 'declaration'
    else if (octet === QUESTION) throw forbidden('a processing instruction')
    else if (octet !== EXCLAMATION) throw malformed('a tag without a name')
    else if (this.#depth <= 1) throw forbidden('a document type or a comment')
    else {
      this.#state = 'cdata'
      this.#matched = 0
    }
  }

  /** In the name of a tag, between its attributes, or right behind a value, where white space must come first. */
  #inTag(octet: number): void {
    if (octet === GREATER) this.#opened()
    else if (octet === SLASH) this.#state = 'slash'
    else if (isSpace(octet)) this.#state = 'gap'
    else if (this.#state === 'gap' && isNameStart[octet]) this.#state = 'attribute'
    else if (this.#state !== 'name' || !isName[octet]) throw malformed('a tag with more than a name and attributes')
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
    this.#isOver = this.#depth === 0
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

function malformed(what: string): BytestreamError {
  return new BytestreamError('ERR_STREAM', `${what} is not well-formed XML in a stream`)
}
