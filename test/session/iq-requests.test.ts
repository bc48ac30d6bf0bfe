import test from 'ava'
import { BytestreamError, StanzaError } from '../../src/core/index.ts'
import { IqRequests } from '../../src/session/iq-requests.ts'
import { attribute, buildErrorReply, buildIqResult, buildPing, type Element, xml } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const ACCOUNT = 'romeo@example.org/orchard'
const OWN: readonly string[] = [ACCOUNT, 'romeo@example.org', 'example.org']
const isOurs = (jid: string) => OWN.includes(jid)

function setUp() {
  const clock = new FakeClock()
  const requests = new IqRequests(clock)
  const sent: Element[] = []
  const ask = (to?: string, options: Parameters<IqRequests['ask']>[1] = {}) =>
    requests.ask({ type: 'get', to, payload: buildPing() }, options, (stanza) => sent.push(stanza))
  /** The result to the newest question, from `from`. */
  const resultFrom = (from: string | undefined, payload?: Element) => {
    const result = buildIqResult(sent.at(-1) as Element, payload)
    result.attrs['from'] = from
    return result
  }
  return { clock, requests, sent, ask, resultFrom, settle: (stanza: Element) => requests.settle(stanza, isOurs) }
}

test('a question is an IQ with an id nobody can guess, and its payload', (t) => {
  const { requests, sent } = setUp()
  for (let index = 0; index < 100; index++) {
    void requests.ask({ type: 'set', to: 'a@example.net', from: 'b@example.org', payload: buildPing() }, {}, (stanza) => sent.push(stanza))
  }
  const ids = new Set(sent.map((stanza) => attribute(stanza, 'id') ?? ''))
  t.is(ids.size, 100)
  for (const id of ids) t.is(Buffer.from(id, 'base64url').length, 9)
  t.like(sent[0]?.attrs, { type: 'set', to: 'a@example.net', from: 'b@example.org' })
  t.truthy(sent[0]?.getChild('ping', 'urn:xmpp:ping'))
})

test('the payload of the result is the answer, and undefined where there is none', async (t) => {
  const { ask, settle, resultFrom } = setUp()
  const first = ask('example.net')
  t.true(settle(resultFrom('example.net', xml('query', { xmlns: 'x' }))))
  t.is((await first)?.getNS(), 'x')
  const second = ask('example.net')
  t.true(settle(resultFrom('example.net')))
  t.is(await second, undefined)
})

test('a result is heard at once, before whatever is looked at behind it, and an error is not', async (t) => {
  const { ask, settle, resultFrom, sent } = setUp()
  const heard: (string | undefined)[] = []
  const onResult = (payload: Element | undefined) => void heard.push(payload?.getName())
  const first = ask('example.net', { onResult })
  settle(resultFrom('example.net', xml('query', { xmlns: 'x' })))
  t.deepEqual(heard, ['query'])
  await first
  const second = ask('example.net', { onResult })
  settle(buildErrorReply(sent[1] as Element, { type: 'auth', condition: 'forbidden' }, 'go away'))
  await t.throwsAsync(second)
  t.deepEqual(heard, ['query'])
  const refusing = ask('example.net', {
    onResult: () => {
      throw new BytestreamError('ERR_BAD_REQUEST', 'not that')
    },
  })
  t.true(settle(resultFrom('example.net')))
  await t.throwsAsync(refusing, { code: 'ERR_BAD_REQUEST' })
})

test('an error is thrown as the other side wrote it', async (t) => {
  const { ask, settle, sent } = setUp()
  const question = ask('example.net')
  t.true(settle(buildErrorReply(sent[0] as Element, { type: 'auth', condition: 'forbidden' }, 'go away')))
  const error = await t.throwsAsync(question, { instanceOf: StanzaError })
  t.is(error.code, 'ERR_STANZA')
  t.is(error.condition, 'forbidden')
  t.is(error.text, 'go away')
})

const answers = test.macro({
  async exec(t, to: string | undefined, accepted: readonly (string | undefined)[], refused: readonly (string | undefined)[]) {
    for (const from of accepted) {
      const { ask, settle, resultFrom, requests } = setUp()
      const question = ask(to)
      t.true(settle(resultFrom(from)), `from ${from}`)
      await question
      t.is(requests.size, 0)
    }
    for (const from of refused) {
      const { ask, settle, resultFrom, requests } = setUp()
      void ask(to)
      t.false(settle(resultFrom(from)), `from ${from}`)
      t.is(requests.size, 1, 'and it goes on waiting')
    }
  },
  title: (given) => `RFC 6120 §8.1.2: a question to ${given}`,
})
const strangers = ['juliet@example.net/balcony', 'example.net', 'romeo@example.org/other']
test(
  'another entity is answered by that one',
  answers,
  'juliet@example.net/balcony',
  ['juliet@example.net/balcony'],
  ['juliet@example.net', 'example.net', 'example.org', ACCOUNT, undefined],
)
test(
  'another entity may be answered under its prepared form',
  answers,
  'Juliet@EXAMPLE.net/Balcony',
  ['juliet@example.net/Balcony', 'Juliet@EXAMPLE.net/Balcony'],
  ['juliet@example.net/balcony'],
)
test(
  'nobody is answered by the account or its server',
  answers,
  undefined,
  [undefined, 'romeo@example.org', 'example.org', ACCOUNT],
  strangers,
)
test('the server may be answered by nobody', answers, 'example.org', ['example.org', undefined], ['romeo@example.org', ...strangers])
test('the server, in other letters, may be answered by nobody', answers, 'Example.ORG', ['example.org', undefined], strangers)
test('what is no JID is answered by the same text', answers, 'a b@example.net', ['a b@example.net'], ['A b@example.net', undefined])
test('the account may be answered by nobody', answers, 'romeo@example.org', ['romeo@example.org', undefined], ['example.org', ...strangers])

