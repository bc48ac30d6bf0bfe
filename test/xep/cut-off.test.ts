// Goal: who remembers a part of a stanza does not keep the stanza in memory. Method: stanzas are parsed, one id of each is kept, and the heap
// is looked at.

import { randomUUID } from 'node:crypto'
import test from 'ava'
import { KnownItems } from '../../src/pubsub/store/known-items.ts'
import { attribute, type Element, startStreamParser } from '../../src/xep/element.ts'
import { reachableBytes } from '../helpers/held.ts'

const MIB = 2 ** 20

/** Octets that are held once `keep` has got an element of each of so many stanzas. */
function heldBy(stanzas: number, characters: number, keep: (element: Element) => void): number {
  const parser = startStreamParser({ start: () => {}, element: keep, end: () => {} })
  parser.write('<stream>')
  const before = reachableBytes()
  for (let at = 0; at < stanzas; at++)
    parser.write(`<item id='${randomUUID()}'><note>${randomUUID()}</note>${'x'.repeat(characters)}</item>`)
  return reachableBytes() - before
}

test.serial('attributes and short texts of long stanzas can be kept without them', (t) => {
  const ids: string[] = []
  const held = heldBy(200, 100_000, (element) => ids.push(attribute(element, 'id') ?? '', element.getChildText('note') ?? ''))
  t.true(held < MIB, `${held} octets for ${ids.length} ids`)
  t.true(ids.every((id) => /^[0-9a-f-]{36}$/.test(id)))
})

test.serial('ids of items that are remembered are without their stanzas, long or not', (t) => {
  const known: KnownItems[] = []
  const held = heldBy(2_000, 8_000, (element) => {
    const last = known.at(-1)
    const items = last && last.count < 50 ? last : new KnownItems()
    if (items !== last) known.push(items)
    items.put(attribute(element, 'id') ?? '')
  })
  t.true(held < 2 * MIB, `${held} octets for ${known.length * 50} ids`)
})
