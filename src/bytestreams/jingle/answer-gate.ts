/**
 * Keeps back what one side of a session wants to say until it has answered what it was asked: the acknowledgement comes
 * before anything that follows from it (XEP-0166 §6.3.1).
 */
export class AnswerGate {
  #answering = 0
  readonly #waiting: (() => void)[] = []

  /** Calls `send` as soon as nothing is being answered, in the order of the calls. */
  pass<T>(send: () => Promise<T>): Promise<T> {
    if (this.#answering === 0) return send()
    return new Promise((resolve, reject) => void this.#waiting.push(() => send().then(resolve, reject)))
  }

  /** Runs what finds the answer. It is sent before the next turn of the event loop. */
  answering(find: () => void): void {
    this.#answering++
    setImmediate(() => {
      this.#answering--
      if (this.#answering > 0) return
      for (const send of this.#waiting.splice(0)) send()
    })
    find()
  }
}
