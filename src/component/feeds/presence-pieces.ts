import type { Session } from '../../session/index.ts'

/** Characters that leave at once; what else is said goes between two such pieces. */
const PIECE = 64 * 1024

/** Sends many stanzas, in pieces, so that nobody waits for all of them. What does not arrive is not sent again. */
export class PresencePieces {
  readonly #session: Pick<Session, 'sendPiece'>
  #last: Promise<void> = Promise.resolve()

  constructor(session: Pick<Session, 'sendPiece'>) {
    this.#session = session
  }

  /**
   * Behind what is being sent.
   *
   * @param stanzas written already, each with all its addresses; all of them are taken, also while there is no connection
   * @returns settles when the system has the last of them; rejects with what `stanzas` throws
   */
  send(stanzas: Iterable<string>): Promise<void> {
    const sent = this.#last.then(() => this.#sendAll(stanzas))
    this.#last = sent.catch(() => {})
    return sent
  }

  async #sendAll(stanzas: Iterable<string>): Promise<void> {
    let piece = ''
    for (const stanza of stanzas) {
      piece += stanza
      if (piece.length < PIECE) continue
      await this.#sendOne(piece)
      piece = ''
    }
    if (piece !== '') await this.#sendOne(piece)
  }

  async #sendOne(piece: string): Promise<void> {
    if (!(await this.#session.sendPiece(piece))) await new Promise(setImmediate)
  }
}
