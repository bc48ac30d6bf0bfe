import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { formatBytes, formatDuration } from '../core/index.ts'
import type { Transfer } from '../transfer/index.ts'

/** Where a command writes: the process's own streams, or a test's. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream
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
   * @param text for people; left out, the fact is for programs only
   */
  tell(event: string, facts: object, text?: string): void {
    if (this.isJson) this.#streams.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
    else if (text !== undefined) this.#print(text)
  }

  /** A line that is the result of the command itself, the same for people and for pipes. */
  #print(text: string): void {
    if (this.#bars?.isActive) this.#bars.log(`${text}\n`)
    else this.#streams.stdout.write(`${text}\n`)
  }

  /** Shows a transfer moving, until it has ended. */
  follow(transfer: Transfer): void {
    if (this.isJson || !this.#streams.stderr.isTTY) return
    this.#bars ??= new MultiBar(
      {
        format: '{bar} {percentage}% {name} {bytes} of {total_} {rate}/s{left}',
        stream: this.#streams.stderr as NodeJS.WriteStream,
        hideCursor: true,
        clearOnComplete: true,
        barsize: 24,
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

function payload({ name, bytes, size, state }: Transfer, bytesPerSecond: number) {
  const left = bytesPerSecond > 0 && state === 'moving' ? `, ${formatDuration(((size - bytes) / bytesPerSecond) * 1000)} left` : ''
  return { name: name.slice(-40), bytes: formatBytes(bytes), total_: formatBytes(size), rate: formatBytes(bytesPerSecond), left }
}
