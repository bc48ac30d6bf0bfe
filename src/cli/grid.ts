import { columnsOf, shorten } from './text.ts'

/** One of many that are shown beside each other. */
export interface Cell {
  readonly name: string
  /** What it is called where there is little room. */
  readonly number: string
  readonly says: string
  /** From 0 to 1, where a bar tells more than words. */
  readonly done?: number | undefined
}

/** However wide the terminal is, so that it needs as many lines when that changes. */
export const CELLS_PER_LINE = 4
/** Of a cell that has room for the name, and a longer bar. */
const WIDE_COLUMNS = 19

/** Cells of one line, none of them in the last column, where some terminals wrap. @param columns of the terminal */
export function drawCells(cells: readonly Cell[], columns: number): string {
  const each = Math.max(1, Math.floor((columns - 1) / CELLS_PER_LINE))
  return cells
    .map((cell) => drawCell(cell, each))
    .join('')
    .trimEnd()
}

/** One column stays free, between it and the next. */
function drawCell({ name, number, says, done }: Cell, columns: number): string {
  const isWide = columns >= WIDE_COLUMNS
  const text = done === undefined ? says : drawBar(done, isWide ? 6 : 4).join('')
  const cell = shorten(`${isWide ? name : number} ${text}`, columns - 1)
  return cell + ' '.repeat(Math.max(0, columns - columnsOf(cell)))
}

/** @param done from 0 to 1 @param columns of the bar itself */
export function drawBar(done: number, columns: number): [bar: string, percent: string] {
  const filled = Math.floor(done * columns)
  return ['█'.repeat(filled) + '░'.repeat(columns - filled), `${Math.floor(done * 100)}%`.padStart(5)]
}
