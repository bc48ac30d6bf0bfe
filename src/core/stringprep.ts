import { createRequire } from 'node:module'
import type Tables from 'stringprep/lib/tables.js'
import { BytestreamError } from './errors.ts'

type Table = keyof typeof Tables

let tables: typeof Tables | undefined

/** What is only of ASCII needs none of them, as most names: they are not read before. */
function rangesOf(table: Table): (typeof Tables)[Table] {
  tables ??= createRequire(import.meta.url)('stringprep/lib/tables.js') as typeof Tables
  return tables[table]
}

interface Profile {
  readonly mapped: readonly Table[]
  readonly prohibited: readonly Table[]
  /** ASCII characters prohibited besides the tables. */
  readonly characters: string
}

const C = [
  'rfc3454-C_1_2',
  'rfc3454-C_2_2',
  'rfc3454-C_3',
  'rfc3454-C_4',
  'rfc3454-C_5',
  'rfc3454-C_6',
  'rfc3454-C_7',
  'rfc3454-C_8',
  'rfc3454-C_9',
] as const

const profiles = {
  // RFC 6122 appendix A
  nodeprep: {
    mapped: ['rfc3454-B_1', 'rfc3454-B_2'],
    prohibited: ['rfc3454-C_1_1', 'rfc3454-C_2_1', ...C],
    characters: `"&'/:<>@`,
  },
  // RFC 3491
  nameprep: { mapped: ['rfc3454-B_1', 'rfc3454-B_2'], prohibited: C, characters: '' },
  // RFC 6122 appendix B
  resourceprep: { mapped: ['rfc3454-B_1'], prohibited: ['rfc3454-C_2_1', ...C], characters: '' },
  // RFC 4013, but for the spaces: see saslprep
  saslprep: { mapped: ['rfc3454-B_1'], prohibited: ['rfc3454-C_2_1', ...C], characters: '' },
} as const satisfies Record<string, Profile>

/** The replacement `table` holds for a code point, or `undefined` where it has none. */
function lookUp(table: Table, codePoint: number): string | undefined {
  const ranges = rangesOf(table)
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const [from, to, replacement] = ranges[middle] as (typeof ranges)[number]
    if (codePoint < from) high = middle
    else if (codePoint > to) low = middle + 1
    else return replacement
  }
  return undefined
}

const isIn = (table: Table, codePoint: number) => lookUp(table, codePoint) !== undefined

/** COMPAT(stringprep 0.1.1): its B.2 cuts the small Deseret letters, which lie 40 behind the capital ones, to 16 bits. */
const DESERET_CAPITALS = [0x10400, 0x10425] as const
const DESERET_OFFSET = 40

function map(text: string, mapped: readonly Table[]): string {
  let result = ''
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number
    let replacement: string | undefined
    for (const table of mapped) replacement ??= lookUp(table, codePoint)
    if (replacement !== undefined && codePoint >= DESERET_CAPITALS[0] && codePoint <= DESERET_CAPITALS[1]) {
      replacement = String.fromCodePoint(codePoint + DESERET_OFFSET)
    }
    result += replacement ?? character
  }
  return result
}

/** NFKC of Unicode 3.2 (RFC 3454 §4), which leaves alone whatever was not assigned then. */
function normalize(text: string): string {
  let result = ''
  let run = ''
  for (const character of text) {
    if (isIn('rfc3454-A_1', character.codePointAt(0) as number)) {
      result += run.normalize('NFKC') + character
      run = ''
    } else {
      run += character
    }
  }
  return result + run.normalize('NFKC')
}

/** RFC 3454 §6: right-to-left text stands alone, at both ends. */
function hasBrokenBidi(codePoints: readonly number[]): boolean {
  const rightToLeft = codePoints.map((codePoint) => isIn('rfc3454-D_1', codePoint))
  if (!rightToLeft.includes(true)) return false
  return !rightToLeft[0] || !rightToLeft.at(-1) || codePoints.some((codePoint) => isIn('rfc3454-D_2', codePoint))
}

/**
 * Prepares one part of a JID with a stringprep profile. Code points that Unicode 3.2 had not assigned are let
 * through: some servers take them, and theirs is the say.
 *
 * @throws BytestreamError `ERR_JID_MALFORMED` for a prohibited character or mixed directions
 * @see RFC 3454, RFC 6122 appendices A and B, RFC 3491
 */
export function prepare(profile: keyof typeof profiles, text: string): string {
  const { mapped, prohibited, characters }: Profile = profiles[profile]
  if (profile === 'resourceprep' || profile === 'saslprep' ? /^[\x20-\x7e]*$/.test(text) : /^[a-z0-9._-]*$/.test(text)) return text

  const result = normalize(map(text, mapped))
  const codePoints = Array.from(result, (character) => character.codePointAt(0) as number)
  for (const codePoint of codePoints) {
    if (prohibited.some((table) => isIn(table, codePoint)) || (codePoint < 128 && characters.includes(String.fromCharCode(codePoint)))) {
      throw new BytestreamError(
        'ERR_JID_MALFORMED',
        `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')} is not allowed here (${profile})`,
      )
    }
  }
  if (hasBrokenBidi(codePoints)) {
    throw new BytestreamError('ERR_JID_MALFORMED', `text of both directions is mixed (${profile})`)
  }
  return result
}

/**
 * Prepares a password as SASL compares it.
 *
 * @throws BytestreamError `ERR_JID_MALFORMED` for a prohibited character or mixed directions
 * @see RFC 4013, RFC 5802 §2.2
 */
export function saslprep(password: string): string {
  // RFC 4013 §2.1: spaces beyond ASCII (RFC 3454 C.1.2) become the one of ASCII.
  return prepare('saslprep', password.replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' '))
}
