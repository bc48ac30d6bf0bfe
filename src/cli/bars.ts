import { clearScreenDown } from 'node:readline'
import { MultiBar, type Options, type Params } from 'cli-progress'
import { formatBytes, formatDuration } from '../core/index.ts'
import type { Progress, Transfer } from '../transfer/index.ts'
import { drawBar } from './grid.ts'
import { columnsOf, shorten, toPlainText } from './text.ts'

/** A stream that may be a terminal. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

/** Of the bar itself; a narrow terminal has better uses for its columns. */
const BAR_COLUMNS = 16
const NARROW_BAR_COLUMNS = 6
const NARROW_COLUMNS = 60

/**
 * Progress bars at the bottom of a terminal, one for each transfer under way; lines of text go above them. Cursor and
 * line wrapping stay as they are, so that nothing has to be put back, whatever ends the program.
 */
export class Bars {
  readonly #terminal: Terminal
  readonly #bars: MultiBar
  #count = 0
  #above: (() => void)[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    const options = {
      stream: terminal,
      clearOnComplete: true,
      forceRedraw: true,
      linewrap: true,
      gracefulExit: false,
    }
    this.#bars = new MultiBar(options)
    // In both moments the cursor is where the first bar begins.
    for (const event of ['redraw-pre', 'stop-pre-clear']) this.#bars.on(event, () => this.#writeAbove())
  }

  /** Shows a transfer until it has ended, or {@link close} was called. */
  async follow(transfer: Transfer): Promise<void> {
    let againMs = 0
    transfer.on('interrupted', ({ retryMs }) => {
      againMs = performance.now() + retryMs
    })
    let latest: Progress = { bytes: 0, size: 0, bytesPerSecond: 0 }
    // A character in the last column would make some terminals wrap.
    const format = (_: Options, { maxWidth }: Params) => {
      const restMs = Math.max(0, againMs - performance.now())
      return joinWithin(describe(transfer, { ...latest, restMs }, maxWidth), maxWidth - 1)
    }
    const look = async () => {
      let smooth = 0
      for await (const progress of transfer.progress()) {
        smooth = smooth === 0 ? progress.bytesPerSecond : smooth * 0.8 + progress.bytesPerSecond * 0.2
        latest = { ...progress, bytesPerSecond: smooth }
      }
    }
    await this.#show(format, look())
  }

  /** Shows how far all of them are together, until each has ended. */
  async followAll(transfers: readonly Transfer[], size: number): Promise<void> {
    const startedMs = performance.now()
    const format = (_: Options, { maxWidth }: Params) =>
      joinWithin(describeAll(transfers, { size, elapsedMs: performance.now() - startedMs }, maxWidth), maxWidth - 1)
    await this.#show(format, Promise.allSettled(transfers.map(({ done }) => done)))
  }

  /** Shows lines that are drawn anew all the time, until what this returns is disposed of. */
  showLines(lines: readonly ((columns: number) => string)[]): Disposable {
    let end = () => {}
    const until = new Promise<void>((resolve) => {
      end = resolve
    })
    for (const draw of lines) void this.#show((_, { maxWidth }) => draw(maxWidth), until)
    return { [Symbol.dispose]: () => end() }
  }

  async #show(format: NonNullable<Options['format']>, until: Promise<unknown>): Promise<void> {
    const bar = this.#bars.create(1, 0, {}, { format })
    this.#count += 1
    await until
    this.#count -= 1
    if (!this.#bars.isActive) return
    this.#bars.remove(bar)
    if (this.#count === 0) this.#bars.stop()
  }

  /** Writes lines to a terminal, above the bars if it is theirs. */
  write(terminal: Terminal, lines: string): void {
    if (!this.#bars.isActive) {
      terminal.write(`${lines}\n`)
      return
    }
    this.#above.push(() => terminal.write(`${lines}\n`))
    this.#bars.update()
  }

  /** Takes the bars away. */
  close(): void {
    if (this.#bars.isActive) this.#bars.stop()
  }

  #writeAbove(): void {
    if (this.#above.length === 0) return
    clearScreenDown(this.#terminal)
    for (const write of this.#above.splice(0)) write()
  }
}

const STATES = {
  waiting: 'waiting for its turn',
  preparing: 'reading it for its hash',
  negotiating: 'waiting for the other side',
  done: 'done',
  failed: 'failed',
} as const

/** The bar of a transfer and what is said of it, the most important first. */
function describe(
  { name, state, isPaused }: Transfer,
  { bytes, size, bytesPerSecond, restMs }: Progress & { restMs: number },
  columns: number,
): string[] {
  const title = [...barOf(size === 0 ? 0 : bytes / size, columns), ` ${shorten(toPlainText(name), columns / 4)}:`]
  if (isPaused) return [...title, ' paused']
  if (state === 'interrupted')
    return [...title, ' trying again', ...(restMs > 0 ? [` in ${formatDuration(Math.ceil(restMs / 1000) * 1000)}`] : [])]
  if (state !== 'moving') return [...title, ` ${STATES[state]}`]
  const amount = ` ${formatBytes(bytes)} of ${formatBytes(size)}`
  if (bytesPerSecond === 0) return [...title, amount]
  const left = Math.ceil((size - bytes) / bytesPerSecond)
  return [...title, amount, `, ${formatBytes(bytesPerSecond)}/s`, `, ${formatDuration(left * 1000)} left`]
}

/** The same of several together, with the rate they have had on the whole. */
function describeAll(transfers: readonly Transfer[], { size, elapsedMs }: { size: number; elapsedMs: number }, columns: number): string[] {
  const ended = transfers.filter(({ state }) => state === 'done' || state === 'failed').length
  const bytes = transfers.reduce((sum, transfer) => sum + transfer.bytes, 0)
  const done = size === 0 ? ended / transfers.length : Math.min(1, bytes / size)
  const title = [...barOf(done, columns), ` ${ended} of ${transfers.length} files`]
  // What was there already took no time.
  const movedBytes = transfers.reduce((sum, transfer) => sum + transfer.movedBytes, 0)
  const bytesPerSecond = (movedBytes / Math.max(1, elapsedMs)) * 1000
  const amount = [`, ${formatBytes(bytes)} of ${formatBytes(size)}`]
  if (movedBytes === 0) return [...title, ...amount]
  const left = Math.ceil(Math.max(0, size - bytes) / bytesPerSecond)
  return [...title, ...amount, `, ${formatBytes(bytesPerSecond)}/s`, `, ${formatDuration(left * 1000)} left`]
}

const barOf = (done: number, columns: number) => drawBar(done, columns < NARROW_COLUMNS ? NARROW_BAR_COLUMNS : BAR_COLUMNS)

/** As many parts as there is room for. */
function joinWithin(parts: readonly string[], columns: number): string {
  let line = ''
  for (const part of parts) {
    if (columnsOf(line + part) > columns) break
    line += part
  }
  return line
}