test('what nobody asked settles nothing, and neither does the same answer again', async (t) => {
  const { ask, settle, resultFrom, sent } = setUp()
  t.false(settle(xml('iq', { type: 'result', id: 'unheard-of', from: 'example.net' })))
  t.false(settle(xml('iq', { type: 'result', from: 'example.net' })))
  const question = ask('example.net')
  const result = resultFrom('example.net')
  t.true(settle(result))
  t.false(settle(result))
  await question
  t.is(sent.length, 1)
})

test('an answer has a deadline', async (t) => {
  const { ask, clock, requests, settle, resultFrom } = setUp()
  const question = ask('example.net', { answerMsMax: 1_500 })
  clock.advance(1_499)
  t.is(requests.size, 1)
  clock.advance(1)
  const error = await t.throwsAsync(question, { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_TIMEOUT')
  t.is(error.message, 'example.net did not answer within 1.5 s')
  t.is(requests.size, 0)
  t.false(settle(resultFrom('example.net')), 'what comes later is not an answer')
})

test('unless told otherwise, the deadline is after 30 seconds; an answer stops it', async (t) => {
  const { ask, clock, settle, resultFrom } = setUp()
  const answered = ask('example.net')
  settle(resultFrom('example.net'))
  await answered
  t.is(clock.waiting, 0)
  const question = ask()
  clock.advance(30_000)
  t.is((await t.throwsAsync(question)).message, 'the server did not answer within 30 s')
})

test('a question can be called off, before and while it waits', async (t) => {
  const { ask, clock, requests, sent } = setUp()
  const controller = new AbortController()
  const question = ask('example.net', { signal: controller.signal })
  controller.abort()
  t.is((await t.throwsAsync(question, { instanceOf: BytestreamError })).code, 'ERR_ABORTED')
  t.is(requests.size, 0)
  t.is(clock.waiting, 0)
  const late = ask('example.net', { signal: controller.signal })
  t.is((await t.throwsAsync(late, { instanceOf: BytestreamError })).code, 'ERR_ABORTED')
  t.is(sent.length, 1, 'nothing is sent that is not wanted any more')
})

test('of an answer and the end of waiting in the same turn of the event loop, the first counts', async (t) => {
  const { ask, settle, resultFrom, requests } = setUp()
  const [late, early] = [new AbortController(), new AbortController()]
  const answered = ask('example.net', { signal: late.signal })
  settle(resultFrom('example.net', xml('query', { xmlns: 'x' })))
  late.abort()
  t.is((await answered)?.getNS(), 'x')
  const given = ask('example.net', { signal: early.signal })
  early.abort()
  settle(resultFrom('example.net'))
  await t.throwsAsync(given, { code: 'ERR_ABORTED' })
  t.is(requests.size, 0)
})

test('when the connection is lost every question fails with the reason', async (t) => {
  const { ask, clock, requests } = setUp()
  const questions = [ask('example.net'), ask()]
  const reason = new BytestreamError('ERR_SESSION_CLOSED', 'gone')
  requests.failAll(reason)
  for (const question of questions) t.is(await t.throwsAsync(question), reason)
  t.is(requests.size, 0)
  t.is(clock.waiting, 0)
})

test('a question that cannot be sent is not waited for', async (t) => {
  const { clock, requests } = setUp()
  const fault = new Error('no socket')
  const question = requests.ask({ type: 'get', payload: buildPing() }, {}, () => {
    throw fault
  })
  t.is(await t.throwsAsync(question), fault)
  t.is(requests.size, 0)
  t.is(clock.waiting, 0)
})

test('questions that wait have a maximum, and one that is answered makes room', async (t) => {
  const { ask, requests, settle, resultFrom } = setUp()
  const waiting: Promise<unknown>[] = []
  for (let index = 0; index < 10_000; index++) waiting.push(ask('example.net'))
  const error = await t.throwsAsync(ask('example.net'), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_INTERNAL')
  t.is(requests.size, 10_000)
  settle(resultFrom('example.net'))
  await waiting.pop()
  waiting.push(ask('example.net'))
  t.is(requests.size, 10_000)
  requests.failAll(new BytestreamError('ERR_SESSION_CLOSED', ''))
  await Promise.allSettled(waiting)
})
