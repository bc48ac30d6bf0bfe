import { Writable } from 'node:stream'

// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins what a terminal obeys
const PIECES = /\u001b\[(\d*)([A-Z])|\n|[^\u001b\n]+/g

/** A terminal of `columns`, or with none a pipe. Keeps what was written, and shows what a reader would see. */
export class TestTerminal extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  /** Everything, control sequences included. */
  written = ''

  constructor(columns?: number) {
    super()
    this.isTTY = columns !== undefined
    this.columns = columns ?? 0
  }

  override _write(octets: Buffer, _: string, done: () => void): void {
    this.written += octets.toString()
    done()
  }

  /** The lines on the screen, as far as our bars need: line feeds, moves up and to the first column, erasing. */
  get screen(): string[] {
    const lines: string[] = ['']
    let [row, column] = [0, 0]
    for (const [piece, control, count] of this.written.matchAll(PIECES)) {
      if (piece === '\n') [row, column] = [row + 1, 0]
      else if (control === undefined) {
        for (const character of piece) {
          if (column >= this.columns && this.isTTY) [row, column] = [row + 1, 0]
          const line = (lines[row] ?? '').padEnd(column)
          lines[row] = line.slice(0, column) + character + line.slice(column + 1)
          column += 1
        }
      } else if (count === 'A') row -= Number(control || 1)
      else if (count === 'G') column = Number(control || 1) - 1
      else if (count === 'K') lines[row] = (lines[row] ?? '').slice(0, column)
      else if (count === 'J') {
        lines.length = row + 1
        lines[row] = (lines[row] ?? '').slice(0, column)
      } else throw new Error(`a control sequence nobody expects: ${JSON.stringify(piece)}`)
      lines[row] ??= ''
    }
    return Array.from(lines, (line) => line?.trimEnd() ?? '').filter((line) => line !== '')
  }
}
