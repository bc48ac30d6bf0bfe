/** What a terminal would obey, or show in another order, and what would begin a line of its own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** One line for people, whoever wrote the names and texts in it. */
export function toPlainText(line: string): string {
  return line.replace(OBEYED, '\ufffd')
}

const NO_COLUMN = /^[\p{M}\u200b-\u200d]$/u
const TWO_COLUMNS =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}])$/u

function columnsOfCharacter(character: string): number {
  if (character <= '~') return 1
  if (NO_COLUMN.test(character)) return 0
  return TWO_COLUMNS.test(character) ? 2 : 1
}

/** Columns of a terminal that `text` takes, as most of them see it (Unicode UAX #11). */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += columnsOfCharacter(character)
  return columns
}

/** The end of `text`, where all of it is too long: of a file's name the more telling part. */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  const end: string[] = []
  let left = columns - 1
  for (const character of Array.from(text).reverse()) {
    left -= columnsOfCharacter(character)
    if (left < 0) break
    end.unshift(character)
  }
  return `…${end.join('')}`
}

/**
 * Breaks a line between words, and moves what follows in, so that lines of a list stay apart.
 *
 * @param indent columns by which it is moved in
 */
export function wrap(line: string, columns: number, indent = 4): string {
  const lines: string[] = []
  let current = ''
  for (const word of line.split(/(?<=\S)(?= +\S)/)) {
    if (current && columnsOf(current + word) > columns) {
      lines.push(current)
      current = `${' '.repeat(indent)}${word.trimStart()}`
    } else current += word
  }
  return [...lines, current].join('\n')
}
