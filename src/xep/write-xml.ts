import type { Element } from './element.ts'
import { RawXml } from './raw-xml.ts'

/**
 * What would not come back as itself: markup, and white space that parsers change, in attributes into spaces
 * (XML 1.0 §3.3.3), and carriage returns anywhere (§2.11). An `id`, or a `sid` that is hashed, has to come back as it was.
 */
const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const refer = (character: string) => references[character] as string
const writeText = (text: string) => text.replace(/[&<>\r]/g, refer)

/** The text of an attribute, to stand between double quotes. */
export const writeValue = (text: string) => text.replace(/[&<>"\t\n\r]/g, refer)

/** An element as text, from which any XML parser reads the same again. */
export function writeXml(element: Element): string {
  if (element instanceof RawXml) return element.xml
  let text = `<${element.name}`
  for (const [name, value] of Object.entries(element.attrs as Record<string, unknown>)) {
    if (value !== undefined && value !== null) text += ` ${name}="${writeValue(String(value))}"`
  }
  if (element.children.length === 0) return `${text}/>`
  text += '>'
  for (const child of element.children) text += typeof child === 'object' ? writeXml(child) : writeText(String(child))
  return `${text}</${element.name}>`
}
