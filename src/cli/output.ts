import type { Transfer } from '../transfer/index.ts'
import { Bars, type Terminal } from './bars.ts'
import { toPlainText, wrap } from './text.ts'

/** Where a command writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdout: Terminal
  readonly stderr: Terminal
}

/** What a command has to tell: one JSON object a line with `--json`, else text; progress bars on a terminal only. */
export class Output {
  readonly isJson: boolean
  readonly #streams: Streams
  #bars: Bars | undefined

  constructor(streams: Streams, isJson: boolean) {
    this.#streams = streams
    this.isJson = isJson
  }

  /**
   * Tells one fact.
   *
   * @param facts for programs; stable names
   * @param text for people, a line each; left out, the fact is for programs only
   */
  tell(event: string, facts: object, ...text: readonly string[]): void {
    const { stdout } = this.#streams
    if (this.isJson) stdout.write(`${JSON.stringify({ event, ...facts }, rounded)}\n`)
    else for (const line of text) this.#write(stdout, line)
  }

  /** Tells people what went wrong, on stderr. */
  complain(line: string): void {
    this.#write(this.#streams.stderr, line)
  }

  /** Above the bars, where there are any: stdout and stderr, if terminals, are taken to be the same one. */
  #write(terminal: Terminal, line: string): void {
    const text = toPlainText(line)
    const lines = terminal.isTTY && terminal.columns ? wrap(text, terminal.columns) : text
    if (this.#bars && terminal.isTTY) this.#bars.write(terminal, lines)
    else terminal.write(`${lines}\n`)
  }

  /** Shows a transfer moving, until it has ended. */
  follow(transfer: Transfer): void {
    if (this.isJson || !this.#streams.stderr.isTTY) return
    this.#bars ??= new Bars(this.#streams.stderr)
    void this.#bars.follow(transfer)
  }

  /** Takes the bars away. */
  close(): void {
    this.#bars?.close()
  }
}

/** Times are told in whole milliseconds. */
const rounded = (name: string, value: unknown) => (name.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value)
