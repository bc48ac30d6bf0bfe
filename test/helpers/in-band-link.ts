import { InBandStream, type InBandWire } from '../../src/bytestreams/in-band/in-band-stream.ts'
import { BytestreamError, type Clock, StanzaError, toBytestreamError } from '../../src/core/index.ts'
import { settle } from './settle.ts'

export type Side = 0 | 1
const other = (side: Side): Side => (side === 0 ? 1 : 0)

/** What one end sent to the other, in words. */
export interface Sent {
  readonly side: Side
  readonly what: 'block' | 'close' | 'result' | 'error'
  /** The number of a block, or the code of an error. */
  readonly detail?: number | string
}

/**
 * Two ends of an in-band bytestream without sessions in between: what one says waits until the test lets it arrive, in
 * its order, as stanzas do.
 */
export class InBandLink {
  readonly ends: readonly [InBandStream, InBandStream]
  /** Everything that was sent, in its order. */
  readonly log: Sent[] = []
  /** Blocks of a side that have no answer yet, and the most there were at once. */
  readonly unanswered = [0, 0]
  readonly unansweredPeak = [0, 0]
  readonly isOver = [false, false]
  /** Sides that cannot be reached any more: their server answers for them. */
  readonly isGone = [false, false]
  readonly #ways: [(() => void)[], (() => void)[]] = [[], []]

  constructor(clock: Clock, blockSize: number) {
    const end = (side: Side) => {
      const onOver = () => {
        this.isOver[side] = true
      }
      const stream = new InBandStream(clock, { blockSize, wire: this.#wireOf(side), onOver })
      stream.on('error', () => {}) // As the session's streams have it.
      return stream
    }
    this.ends = [end(0), end(1)]
  }

  /** @returns whether there was something of that side to let arrive */
  deliver(from: Side): boolean {
    const next = this.#ways[from].shift()
    next?.()
    return next !== undefined
  }

  /** Lets everything arrive, and what comes of it, until nobody has anything more to say. */
  async deliverAll(): Promise<void> {
    for (let isBusy = true; isBusy; ) {
      isBusy = this.deliver(0)
      isBusy = this.deliver(1) || isBusy
      await settle()
      isBusy ||= this.#ways.some(({ length }) => length > 0)
    }
  }

  /** The session of that side is lost, with what it had said last: some questions are never answered. */
  lose(side: Side): void {
    this.isGone[side] = true
    this.#ways[side].length = 0
    this.ends[side].lose(new BytestreamError('ERR_SESSION_CLOSED', ''))
  }

  /** A block that `side` never made. @returns the code it is answered with, or `undefined` for a result */
  async forge(side: Side, seq: number, octets: Buffer): Promise<string | undefined> {
    try {
      await this.ends[other(side)].receiveBlock(seq, octets)
      return undefined
    } catch (thrown) {
      return toBytestreamError(thrown).code
    }
  }

  #wireOf(side: Side): InBandWire {
    return {
      sendBlock: (seq, octets) => {
        this.unanswered[side] = (this.unanswered[side] ?? 0) + 1
        this.unansweredPeak[side] = Math.max(this.unansweredPeak[side] ?? 0, this.unanswered[side] ?? 0)
        const answer = this.#ask(side, { side, what: 'block', detail: seq }, (end) => end.receiveBlock(seq, octets))
        return answer.finally(() => {
          this.unanswered[side] = (this.unanswered[side] ?? 0) - 1
        })
      },
      sendClose: () => this.#ask(side, { side, what: 'close' }, (end) => end.receiveClose()),
    }
  }

  #ask(side: Side, sent: Sent, arrive: (end: InBandStream) => Promise<void>): Promise<void> {
    this.log.push(sent)
    const peer = other(side)
    const unknown = () => Promise.reject(new BytestreamError('ERR_BYTESTREAM_UNKNOWN', ''))
    const unreachable = () => Promise.reject(new BytestreamError('ERR_NO_RESOURCE', ''))
    return new Promise((resolve, reject) => {
      this.#ways[side].push(() => {
        // Whoever is over is not found any more.
        const answer = this.isGone[peer] ? unreachable() : this.isOver[peer] ? unknown() : arrive(this.ends[peer])
        answer.then(
          () => this.#answer({ side: peer, what: 'result' }, resolve),
          (thrown) => {
            const error = toBytestreamError(thrown)
            this.#answer({ side: peer, what: 'error', detail: error.code }, () =>
              reject(new StanzaError(error.stanzaError, '', 'the peer')),
            )
          },
        )
      })
    })
  }

  #answer(sent: Sent, arrive: () => void): void {
    if (this.isGone[sent.side]) return
    this.log.push(sent)
    this.#ways[sent.side].push(arrive)
  }
}
