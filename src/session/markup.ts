/**
 * The rules of XML's tags (XML 1.0 §2.4, §3.1) as a table over octets. It is stricter than the parser that follows:
 * whatever the two could read differently, and hide from the limits by that, has no cell.
 */

/** Kinds of octets. Beyond ASCII all are letters; a control character has no cell anywhere (XML 1.0 §2.2). */
const kinds = ['control', 'space', 'letter', 'digit', '<', '>', '/', '=', "'", '"', '!', '?', ']', 'other'] as const
type Kind = (typeof kinds)[number]

/** Where a stream can be between two octets. */
const states = [
  'between', // the pieces of a stream, where only white space may be
  'over',
  'text',
  'tag',
  'name',
  'gap',
  'attribute',
  'equals',
  'quote',
  'single quotes',
  'double quotes',
  'behind value',
  'slash',
  'end tag',
  'end name',
  'end gap',
  'declaration name',
  'declaration gap',
  'declaration',
  'declaration end',
  'cdata name',
  'cdata',
  'cdata ]',
  'cdata ]]',
] as const
export type State = (typeof states)[number]

/** What an octet can bring about besides a state. Whoever counts decides on the state that follows. */
const arrivals = ['opened', 'closed', 'empty', 'declared', 'text again', 'exclamation', 'question', 'letter of a name', 'refused'] as const
type Arrival = (typeof arrivals)[number]

type Row = Partial<Record<Kind | 'else', State | Arrival>>

const rows: Record<State, Row> = {
  between: { space: 'between', '<': 'tag' },
  over: { space: 'over' },
  text: { '<': 'tag', else: 'text' },
  tag: { letter: 'name', '/': 'end tag', '!': 'exclamation', '?': 'question' },
  name: { letter: 'name', digit: 'name', space: 'gap', '/': 'slash', '>': 'opened' },
  gap: { space: 'gap', letter: 'attribute', '/': 'slash', '>': 'opened' },
  attribute: { letter: 'attribute', digit: 'attribute', space: 'equals', '=': 'quote' },
  equals: { space: 'equals', '=': 'quote' },
  quote: { space: 'quote', "'": 'single quotes', '"': 'double quotes' },
  'single quotes': { "'": 'behind value', '<': 'refused', else: 'single quotes' },
  'double quotes': { '"': 'behind value', '<': 'refused', else: 'double quotes' },
  'behind value': { space: 'gap', '/': 'slash', '>': 'opened' },
  slash: { '>': 'empty' },
  'end tag': { letter: 'end name' },
  'end name': { letter: 'end name', digit: 'end name', space: 'end gap', '>': 'closed' },
  'end gap': { space: 'end gap', '>': 'closed' },
  'declaration name': { else: 'letter of a name' },
  'declaration gap': { space: 'declaration' },
  declaration: { '?': 'declaration end', '<': 'refused', '>': 'refused', else: 'declaration' },
  'declaration end': { '>': 'declared' },
  'cdata name': { else: 'letter of a name' },
  cdata: { ']': 'cdata ]', else: 'cdata' },
  'cdata ]': { ']': 'cdata ]]', else: 'cdata' },
  'cdata ]]': { ']': 'cdata ]]', '>': 'text again', else: 'cdata' },
}

/** What stands where no cell is, in words. */
export const faults: Partial<Record<State, string>> = {
  between: 'text outside of stanzas',
  over: 'something behind the end of a stream',
  tag: 'a tag without a name',
  attribute: 'an attribute without a value',
  equals: 'an attribute without a value',
  quote: 'an attribute without quotes',
  'single quotes': 'an attribute with "<" in it',
  'double quotes': 'an attribute with "<" in it',
  slash: 'a tag with "/" in it',
  'end tag': 'an end tag without a name',
  'end name': 'an end tag with more than a name',
  'end gap': 'an end tag with more than a name',
}

function kindOf(octet: number): Kind {
  const character = String.fromCharCode(octet)
  if (octet >= 0x80 || /[A-Za-z_:]/.test(character)) return 'letter'
  if (/[0-9.-]/.test(character)) return 'digit'
  if (/[ \t\r\n]/.test(character)) return 'space'
  if (octet < 0x20) return 'control'
  return kinds.find((kind) => kind === character) ?? 'other'
}

/** States come first, so that one comparison tells an arrival from a state. */
const numbered: readonly (State | Arrival)[] = [...states, ...arrivals]

export const numbers = Object.fromEntries(numbered.map((name, number) => [name, number])) as Readonly<Record<State | Arrival, number>>
export const nameOf = (number: number): State | Arrival => numbered[number] as State | Arrival
export const ARRIVALS = states.length
export const KIND_BITS = 4

/** The number of the kind of each octet. */
export const kindOfOctet = Uint8Array.from({ length: 256 }, (_, octet) => kinds.indexOf(kindOf(octet)))

/** The number of what follows, at `state << KIND_BITS | kind`. */
export const following = new Uint8Array(states.length << KIND_BITS).fill(numbers.refused)
for (const [index, state] of states.entries()) {
  for (const [kind, name] of kinds.entries()) {
    const next = rows[state][name] ?? (name === 'control' ? undefined : rows[state].else)
    if (next) following[(index << KIND_BITS) | kind] = numbers[next]
  }
}
