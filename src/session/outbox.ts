/** Hands text to the connection. @param onDone to be called once, when the system has taken it, or will not */
export type WriteText = (text: string, onDone: (wasTaken: boolean) => void) => void

/** Characters that are gathered, at the most, before they leave. */
const PIECE = 64 * 1024

/**
 * What is said over one connection. All that is said in one turn of the event loop leaves at the end of that turn, in its order and in
 * one write: a call into the kernel costs more than most stanzas.
 */
export class Outbox {
  readonly #write: WriteText
  #text = ''
  #onDone: ((wasTaken: boolean) => void)[] = []
  #isDue = false
  readonly #onTurnOver = () => {
    this.#isDue = false
    this.flush()
  }

  constructor(write: WriteText) {
    this.#write = write
  }

  /** Characters that have not been handed on yet. */
  get length(): number {
    return this.#text.length
  }

  put(text: string): void {
    this.#text += text
    if (this.#text.length >= PIECE) this.flush()
    else if (!this.#isDue) {
      this.#isDue = true
      // Behind all promises that are kept in this turn: most answers come of one.
      queueMicrotask(() => process.nextTick(this.#onTurnOver))
    }
  }

  /** @returns in a later turn of the event loop, whether the system has taken it */
  putPiece(text: string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#onDone.push((wasTaken) => setImmediate(resolve, wasTaken))
      this.put(text)
    })
  }

  /** Hands on what there is, now: what is said to the connection by other ways comes behind it. */
  flush(): void {
    const [text, onDone] = [this.#text, this.#onDone]
    if (text === '' && onDone.length === 0) return
    this.#text = ''
    this.#onDone = []
    this.#write(text, (wasTaken) => {
      for (const tell of onDone) tell(wasTaken)
    })
  }
}
