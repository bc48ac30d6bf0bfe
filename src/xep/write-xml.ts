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
/** Most texts have none of these, and are only looked at. */
const inText = /[&<>\r]/
const inValue = /[&<>"\t\n\r]/
const writeText = (text: string) => (inText.test(text) ? text.replace(/[&<>\r]/g, refer) : text)

/** The text of an attribute, to stand between double quotes. */
export const writeValue = (text: string) => (inValue.test(text) ? text.replace(/[&<>"\t\n\r]/g, refer) : text)

/** An element as text, from which any XML parser reads the same again. */
export function writeXml(element: Element): string {
  if (element instanceof RawXml) return element.xml
  let text = `<${element.name}`
  for (const name of Object.keys(element.attrs)) {
    const value: unknown = element.attrs[name]
    if (value !== undefined && value !== null) text += ` ${name}="${writeValue(String(value))}"`
  }
  if (element.children.length === 0) return `${text}/>`
  text += '>'
  for (const child of element.children) text += typeof child === 'object' ? writeXml(child) : writeText(String(child))
  return `${text}</${element.name}>`
}
