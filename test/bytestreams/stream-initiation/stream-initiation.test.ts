import test, { type ExecutionContext } from 'ava'
import { offerStream, StreamInitiationResponder } from '../../../src/bytestreams/index.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import {
  attribute,
  buildIq,
  buildStreamAcceptance,
  buildStreamInitiation,
  type Element,
  NS,
  parseStreamAcceptance,
  xml,
} from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { type Script, scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

const SI = 'http://jabber.org/protocol/si'
const methods = [NS.bytestreams, 'http://jabber.org/protocol/ibb']
const initiation = { id: 'a0', profile: NS.siFileTransfer, payload: xml('file', { xmlns: NS.siFileTransfer, name: 'a', size: 1 }), methods }

async function offerTo(t: ExecutionContext, script: Script) {
  const clock = new FakeClock()
  const { session, sent } = await scriptSession(t, clock, 'sender@example.org/a', script)
  const stopping = new AbortController()
  const chosen = offerStream(session, { ...initiation, to: 'receiver@example.org/b', answerMsMax: 90_000, signal: stopping.signal })
  chosen.catch(() => {})
  return { clock, sent, chosen, stopping }
}

for (const method of methods) {
  test(`the offered method that is chosen is the answer: ${method}`, async (t) => {
    const { chosen } = await offerTo(t, () => buildStreamAcceptance(method))
    t.is(await chosen, method)
  })
}

const refused = test.macro({
  async exec(t: ExecutionContext, script: Script, code: string, message: RegExp) {
    const { chosen } = await offerTo(t, script)
    await t.throwsAsync(chosen, { code, message })
  },
  title: (given = '') => `an offer answered with ${given}`,
})
const fails =
  (...given: Parameters<typeof stanzaError>) =>
  () => {
    throw stanzaError(...given)
  }
test(
  'forbidden is declined (XEP-0095 §3.2), with the text',
  refused,
  fails('forbidden', {}, 'Offer Declined'),
  'ERR_DECLINED',
  /declined: Offer Declined$/,
)
test('not-acceptable is declined as well (COMPAT)', refused, fails('not-acceptable'), 'ERR_DECLINED', /declined$/)
for (const condition of ['forbidden', 'resource-constraint']) {
  test(
    `${condition} for a file that is too large is that, with the text`,
    refused,
    fails(condition, { application: ['file-too-large', 'urn:xmpp:jingle:apps:file-transfer:errors:0'] }, 'no room'),
    'ERR_FILE_TOO_LARGE',
    /declined: no room$/,
  )
}
test('resource-constraint without that keeps what was answered', refused, fails('resource-constraint'), 'ERR_STANZA', /resource-constraint/)
test(
  'no-valid-streams is ERR_NO_VALID_STREAMS',
  refused,
  fails('bad-request', { application: ['no-valid-streams', SI] }),
  'ERR_NO_VALID_STREAMS',
  /supports none/,
)
test(
  'bad-profile keeps what was answered',
  refused,
  fails('bad-request', { application: ['bad-profile', SI] }),
  'ERR_STANZA',
  /bad-request \(bad-profile\)/,
)
test('service-unavailable keeps what was answered', refused, fails('service-unavailable'), 'ERR_STANZA', /service-unavailable/)
test(
  'a method that was not offered is ERR_NO_VALID_STREAMS',
  refused,
  () => buildStreamAcceptance('urn:other'),
  'ERR_NO_VALID_STREAMS',
  /without choosing/,
)
test('no method is ERR_NO_VALID_STREAMS', refused, () => xml('si', { xmlns: SI }), 'ERR_NO_VALID_STREAMS', /without choosing/)
test('nothing at all is ERR_NO_VALID_STREAMS', refused, () => undefined, 'ERR_NO_VALID_STREAMS', /without choosing/)

test('an offer nobody answers ends after its time', async (t) => {
  const { clock, chosen } = await offerTo(t, () => 'silence')
  await settle()
  clock.advance(90_000)
  await t.throwsAsync(chosen, { code: 'ERR_TIMEOUT' })
})

test('an offer that is cancelled ends at once', async (t) => {
  const { chosen, stopping, clock } = await offerTo(t, () => 'silence')
  await settle()
  stopping.abort()
  await t.throwsAsync(chosen, { code: 'ERR_ABORTED' })
  t.is(clock.waiting, 0)
})

/** What a responder answers to an offer. */
async function answerTo(
  t: ExecutionContext,
  offer: Element,
  onOffer: Parameters<StreamInitiationResponder['handle']>[1],
): Promise<Element> {
  const { session, sent, receive } = await scriptSession(t, new FakeClock(), 'receiver@example.org/b', () => 'silence')
  const part = new StreamInitiationResponder(session).handle(NS.siFileTransfer, onOffer)
  t.deepEqual(part.features, [NS.si, NS.siFileTransfer])
  receive(buildIq({ type: 'set', id: 'offer', from: 'sender@example.org/a', to: session.jid }, offer))
  while (sent.length === 0) await settle()
  return sent[0] as Element
}

const errorOf = (answer: Element) =>
  answer
    .getChild('error')
    ?.getChildElements()
    .map(({ name }) => name)

test('an offer of a profile that is handled is answered with the method its handler chose', async (t) => {
  let heard: object | undefined
  const answer = await answerTo(t, buildStreamInitiation(initiation), (offer) => {
    heard = offer
    return { method: NS.bytestreams }
  })
  t.is(attribute(answer, 'type'), 'result')
  const [si] = answer.getChildElements()
  t.is(si && parseStreamAcceptance(si), NS.bytestreams)
  t.like(heard, { from: 'sender@example.org/a', id: 'a0', profile: NS.siFileTransfer, methods })
})

const decline = () => {
  throw new BytestreamError('ERR_DECLINED', 'Offer Declined')
}

test('a handler that declines is heard as XEP-0095 §3.2 says it', async (t) => {
  const answer = await answerTo(t, buildStreamInitiation(initiation), decline)
  t.is(attribute(answer.getChild('error') as Element, 'type'), 'cancel')
  t.deepEqual(errorOf(answer), ['forbidden', 'text'])
  t.is(answer.getChild('error')?.getChildText('text'), 'Offer Declined')
})

for (const [what, offer, conditions] of [
  ['of a profile nobody handles', buildStreamInitiation({ ...initiation, profile: 'urn:other' }), ['bad-request', 'bad-profile', 'text']],
  ['without a profile', xml('si', { xmlns: SI, id: 'a0' }), ['bad-request', 'bad-profile', 'text']],
  [
    'without the element of its profile',
    buildStreamInitiation({ ...initiation, payload: xml('other', { xmlns: 'urn:other' }) }),
    ['bad-request', 'bad-profile', 'text'],
  ],
  ['without a method', buildStreamInitiation({ ...initiation, methods: [] }), ['bad-request', 'no-valid-streams', 'text']],
  ['without an id', xml('si', { xmlns: SI, profile: NS.siFileTransfer }, initiation.payload), ['bad-request', 'text']],
] as const) {
  test(`an offer ${what} is refused before its handler hears of it`, async (t) => {
    const answer = await answerTo(t, offer, () => t.fail() as never)
    t.is(attribute(answer, 'type'), 'error')
    t.deepEqual([...(errorOf(answer) ?? [])].sort(), [...conditions].sort())
  })
}
