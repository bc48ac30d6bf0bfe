/** What a local part cannot have, and what stands for it (XEP-0106 §3.2). */
const escapes: readonly (readonly [character: string, escaped: string])[] = [
  [' ', '\\20'],
  ['"', '\\22'],
  ['&', '\\26'],
  ["'", '\\27'],
  ['/', '\\2f'],
  [':', '\\3a'],
  ['<', '\\3c'],
  ['>', '\\3e'],
  ['@', '\\40'],
  ['\\', '\\5c'],
]
const byCharacter = new Map(escapes)
const byEscape = new Map(escapes.map(([character, escaped]) => [escaped, character]))

/** A backslash only where it would be read as the beginning of an escape. */
const TO_ESCAPE = /[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g
const ESCAPED = /\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/g

/**
 * A text as the local part of a JID, not prepared yet: `builds/nightly` becomes `builds\2fnightly`.
 *
 * @see XEP-0106 §4.2
 */
export function escapeLocal(text: string): string {
  return text.replace(TO_ESCAPE, (character) => byCharacter.get(character) as string)
}

/**
 * What a local part stands for.
 *
 * @see XEP-0106 §4.1
 */
export function unescapeLocal(local: string): string {
  return local.replace(ESCAPED, (escaped) => byEscape.get(escaped) as string)
}
