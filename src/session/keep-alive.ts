import type { Clock } from '../core/index.ts'
import { buildIq, buildPing, type Element } from '../xep/index.ts'

export interface KeepAliveInit {
  /** Of the pings; the address of the connection where it is left out. */
  readonly from?: string
  /** Whom they ask: somebody whose answer comes over this connection. */
  readonly to: string
  readonly send: (ping: Element) => void
  /** Called once, when nothing was heard for too long. @param silenceMs how long */
  readonly giveUp: (silenceMs: number) => void
}

/** Of silence, until the other side is asked for a sign of life. */
const SILENCE_MS = 30_000
/** Until it is asked again: one answer may get lost where ejabberd has not yet noticed that the connection before is dead. */
const AGAIN_MS = 10_000
/** Questions in a row without an answer. They are counted, since it may be we who stood still, and the answer waits to be read. */
const PINGS_MAX = 3

/**
 * Watches over a connection that is online. The network can lose one without telling either side; TCP would take a
 * quarter of an hour to find out (docs/adr/0008).
 *
 * @see XEP-0199 §4.2, §4.3
 */
export class KeepAlive implements Disposable {
  readonly #clock: Clock
  readonly #init: KeepAliveInit
  #heardMs: number
  #pings = 0
  #unanswered = 0
  #cancel = () => {}

  constructor(clock: Clock, init: KeepAliveInit) {
    this.#clock = clock
    this.#init = init
    this.#heardMs = clock.now()
    this.#wait()
  }

  /** The other side has said something, whatever it was. */
  heard(): void {
    this.#heardMs = this.#clock.now()
    this.#unanswered = 0
  }

  [Symbol.dispose](): void {
    this.#cancel()
  }

  #wait(): void {
    const silenceMs = this.#clock.now() - this.#heardMs
    this.#cancel = this.#clock.after(silenceMs < SILENCE_MS ? SILENCE_MS - silenceMs : AGAIN_MS, () => this.#look())
  }

  #look(): void {
    const { from, to, send, giveUp } = this.#init
    const silenceMs = this.#clock.now() - this.#heardMs
    if (this.#unanswered >= PINGS_MAX) return giveUp(silenceMs)
    if (silenceMs >= SILENCE_MS) {
      this.#pings += 1
      this.#unanswered += 1
      send(buildIq({ type: 'get', id: `alive-${this.#pings}`, from, to }, buildPing()))
    }
    this.#wait()
  }
}
