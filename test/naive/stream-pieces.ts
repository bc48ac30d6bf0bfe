const SPACE = '[ \\t\\r\\n]'
const NAME = '[A-Za-z_:\\x80-\\uffff][-.0-9A-Za-z_:\\x80-\\uffff]*'
const VALUE = `(?:'[^'<]*'|"[^"<]*")`
const START_TAG = `<${NAME}(?:${SPACE}+${NAME}${SPACE}*=${SPACE}*${VALUE})*${SPACE}*`

const token = new RegExp(
  [
    `(?<declaration><\\?xml${SPACE}[^?<>]*\\?>)`,
    `(?<empty>${START_TAG.slice(0, -`${SPACE}*`.length)}${SPACE}*/>)`,
    `(?<open>${START_TAG}>)`,
    `(?<close></${NAME}${SPACE}*>)`,
    '(?<cdata><!\\[CDATA\\[[^]*?\\]\\]>)',
    '(?<text>[^<]+)',
  ].join('|'),
  'y',
)

/**
 * The pieces of an XML stream, by one regular expression for each kind of token: declaration, header, stanzas, end tag.
 *
 * @returns `undefined` for what is not a whole number of well-formed pieces
 */
export function naivePieces(text: string): string[] | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what XML cannot have
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)) return undefined
  const pieces: string[] = []
  let piece = ''
  let depth = 0
  let isOver = false
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (!match?.groups) return undefined
    const { declaration, empty, open, close, cdata, text: characters } = match.groups
    if (depth <= 1 && characters !== undefined) {
      if (/[^ \t\r\n]/.test(characters)) return undefined
      continue
    }
    if (isOver || (declaration && (depth > 0 || pieces.length > 0)) || (cdata && depth <= 1) || (close && depth === 0)) return undefined
    if (open) depth += 1
    if (close) depth -= 1
    isOver = depth === 0 && (close ?? empty) !== undefined
    piece += match[0]
    if (depth <= 1) {
      pieces.push(piece)
      piece = ''
    }
  }
  return piece === '' ? pieces : undefined
}
