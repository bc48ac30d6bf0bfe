import { isUtf8 } from 'node:buffer'
import { ARRIVALS, faults, following, KIND_BITS, kindOfOctet, nameOf, numbers, type State } from './markup.ts'
import { StreamViolation } from './stream-violation.ts'

/** How much of a stream may come before a parser has to look at it. */
export interface StanzaLimits {
  /** Octets of one first-level element, or of the stream's header. */
  readonly stanzaBytesMax: number
  /** Elements within elements, the stream's own not counted. */
  readonly stanzaDepthMax: number
  /** A stanza over a limit is cut down to its opening tag; without this it ends the stream. */
  readonly mayCut?: boolean
}

/**
 * For a stream whose other end is a server we log in to: it passes on what strangers send, and adds to it. Strangers must
 * not be able to end that stream, so what they make too big is cut.
 */
export const serverStanzaLimits: StanzaLimits = { stanzaBytesMax: 256 * 1024, stanzaDepthMax: 64, mayCut: true }

/** For a stream whose other end is a stranger. */
export const strangerStanzaLimits: StanzaLimits = { stanzaBytesMax: 64 * 1024, stanzaDepthMax: 64 }

const BETWEEN = numbers.between
const OVER = numbers.over
const TEXT = numbers.text
const LESS = 0x3c
const CDATA = Buffer.from('[CDATA[')
const XML = Buffer.from('xml')
const NOTHING = Buffer.alloc(0)
const EMPTY = Buffer.from('/>')

/** No XML can have them in it (XML 1.0 §2.2), and the table of octets does not see them in text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NON_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

/**
 * Reads the octets of one XML stream before its parser does, and stops it at the first that makes a stanza too big or
 * too deep, begins what XMPP forbids (RFC 6120 §11.1: comments, processing instructions, document types), or breaks the
 * rules of XML for tags: the parser is lenient, and two readings of one tag would let a peer hide from the limits.
 *
 * A piece of the stream (XML declaration, header, stanza, end tag) is handed on when it is whole: the parser takes time
 * in the square of the number of fragments it is fed with. Until then the guard holds it, never more than a stanza may have.
 *
 * Where the limits say so, a stanza over one of them is read to its end all the same, but not held: only its opening tag
 * is handed on, as an element without content, so that a question gets its answer. Where even that tag is too big,
 * nothing is.
 */
export class StanzaGuard {
  readonly #limits: StanzaLimits
  #state = BETWEEN
  /** Of the element being read: 0 before the stream's header, 1 between stanzas. */
  #depth = 0
  #isDeclared = false
  /** How many letters of a name that has to follow were there. */
  #matched = 0
  /** The beginning of a piece, in the front of a buffer that grows with it. */
  #held: Buffer = NOTHING
  #heldBytes = 0
  /** Octets of the stanza's opening tag; 0 while that is not whole. */
  #tagBytes = 0
  /** The stanza being read is over a limit, and `#tag` is what is left of it. */
  #isCut = false
  #tag: Buffer = NOTHING
  readonly #onCut: () => void

  /** @param onCut hears of each stanza that is cut */
  constructor(limits: StanzaLimits, onCut = () => {}) {
    this.#limits = limits
    this.#onCut = onCut
  }

  /** Starts over, for the stream that follows in the same connection (RFC 6120 §4.3.3). */
  restart(): void {
    this.#state = BETWEEN
    this.#depth = 0
    this.#isDeclared = false
    this.#release()
  }

