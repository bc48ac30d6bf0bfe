import type { Element } from '@xmpp/xml'
import { ownText } from '../core/index.ts'

/** Characters of a stanza from which on it is not worth keeping for a part of it. */
const LONG = 8_192
/** Characters of a part that somebody may remember. */
const SHORT = 4_096

/** Lets what is short in an element, which it changes, be remembered without the text it was parsed from, where that is long. */
export function cutOff(element: Element, text: string): void {
  if (text.length > LONG) copyParts(element)
}

function copyParts(element: Element): void {
  for (const name of Object.keys(element.attrs)) {
    const value: unknown = element.attrs[name]
    if (typeof value === 'string' && value.length <= SHORT) element.attrs[name] = ownText(value)
  }
  for (const [index, child] of element.children.entries()) {
    if (typeof child === 'object') copyParts(child)
    else if (typeof child === 'string' && child.length <= SHORT) element.children[index] = ownText(child)
  }
}
