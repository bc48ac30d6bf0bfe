import { Element } from '@xmpp/xml'

/** XML that was written before, in the place of an element. Nothing looks into it again: it has no name and no children. */
export class RawXml extends Element {
  readonly xml: string

  constructor(xml: string) {
    super('')
    this.xml = xml
  }

  override write(writer: (text: string) => void): void {
    writer(this.xml)
  }
}

/**
 * Text that `writeXml` made of elements, to be written as it is inside another: it has to mean the same there, with every
 * namespace declared in it (`declareNamespaces`). Never for text that came from elsewhere.
 */
export function rawXml(text: string): Element {
  return new RawXml(text)
}
