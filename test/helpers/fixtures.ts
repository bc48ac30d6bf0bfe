import { readdirSync } from 'node:fs'
import { attribute, type Element, parseElement } from '../../src/xep/index.ts'
import { readRepositoryFile } from './repository-files.ts'

function elementsOf(path: string): Element[] {
  const text = readRepositoryFile(path)
  return parseElement(text.replace(/^<\?xml[^>]*>\s*<!--[\s\S]*?-->/, '')).getChildElements()
}

/** The stanzas of the examples of a specification, by their numbers. */
export function readExamples(specification: string): ReadonlyMap<number, Element> {
  const examples = elementsOf(`test/fixtures/examples/${specification}.xml`)
  return new Map(examples.map((example) => [Number(attribute(example, 'number')), example.getChildElements()[0] as Element]))
}

/** A stanza of a real client: what it sent to its server, or what its server gave it. */
export interface CapturedStanza {
  readonly client: string
  readonly way: 'sent' | 'received'
  readonly stanza: Element
}

/** Every transfer of real clients there is, by the name of its file. */
export const captures = readdirSync(new URL('../fixtures/captures', import.meta.url)).map((file) => file.replace(/\.xml$/, ''))

export function readCapture(name: string): readonly CapturedStanza[] {
  return elementsOf(`test/fixtures/captures/${name}.xml`).flatMap((at) => {
    const [client, way] = [attribute(at, 'client') ?? '', attribute(at, 'way') === 'RECV' ? 'sent' : 'received'] as const
    return at.getChildElements().map((stanza) => ({ client, way, stanza }))
  })
}

/** The same without what is `undefined`, however deep. */
export function defined<T>(value: T): T {
  if (Array.isArray(value)) return value.map(defined) as T
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries.map(([name, one]) => [name, defined(one)])) as T
}
