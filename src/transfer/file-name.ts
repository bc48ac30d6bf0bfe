import { BytestreamError } from '../core/index.ts'

/** Octets of a name that every file system in use can hold, less what a part file adds. */
const NAME_BYTES_MAX = 200

/** Names tried when the wanted one is taken. */
export const FILE_NAMES_MAX = 1_000

/** Folders one inside the other. */
const FOLDER_DEPTH_MAX = 32
/** Octets of a path of folders: with a name, and a folder to begin in, less than any system's maximum. */
const FOLDER_BYTES_MAX = 512

/** What tells the kind of a file; a name that is nothing else has none. */
const EXTENSION = /(?<=.)\.[^.]{1,16}$/s

/** Names that are devices somewhere, whatever their extension. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[\d\u00b9\u00b2\u00b3]|lpt[\d\u00b9\u00b2\u00b3])(\.|$)/i

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\x00-\x1f\x7f-\x9f<>:"|?*\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** What the parts of files are called, which no file may be mistaken for. */
const PART = /\.part(\.json)?$/i

/** Dots and white space: hidden files in front, names that some systems cannot open at the end. */
const EDGES = /^[.\s]+|[.\s]+$/g

/**
 * Turns the name a sender gave into one that is safe to create in a folder: the last part of a path, without
 * separators, control characters, marks that change the direction of text, device names, or dots in front or behind.
 *
 * @param isBelow whether it is for a folder that came along: there a hidden file stays hidden, by one dot
 * @throws BytestreamError `ERR_FILE_NAME` when nothing is left of it
 */
export function toSafeFileName(name: string, isBelow = false): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  if (last.replace(UNSAFE, '').replace(EDGES, '') === '') {
    throw new BytestreamError('ERR_FILE_NAME', `"${toPrintable(name)}" cannot be the name of a file`)
  }
  const replaced = last.replace(UNSAFE, '_')
  const cleaned = replaced.replace(EDGES, '')
  const dot = isBelow && replaced.startsWith('.') && !PART.test(cleaned) ? '.' : ''
  // Neither a device, nor an option to whoever handles the file, nor a mark on what stands before it.
  return shorten(DEVICE.test(cleaned) || /^[-~\p{M}]/u.test(cleaned) ? `${dot}_${cleaned}` : dot + cleaned)
}

/**
 * Turns the folder a sender gave into one that is safe to create in a folder: each step is a safe name, hidden only below the first. What leads out of where it
 * begins, or nowhere, is not mended.
 *
 * @returns the steps, at least one
 * @throws BytestreamError `ERR_FILE_NAME` for an absolute path, steps such as `..`, devices, and what is too deep or too long
 */
export function toSafeFolder(folder: string): readonly string[] {
  const steps = folder.normalize('NFC').split('/')
  const isName = (step: string) => !/[\\\0]|^[.\s]*$/.test(step) && !DEVICE.test(step)
  if (Buffer.byteLength(folder) > FOLDER_BYTES_MAX || steps.length > FOLDER_DEPTH_MAX || !steps.every(isName)) {
    throw new BytestreamError('ERR_FILE_NAME', `"${toPrintable(folder)}" cannot be the path of a folder`)
  }
  return steps.map((step, depth) => toSafeFileName(step, depth > 0))
}

/** For a message: short, and without what a terminal would obey. */
const toPrintable = (name: string) => name.slice(0, 50).replace(UNSAFE, '\ufffd')

/** Cuts a name in the middle, so that its extension stays. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name
  const [extension = ''] = EXTENSION.exec(name) ?? []
  let stem = ''
  for (const character of name.slice(0, name.length - extension.length)) {
    if (Buffer.byteLength(stem + character + extension) > NAME_BYTES_MAX) break
    stem += character
  }
  return stem.replace(/[.\s]+$/, '') + extension
}

/** `name`, `name (1)`, `name (2)`, …: the alternatives when a file of that name exists. */
export function numberFileName(name: string, number: number): string {
  if (number === 0) return name
  const [extension = ''] = EXTENSION.exec(name) ?? []
  return `${name.slice(0, name.length - extension.length)} (${number})${extension}`
}
