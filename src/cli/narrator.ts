import type { Output } from './output.ts'

/** Numbers what it tells, and names the section that describes it. */
export class Narrator {
  readonly #output: Output
  #count = 0

  constructor(output: Output) {
    this.#output = output
  }

  tell(step: string, facts: object, text: string, source: string, ...more: readonly string[]): void {
    this.#count += 1
    this.#output.tell(step, { ...facts, source }, `${String(this.#count).padStart(2)}. ${text}  [${source}]`, ...more)
  }
}
