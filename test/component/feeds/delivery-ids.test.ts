import test from 'ava'
import fc from 'fast-check'
import { deliveredMessage, deliveryId } from '../../../src/component/feeds/delivery-ids.ts'

const SERVICE = 'feeds.example.org'

test('from the id of a delivery its message can be read, and it is a UUID of version 8 (RFC 9562 §5.8)', (t) => {
  const messages = fc.record({ id: fc.integer({ min: 1, max: 2 ** 48 - 1 }), publishedMs: fc.nat() })
  fc.assert(
    fc.property(messages, (message) => {
      const id = deliveryId(SERVICE, message)
      t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      t.is(deliveredMessage(id), message.id)
    }),
  )
})

test('it is the same each time, and another for another message, service, or database', (t) => {
  const message = { id: 7, publishedMs: 1000 }
  t.is(deliveryId(SERVICE, message), deliveryId(SERVICE, message))
  const others = [deliveryId(SERVICE, { ...message, id: 8 }), deliveryId('other.example.org', message)]
  // In memory numbers begin anew with each process; clients would take the second 7 for the first.
  const anew = deliveryId(SERVICE, { ...message, publishedMs: 2000 })
  t.is(new Set([deliveryId(SERVICE, message), ...others, anew]).size, 4)
})

test('what is no id of a delivery names no message', (t) => {
  for (const id of [
    '',
    '7',
    '9559976b-3fbf-4e7e-b457-2daa225972bb',
    '1-abcdefgh-1',
    `${deliveryId(SERVICE, { id: 7, publishedMs: 0 })}0`,
  ]) {
    t.is(deliveredMessage(id), undefined, id)
  }
})
