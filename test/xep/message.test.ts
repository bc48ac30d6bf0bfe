import test from 'ava'
import fc from 'fast-check'
import { buildMessage, type Message, parseElement, parseMessage } from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

test('a chat message is RFC 6121 §5.2.2', (t) => {
  means(
    t,
    buildMessage({
      from: 'juliet@example.com/balcony',
      id: 'b4vs9km4',
      to: 'romeo@example.net',
      type: 'chat',
      body: 'Wherefore art thou?',
    }),
    `<message from='juliet@example.com/balcony' id='b4vs9km4' to='romeo@example.net' type='chat'>
       <body>Wherefore art thou?</body>
     </message>`,
  )
})

test('to be normal is the absence of a type, or one nobody knows', (t) => {
  means(t, buildMessage({ type: 'normal', to: 'a@b' }), "<message to='a@b'/>")
  for (const type of ['', "type='normal'", "type='shout'", "type=''"]) t.is(parseMessage(parseElement(`<message ${type}/>`)).type, 'normal')
})

test('what is built is read back as it was', (t) => {
  const maybe = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined })
  const messages: fc.Arbitrary<Required<Message>> = fc.record({
    type: fc.constantFrom('chat', 'error', 'groupchat', 'headline', 'normal'),
    id: maybe,
    from: maybe,
    to: maybe,
    body: fc.string({ unit: 'grapheme' }),
  })
  fc.assert(fc.property(messages, (message) => void t.deepEqual(parseMessage(sent(buildMessage(message))), message)))
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parseMessage(element)),
    { numRuns: 500 },
  )
  t.pass()
})
