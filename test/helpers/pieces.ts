import { type Element, parseElement } from '../../src/xep/index.ts'

/** The stanzas in a piece of a stream. */
export const stanzasOf = (piece: string): Element[] => parseElement(`<piece>${piece}</piece>`).getChildElements()
