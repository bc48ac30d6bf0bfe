const GREATER = '>'.charCodeAt(0)
const SLASH = '/'.charCodeAt(0)
const LESS = '<'.charCodeAt(0)
const QUESTION = '?'.charCodeAt(0)
const MESSAGE = Buffer.from('<message')
const MESSAGE_END = Buffer.from('</message>')
const STREAM = Buffer.from('<stream:stream')
const NOTHING = Buffer.alloc(0)

const begins = (octets: Buffer, start: number, name: Buffer): boolean =>
  octets.length >= start + name.length && octets.compare(name, 0, name.length, start, start + name.length) === 0

/** Who hears what comes. */
export interface Listener {
  /** A whole message, which is these octets for as long as the call lasts. */
  message(octets: Buffer, start: number, end: number): void
  /** Every other stanza, and what belongs to the stream itself. */
  other(text: string): void
}

/**
 * Cuts what comes on a stream into stanzas, wherever its pieces end. Nothing is parsed: messages are found by where they end, so that
 * whoever counts them costs next to nothing.
 */
export class Cutter {
  readonly #listener: Listener
  #held = NOTHING

  constructor(listener: Listener) {
    this.#listener = listener
  }

  read(fresh: Buffer): void {
    const octets = this.#held.length === 0 ? fresh : Buffer.concat([this.#held, fresh])
    let at = 0
    for (;;) {
      at = octets.indexOf(LESS, at)
      if (at === -1) break
      const end = this.#endOf(octets, at)
      if (end === -1) break
      at = end
    }
    // What Node read into is read into again.
    this.#held = at === -1 || at === octets.length ? NOTHING : Buffer.from(octets.subarray(at))
  }

  /** Tells of what begins there. @returns where it ends; -1 when that has not come yet */
  #endOf(octets: Buffer, start: number): number {
    if (begins(octets, start, MESSAGE)) {
      const at = octets.indexOf(MESSAGE_END, start + MESSAGE.length)
      if (at === -1) return -1
      this.#listener.message(octets, start, at + MESSAGE_END.length)
      return at + MESSAGE_END.length
    }
    const tagEnd = octets.indexOf(GREATER, start)
    if (tagEnd === -1) return -1
    const isAlone =
      octets[tagEnd - 1] === SLASH || octets[start + 1] === SLASH || octets[start + 1] === QUESTION || begins(octets, start, STREAM)
    let end = tagEnd + 1
    if (!isAlone) {
      const [, name = ''] = /^<([^\s/>]+)/.exec(octets.toString('latin1', start, end)) ?? []
      const closing = `</${name}>`
      const at = octets.indexOf(closing, end)
      if (at === -1) return -1
      end = at + closing.length
    }
    this.#listener.other(octets.toString('utf8', start, end))
    return end
  }
}
