import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { formatBytes, formatDuration } from '../core/index.ts'
import type { Transfer } from '../transfer/index.ts'

/** Erases what a longer line left behind (ECMA-48 EL). */
const CLEAR_LINE = '\u001b[K'

/** Where a command writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** What a command has to tell: one JSON object a line with `--json`, else text; progress bars on a terminal only. */
export class Output {
  readonly isJson: boolean
  readonly #streams: Streams
  #bars: MultiBar | undefined

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
    if (this.isJson) this.#streams.stdout.write(`${JSON.stringify({ event, ...facts }, rounded)}\n`)
    else for (const line of text) this.#print(toPlainText(line))
  }

  /** Tells people what went wrong, on stderr. */
  complain(line: string): void {
    const text = toPlainText(line)
    if (this.#bars?.isActive) this.#bars.log(`${text}${CLEAR_LINE}\n`)
    else this.#streams.stderr.write(`${text}\n`)
  }

  /** A line that is the result of the command itself: on stdout, above the bars where both are the terminal. */
  #print(text: string): void {
    const { stdout } = this.#streams
    const lines = stdout.isTTY && stdout.columns ? wrap(text, stdout.columns) : text
    if (this.#bars?.isActive && stdout.isTTY) this.#bars.log(`${lines.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_LINE}\n`)
    else stdout.write(`${lines}\n`)
  }

  /** Shows a transfer moving, until it has ended. */
  follow(transfer: Transfer): void {
    if (this.isJson || !this.#streams.stderr.isTTY) return
    this.#bars ??= new MultiBar(
      {
        format: '{bar} {percentage}% {name}: {status}',
        stream: this.#streams.stderr as NodeJS.WriteStream,
        hideCursor: true,
        clearOnComplete: true,
        barsize: 16,
        linewrap: false,
        gracefulExit: false,
      },
      Presets.shades_classic,
    )
    const bar = this.#bars.create(1, 0, payload(transfer, 0))
    void this.#draw(transfer, bar)
  }

  async #draw(transfer: Transfer, bar: SingleBar): Promise<void> {
    let smooth = 0
    for await (const { bytes, size, bytesPerSecond } of transfer.progress()) {
      smooth = smooth === 0 ? bytesPerSecond : smooth * 0.8 + bytesPerSecond * 0.2
      bar.setTotal(Math.max(1, size))
      bar.update(bytes, payload(transfer, smooth))
    }
    bar.stop()
    this.#bars?.remove(bar)
  }

  /** Puts the terminal back as it was. */
  close(): void {
    this.#bars?.stop()
    this.#bars = undefined
  }
}

/** Times are told in whole milliseconds. */
const rounded = (name: string, value: unknown) => (name.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value)

function payload({ name, bytes, size, state }: Transfer, bytesPerSecond: number): { name: string; status: string } {
  const left = bytesPerSecond > 0 ? `, ${formatDuration(((size - bytes) / bytesPerSecond) * 1000)} left` : ''
  const moving = `${formatBytes(bytes)} of ${formatBytes(size)}, ${formatBytes(bytesPerSecond)}/s${left}`
  const status = { preparing: 'reading it for its hash', negotiating: 'waiting for the other side', moving, done: 'done', failed: 'failed' }
  return { name: name.length > 24 ? `…${name.slice(-23)}` : name, status: status[state] }
}

/** Breaks lines between words, and moves what follows in, so that numbered lines stay apart. */
function wrap(text: string, columns: number): string {
  const lines: string[] = []
  let current = ''
  for (const word of text.split(/(?<=\S)(?= +\S)/)) {
    if (current && current.length + word.length > columns) {
      lines.push(current)
      current = `    ${word.trimStart()}`
    } else current += word
  }
  return [...lines, current].join('\n')
}

/** What a terminal would obey, or show in another order, and what would begin a line of its own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** One line for people, whoever wrote the names and texts in it. */
export function toPlainText(line: string): string {
  return line.replace(OBEYED, '\ufffd')
}
