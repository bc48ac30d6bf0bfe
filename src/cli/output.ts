import type { Transfer } from '../transfer/index.ts'
import { Bars, type Terminal } from './bars.ts'
import { toPlainText, wrap } from './text.ts'

/** Where a command writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdout: Terminal
  readonly stderr: Terminal
}

/** SGR parameters of ECMA-48 §8.3.117. */
const COLOURS = { red: 31, green: 32, yellow: 33, grey: 90 } as const

/** A line of a table. */
export interface TableLine {
  readonly text: string
  /** Columns by which what does not fit the terminal is moved in. */
  readonly indent: number
  /** Of its first word, on a terminal that shows colours. */
  readonly colour?: keyof typeof COLOURS | undefined
}

/** What a command has to tell: one JSON object a line with `--json`, else text; progress bars on a terminal only. */
export class Output {
  readonly isJson: boolean
  readonly #streams: Streams
  readonly #isPlain: boolean
  #bars: Bars | undefined

  /** @param init `isPlain`: without colours, even on a terminal */
  constructor(streams: Streams, { isJson, isPlain = false }: { isJson: boolean; isPlain?: boolean }) {
    this.#streams = streams
    this.isJson = isJson
    this.#isPlain = isPlain
  }

  /** Columns of the terminal that is told; `undefined` where it is none. */
  get columns(): number | undefined {
    const { stdout } = this.#streams
    return stdout.isTTY ? stdout.columns : undefined
  }

  /**
   * Tells one fact.
   *
   * @param facts for programs; stable names
   * @param text for people, a line each; left out, the fact is for programs only
   */
  tell(event: string, facts: object, ...text: readonly (string | TableLine)[]): void {
    const { stdout } = this.#streams
    if (this.isJson) stdout.write(`${JSON.stringify({ event, ...facts }, rounded)}\n`)
    else for (const line of text) this.#write(stdout, line)
  }

  /** Tells people what went wrong, on stderr. */
  complain(line: string): void {
    this.#write(this.#streams.stderr, line)
  }

  /** Above the bars, where there are any: stdout and stderr, if terminals, are taken to be the same one. */
  #write(terminal: Terminal, line: string | TableLine): void {
    const { text, indent, colour }: Partial<TableLine> & { text: string } = typeof line === 'string' ? { text: line } : line
    const plain = toPlainText(text)
    const wrapped = terminal.isTTY && terminal.columns ? wrap(plain, terminal.columns, indent) : plain
    const isPainted = colour && terminal.isTTY && !this.#isPlain
    const lines = isPainted ? wrapped.replace(/\S+/, (word) => `\x1b[${COLOURS[colour]}m${word}\x1b[39m`) : wrapped
    if (this.#bars && terminal.isTTY) this.#bars.write(terminal, lines)
    else terminal.write(`${lines}\n`)
  }

  /** Shows a transfer moving, until it has ended. */
  follow(transfer: Transfer): void {
    void this.#shownBars?.follow(transfer)
  }

  /** Shows how far several are together, until each has ended. */
  followAll(transfers: readonly Transfer[], size: number): void {
    void this.#shownBars?.followAll(transfers, size)
  }

  /**
   * Shows lines below what is told, drawn anew all the time.
   *
   * @param lines given the columns of the terminal
   * @returns ends that when it is disposed of; `isSeen` by those who read what is told
   */
  showLines(lines: readonly ((columns: number) => string)[]): Disposable & { readonly isSeen: boolean } {
    const shown = this.#shownBars?.showLines(lines)
    return { isSeen: shown !== undefined && this.columns !== undefined, [Symbol.dispose]: () => shown?.[Symbol.dispose]() }
  }

  get #shownBars(): Bars | undefined {
    if (this.isJson || !this.#streams.stderr.isTTY) return undefined
    this.#bars ??= new Bars(this.#streams.stderr)
    return this.#bars
  }

  /** Takes the bars away. */
  close(): void {
    this.#bars?.close()
  }
}

/** Times are told in whole milliseconds. */
const rounded = (name: string, value: unknown) => (name.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value)
