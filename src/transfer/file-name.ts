import { BytestreamError } from '../core/index.ts'

/** Octets of a name that every file system in use can hold, less what a part file adds. */
const NAME_BYTES_MAX = 200

/** Names that are devices somewhere, whatever their extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\x00-\x1f\x7f-\x9f<>:"|?*\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/**
 * Turns the name a sender gave into one that is safe to create in a folder: the last part of a path, without
 * separators, control characters, marks that change the direction of text, device names or leading dots.
 *
 * @throws BytestreamError `ERR_FILE_NAME` when nothing is left of it
 */
export function toSafeFileName(name: string): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const cleaned = last.replace(UNSAFE, '_').replace(/^[.\s]+|[.\s]+$/g, '')
  if (cleaned === '' || /^_+$/.test(cleaned)) {
    throw new BytestreamError('ERR_FILE_NAME', `"${name.slice(0, 50)}" cannot be the name of a file`)
  }
  return shorten(DEVICE.test(cleaned) ? `_${cleaned}` : cleaned)
}

/** Cuts a name in the middle, so that its extension stays. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name
  const [extension = ''] = /\.[^.]{1,16}$/.exec(name) ?? []
  let stem = ''
  for (const character of name.slice(0, name.length - extension.length)) {
    if (Buffer.byteLength(stem + character + extension) > NAME_BYTES_MAX) break
    stem += character
  }
  return stem + extension
}

/** `name`, `name (1)`, `name (2)`, …: the alternatives when a file of that name exists. */
export function numberFileName(name: string, number: number): string {
  if (number === 0) return name
  const [extension = ''] = /(?<=.)\.[^.]{1,16}$/.exec(name) ?? []
  return `${name.slice(0, name.length - extension.length)} (${number})${extension}`
}
