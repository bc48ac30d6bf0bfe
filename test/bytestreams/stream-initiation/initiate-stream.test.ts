import test, { type ExecutionContext } from 'ava'
import {
  type InitiateInit,
  type InitiatorStep,
  initiateStream,
  LastWays,
  ProxyFinder,
  type WayMemory,
} from '../../../src/bytestreams/index.ts'
import { silentLogger } from '../../../src/core/index.ts'
import {
  buildAddresses,
  buildStreamAcceptance,
  type Element,
  NS,
  parseBytestreamOffer,
  parseStreamInitiation,
  xml,
} from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { type Script, scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

const TO = 'receiver@example.org/b'
const PROXY = 'proxy.example.org'
const payload = xml('file', { xmlns: NS.siFileTransfer, name: 'a', size: 1 })

/** Offers a stream, to a script. */
async function initiate(t: ExecutionContext, script: Script, init: Partial<InitiateInit> = {}, ways?: WayMemory) {
  const clock = new FakeClock()
  const { session, sent } = await scriptSession(t, clock, 'sender@example.org/a', script)
  const steps: InitiatorStep[] = []
  const components = {
    session,
    clock,
    logger: silentLogger,
    proxies: new ProxyFinder(session, clock, silentLogger),
    announce: () => {},
    ways,
  }
  const facts = { to: TO, sid: 'a0', profile: NS.siFileTransfer, payload, ownHosts: ['127.0.0.1'] }
  const opened = initiateStream(components, { ...facts, onStep: (step) => steps.push(step), ...init })
  opened.catch(() => {})
  await settle()
  return { clock, opened, steps, sent }
}

const payloadsOf = (sent: readonly Element[], xmlns: string) =>
  sent.flatMap((stanza) => stanza.getChildElements()).filter((element) => element.getNS() === xmlns)

const timings = { overallMsMax: 5_000, answerMsMax: 90_000 }
const tooLate = { code: 'ERR_TIMEOUT', message: `no bytestream to ${TO} within 5 s` } as const

/** Says yes, and then nothing more. */
const acceptWith =
  (method: string): Script =>
  ({ payload: { name } }) =>
    name === 'si' ? buildStreamAcceptance(method) : 'silence'

for (const [what, script, method] of [
  ['while the other side decides', () => 'silence', 'direct'],
  ['while the other side tries our streamhosts', acceptWith(NS.bytestreams), 'direct'],
  ['while a stream is opened in band', acceptWith(NS.inBand), 'ibb'],
] as const satisfies readonly (readonly [string, Script, InitiateInit['method']])[]) {
  test(`the overall deadline runs from the offer, and ends it ${what}`, async (t) => {
    const { clock, opened, sent } = await initiate(t, script, { method, timings })
    t.true(sent.length > 0)
    clock.advance(4_999)
    await settle()
    clock.advance(1)
    await t.throwsAsync(opened, tooLate)
  })
}

test('it runs on over the way in band, when no streamhost has worked', async (t) => {
  const script: Script = ({ to, payload: element }) => {
    if (to === 'example.org') return undefined // It has no proxy.
    if (element.name === 'si') return buildStreamAcceptance(NS.bytestreams)
    if (element.getNS() === NS.bytestreams) throw stanzaError('item-not-found')
    return 'silence'
  }
  const { clock, opened, steps } = await initiate(t, script, { method: 'auto', timings })
  while (!steps.some(({ step }) => step === 'in band')) await settle()
  clock.advance(4_999)
  await settle()
  clock.advance(1)
  await t.throwsAsync(opened, tooLate)
})

/** A server with a proxy, and a peer that takes any stream. */
const withProxy =
  (offers: Element[]): Script =>
  ({ to, payload: element }) => {
    if (element.name === 'si') return buildStreamAcceptance(NS.bytestreams)
    if (element.getNS() === NS.bytestreams && to === PROXY) return buildAddresses([{ jid: PROXY, host: '192.0.2.1', port: 7777 }])
    if (element.getNS() === NS.bytestreams) offers.push(element)
    return 'silence'
  }

test('to a peer that was last reached through a proxy, the proxy is offered first', async (t) => {
  for (const [method, order] of [
    ['proxy', [PROXY, 'sender@example.org/a']],
    ['direct', ['sender@example.org/a', PROXY]],
  ] as const) {
    const ways = new LastWays(new FakeClock(), () => [])
    ways.remember('receiver@example.org/another', method)
    const offers: Element[] = []
    const { opened } = await initiate(t, withProxy(offers), { method: 'auto', proxy: PROXY }, ways)
    while (offers.length === 0) await settle()
    const [offer] = offers
    t.deepEqual(offer && parseBytestreamOffer(offer).streamhosts.map(({ jid }) => jid), order)
    t.is(await Promise.race([opened, Promise.resolve('open')]), 'open')
  }
})

test('to a peer that was last reached in band, nothing else is offered for five minutes, and the reason is told', async (t) => {
  const clock = new FakeClock()
  const ways = new LastWays(clock, () => [])
  ways.remember(TO, 'ibb')
  const script: Script = ({ payload: element }) => (element.name === 'si' ? buildStreamAcceptance(NS.inBand) : undefined)
  const { opened, steps, sent } = await initiate(t, script, { method: 'auto' }, ways)
  t.is((await opened).method, 'ibb')
  t.deepEqual(
    steps.find(({ step }) => step === 'in band'),
    { step: 'in band', reason: `no streamhost has worked for ${TO} a few minutes ago` },
  )
  const [offered] = payloadsOf(sent, NS.si)
  t.deepEqual(offered && parseStreamInitiation(offered).methods, [NS.inBand])
  clock.advance(5 * 60_000)
  const later = await initiate(t, script, { method: 'auto', proxy: PROXY }, ways)
  const [again] = payloadsOf(later.sent, NS.si)
  t.deepEqual(again && parseStreamInitiation(again).methods, [NS.bytestreams, NS.inBand])
})

test('a way that fails is forgotten', async (t) => {
  const ways = new LastWays(new FakeClock(), () => [])
  ways.remember(TO, 'ibb')
  const script: Script = ({ payload: element }) => {
    if (element.name === 'si') return buildStreamAcceptance(NS.inBand)
    throw stanzaError('not-acceptable')
  }
  const { opened } = await initiate(t, script, { method: 'auto' }, ways)
  await t.throwsAsync(opened)
  await settle()
  t.is(ways.recall(TO), undefined)
})
