import test from 'ava'
import fc from 'fast-check'
import { buildPresence, type Presence, type PresenceType, parseElement, parsePresence } from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

const TYPES: PresenceType[] = ['available', 'unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error']

test('to be available is the absence of a type (RFC 6121 §4.7.1)', (t) => {
  means(t, buildPresence({ type: 'available' }), '<presence/>')
  means(t, buildPresence({ type: 'available', to: 'a@b', priority: -1 }), "<presence to='a@b'><priority>-1</priority></presence>")
  means(t, buildPresence({ type: 'unavailable', from: 'c@d/e' }), "<presence from='c@d/e' type='unavailable'/>")
})

test('a priority of 0 goes without saying (RFC 6121 §4.7.2.3)', (t) => {
  means(t, buildPresence({ type: 'available', priority: 0 }), '<presence/>')
})

test('what is built is read back as it was', (t) => {
  const addresses = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined })
  const presences = fc.record({
    type: fc.constantFrom(...TYPES),
    from: addresses,
    to: addresses,
    priority: fc.integer({ min: -128, max: 127 }),
  })
  fc.assert(
    fc.property(presences, (presence: Presence) => {
      t.deepEqual(parsePresence(sent(buildPresence(presence))), presence as ReturnType<typeof parsePresence>)
    }),
  )
})

const reads = test.macro({
  exec(t, text: string, priority: number) {
    t.is(parsePresence(parseElement(`<presence><priority>${text}</priority></presence>`))?.priority, priority)
  },
  title: (_, text, priority) => `a priority of ${JSON.stringify(text)} is ${priority}`,
})
test(reads, '127', 127)
test(reads, '-128', -128)
test(reads, '128', 0)
test(reads, '-129', 0)
test(reads, '', 0)
test(reads, 'high', 0)
test(reads, ' 5 ', 5)

test('a presence of a type nobody knows is none', (t) => {
  t.is(parsePresence(parseElement("<presence type='invisible'/>")), undefined)
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parsePresence(element)),
    { numRuns: 500 },
  )
  t.pass()
})