  /**
   * Reads on, piece by piece: whoever restarts the stream because of one does so before the next is looked at. White
   * space between pieces keeps connections alive (RFC 6120 §4.6.1), counts for nothing, and is left out.
   *
   * @returns the text of each piece that is whole now
   * @throws StreamViolation `ERR_STANZA_TOO_BIG` over a limit, `ERR_STREAM` for what XMPP, XML or UTF-8 forbids
   */
  *read(octets: Uint8Array): Generator<string, void> {
    const { stanzaBytesMax } = this.#limits
    let start = 0
    while (start < octets.length) {
      if (this.#isIdle && isSpace(octets[start])) {
        start += 1
        continue
      }
      const wasCut = this.#isCut
      const end = wasCut ? octets.length : Math.min(octets.length, start + stanzaBytesMax - this.#heldBytes)
      const stop = this.#scan(octets, start, end)
      const piece = octets.subarray(start, stop)
      if (!this.#isIdle && stop < octets.length && !this.#isCut) this.#exceed(`a stanza is larger than ${stanzaBytesMax} octets`)
      if (this.#isCut && !wasCut) this.#keepTag(piece)
      if (this.#isIdle) {
        const whole = this.#isCut ? this.#emptied() : this.#completed(piece)
        this.#release()
        if (whole.length > 0) yield toText(whole)
      } else if (!this.#isCut) {
        this.#hold(piece)
      }
      start = stop
    }
  }

  /** Whether it has octets of a piece that is not whole yet. */
  get isHolding(): boolean {
    return this.#heldBytes > 0 || this.#isCut
  }

  get #isIdle(): boolean {
    return this.#state === BETWEEN || this.#state === OVER
  }

  /** @returns the offset behind the piece, or `end` where that comes first */
  #scan(octets: Uint8Array, start: number, end: number): number {
    // Looked up in their modules, they would cost more than what is done with them.
    const [table, kinds, arrivals, text] = [following, kindOfOctet, ARRIVALS, TEXT]
    let state = this.#state
    for (let at = start; at < end; at++) {
      if (state === text && octets[at] !== LESS) {
        at = octets.indexOf(LESS, at)
        if (at === -1 || at >= end) break
      }
      const octet = octets[at] as number
      const next = table[(state << KIND_BITS) | (kinds[octet] as number)] as number
      if (next < arrivals) {
        state = next
        continue
      }
      state = this.#arrive(next, state, octet)
      if (next === numbers.opened && this.#depth === 2) this.#tagBytes = this.#heldBytes + at + 1 - start
      if (state === BETWEEN || state === OVER) {
        this.#state = state
        return at + 1
      }
    }
    this.#state = state
    return end
  }

  /** @returns the state that follows */
  #arrive(arrival: number, state: number, octet: number): number {
    switch (arrival) {
      case numbers.opened:
        this.#open()
        return this.#content()
      case numbers.empty:
        this.#open()
        return this.#close()
      case numbers.closed:
        return this.#close()
      case numbers.declared:
      case numbers['text again']:
        return this.#content()
      case numbers.exclamation:
        if (this.#depth <= 1) throw restricted('a comment or a document type')
        this.#matched = 0
        return numbers['cdata name']
      case numbers.question:
        if (this.#depth > 0 || this.#isDeclared) throw restricted('a processing instruction')
        this.#isDeclared = true
        this.#matched = 0
        return numbers['declaration name']
      case numbers['letter of a name']:
        return state === numbers['cdata name'] ? this.#cdataName(octet) : this.#declarationName(octet)
      default:
        throw refused(nameOf(state) as State, octet)
    }
  }

  #open(): void {
    this.#depth += 1
    if (this.#depth > this.#limits.stanzaDepthMax + 1 && !this.#isCut) {
      this.#exceed(`a stanza nests deeper than ${this.#limits.stanzaDepthMax} elements`)
    }
  }

  /** Only stanzas are cut: a stream without its header is none. */
  #exceed(message: string): void {
    if (!this.#limits.mayCut || this.#depth === 0) throw new StreamViolation('policy-violation', message, 'ERR_STANZA_TOO_BIG')
    this.#isCut = true
    this.#onCut()
  }

  /** @param piece what follows what was held */
  #keepTag(piece: Uint8Array): void {
    this.#tag = Buffer.from(this.#completed(piece).subarray(0, this.#tagBytes))
    this.#held = NOTHING
    this.#heldBytes = 0
  }

  #close(): number {
    if (this.#depth === 0) throw malformed('an end tag before any other')
    this.#depth -= 1
    return this.#depth === 0 ? OVER : this.#content()
  }

  #content(): number {
    return this.#depth <= 1 ? BETWEEN : TEXT
  }

  /** Through `[CDATA[`. Neither a comment nor a document type begins like that. */
  #cdataName(octet: number): number {
    if (octet !== CDATA[this.#matched]) throw restricted('a comment or a document type')
    this.#matched += 1
    return this.#matched === CDATA.length ? numbers.cdata : numbers['cdata name']
  }

  #declarationName(octet: number): number {
    if (octet !== XML[this.#matched]) throw restricted('a processing instruction')
    this.#matched += 1
    return this.#matched === XML.length ? numbers['declaration gap'] : numbers['declaration name']
  }

  #hold(octets: Uint8Array): void {
    const bytes = this.#heldBytes + octets.length
    if (bytes > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(bytes, 2 * this.#held.length), this.#limits.stanzaBytesMax))
      this.#held.copy(grown, 0, 0, this.#heldBytes)
      this.#held = grown
    }
    this.#held.set(octets, this.#heldBytes)
    this.#heldBytes = bytes
  }

  #release(): void {
    this.#held = NOTHING
    this.#heldBytes = 0
    this.#tagBytes = 0
    this.#isCut = false
    this.#tag = NOTHING
  }

  /** What was held and `octets`, which complete it. */
  #completed(octets: Uint8Array): Buffer {
    if (this.#heldBytes === 0) return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
    return Buffer.concat([this.#held.subarray(0, this.#heldBytes), octets])
  }

  /** The opening tag of a stanza that was cut, as an element. */
  #emptied(): Buffer {
    return this.#tag.length === 0 ? NOTHING : Buffer.concat([this.#tag.subarray(0, -1), EMPTY])
  }
}

function toText(piece: Buffer): string {
  if (!isUtf8(piece)) throw new StreamViolation('unsupported-encoding', 'the stream is not UTF-8')
  const text = piece.toString()
  if (NON_CHARACTER.test(text)) throw malformed('a non-character')
  return text
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09
}

function refused(state: State, octet: number): StreamViolation {
  if (octet < 0x20 && !isSpace(octet)) return malformed('a control character')
  const fault = faults[state] ?? 'a tag with more than a name and attributes'
  return state === 'between' || state === 'over' ? new StreamViolation('bad-format', `${fault} has no place in a stream`) : malformed(fault)
}

function restricted(what: string): StreamViolation {
  return new StreamViolation('restricted-xml', `${what} has no place in an XMPP stream (RFC 6120 §11.1)`)
}

function malformed(what: string): StreamViolation {
  return new StreamViolation('not-well-formed', `${what} is not well-formed XML in a stream`)
}
