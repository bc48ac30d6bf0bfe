import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { buildCommand, buildCommandAnswer, NS, parseCommand, parseCommandAnswer, parseElement, pubsubForms } from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { formText, inside } from '../helpers/pubsub-examples.ts'

const node = `${NS.pubsub}#get-pending`
const sessionId = 'pubsub-get-pending:20031021T150901Z-600'
const formType = pubsubForms.subscribeAuthorization
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
const command = (attributes: string, content = '') =>
  `<command xmlns='http://jabber.org/protocol/commands' ${attributes}>${content}</command>`

test('the first step is XEP-0060 §8.7.1', (t) => {
  const example = command(`node='${node}' action='execute'`)
  means(t, buildCommand({ node, action: 'execute' }), example)
  t.deepEqual(plain(parseCommand(inside(example), formType)), { node, action: 'execute' })
  // XEP-0050 §3.1: to execute is what is meant where nothing is said.
  t.is(parseCommand(inside(command(`node='${node}'`)), formType).action, 'execute')
})

test('the nodes to choose from are §8.7.2, but for the action, which belongs to requests (XEP-0050 §3)', (t) => {
  const options = '<option><value>princely_musings</value></option><option><value>news_from_elsinore</value></option>'
  const form = formText('form', 'subscribe_authorization', `<field type='list-single' var='pubsub#node'>${options}</field>`)
  const answer = {
    ...{ node, sessionId, status: 'executing' as const },
    form: {
      type: 'form' as const,
      formType,
      fields: [
        { var: 'pubsub#node', type: 'list-single', values: [], options: [{ value: 'princely_musings' }, { value: 'news_from_elsinore' }] },
      ],
    },
  }
  means(t, buildCommandAnswer(answer), command(`sessionid='${sessionId}' node='${node}' status='executing'`, form))
  t.like(parseCommandAnswer(inside(command(`sessionid='${sessionId}' node='${node}' status='executing' action='execute'`, form))), answer)
})

test('the choice is §8.7.4', (t) => {
  const form = "<x xmlns='jabber:x:data' type='submit'><field var='pubsub#node'><value>princely_musings</value></field></x>"
  const example = command(`sessionid='${sessionId}' node='${node}' action='execute'`, form)
  const request = {
    node,
    action: 'execute',
    sessionId,
    form: { type: 'submit', fields: [{ var: 'pubsub#node', values: ['princely_musings'] }] },
  } as const
  means(t, buildCommand(request), example)
  t.like(parseCommand(inside(example), formType), request)
})

test('the end is that of XEP-0050 §3.4; what §8.7.4 shows for it is understood', (t) => {
  const answer = { node, sessionId, status: 'completed' as const }
  means(t, buildCommandAnswer(answer), command(`sessionid='${sessionId}' node='${node}' status='completed'`))
  t.deepEqual(plain(parseCommandAnswer(inside(command(`sessionid='${sessionId}' node='${node}' action='completed'`)))), answer)
})

for (const [what, text] of [
  ['without a node', command("action='execute'")],
  ['with an action nobody knows', command(`node='${node}' action='run'`)],
  ['with a form of another kind', command(`node='${node}'`, formText('submit', 'node_config', ''))],
  ['with a session without an end', command(`node='${node}' sessionid='${'a'.repeat(4097)}'`)],
] as const) {
  test(`a step ${what} is a bad request`, (t) => {
    t.throws(() => parseCommand(inside(text), formType), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  })
}

test('an answer that does not say what became of the command is none', (t) => {
  t.throws(() => parseCommandAnswer(parseElement(command(`node='${node}'`))), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
})

const text = fc.string({ minLength: 1, unit: 'grapheme' })
test('what is built is read back as it was', (t) => {
  const actions = fc.constantFrom('execute' as const, 'cancel' as const, 'complete' as const, 'next' as const, 'prev' as const)
  const statuses = fc.constantFrom('executing' as const, 'completed' as const, 'canceled' as const)
  fc.assert(
    fc.property(text, actions, statuses, text, (name, action, status, session) => {
      const request = { node: name, action, sessionId: session, form: undefined }
      t.deepEqual(parseCommand(sent(buildCommand(request)), formType), request)
      const answer = { node: name, status, sessionId: session, form: undefined }
      t.deepEqual(parseCommandAnswer(sent(buildCommandAnswer(answer))), answer)
    }),
  )
})

test('any element is read, or refused with a code', (t) => {
  fc.assert(
    fc.property(elements, (element) => {
      for (const parse of [() => parseCommand(element, formType), () => parseCommandAnswer(element)]) {
        try {
          parse()
        } catch (error) {
          t.true(error instanceof BytestreamError, String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
  t.pass()
})
