import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { type Bytestream, InBandTarget, openInBand } from '../../../src/bytestreams/index.ts'
import { type BytestreamError, type ErrorCode, silentLogger } from '../../../src/core/index.ts'
import { attribute, buildIq, buildIqResult, buildPresence, type Element, NS, parseElement, xml } from '../../../src/xep/index.ts'
import { means } from '../../helpers/elements.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { readAll } from '../../helpers/in-band.ts'
import { type Script, scriptSession, stanzaError } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

// Method: the session's other side is the test, stanza by stanza.

const romeo = 'romeo@montague.net/orchard'
const juliet = 'juliet@capulet.com/balcony'
const sid = 'i781hf64'

/** Juliet's session; the script is Romeo. */
async function setScene(t: ExecutionContext, script: Script = () => undefined) {
  const clock = new FakeClock()
  const { session, sent, receive } = await scriptSession(t, clock, juliet, script)
  const components = { session, clock, logger: silentLogger }
  let count = 0
  /** Lets an IQ of type set come, and waits for its answer. */
  const ask = async (payload: Element, from = romeo): Promise<Element> => {
    const id = `ask-${count++}`
    receive(buildIq({ type: 'set', id, from, to: juliet }, payload))
    for (;;) {
      const answer = sent.find((stanza) => attribute(stanza, 'id') === id)
      if (answer) return answer
      await settle()
    }
  }
  return { clock, session, components, sent, receive, ask }
}

const open = (attributes: Readonly<Record<string, string | number>> = {}) =>
  xml('open', { xmlns: NS.inBand, 'block-size': 4096, sid, ...attributes })
const data = (seq: number | string, text = 'AAAA', attributes: Readonly<Record<string, string>> = {}) =>
  xml('data', { xmlns: NS.inBand, seq, sid, ...attributes }, text)
const close = () => xml('close', { xmlns: NS.inBand, sid })

/** What an answer says: `result`, or type and condition of its error. */
function said(answer: Element): string {
  const error = answer.getChild('error')
  return error ? `${attribute(error, 'type')} ${error.getChildElements()[0]?.name}` : (attribute(answer, 'type') ?? '')
}

/** What we asked for in-band bytestreams, by name. */
const asked = (sent: readonly Element[], name: string) =>
  sent
    .flatMap((stanza) => (attribute(stanza, 'type') === 'set' ? stanza.getChildElements() : []))
    .filter((payload) => payload.name === name)

async function openFromRomeo(t: ExecutionContext, script?: Script) {
  const scene = await setScene(t, script)
  const target = new InBandTarget(scene.components)
  const expected = target.expect({ from: romeo, sid })
  t.is(said(await scene.ask(open())), 'result')
  return { ...scene, target, bytestream: await expected }
}

const brokenBy = async (t: ExecutionContext, { stream, totals }: Bytestream, code: ErrorCode) => {
  t.is((await totals).end, 'reset')
  t.is((stream.errored as BytestreamError | null)?.code, code)
}

test('a session is asked for as in XEP-0047 example 1, with blocks of 4,096 octets', async (t) => {
  const { components, sent } = await setScene(t)
  const { peer, method, blockSize, streamhost, dstAddr } = await openInBand(components, { to: romeo, sid })
  t.deepEqual([peer, method, blockSize, streamhost, dstAddr], [romeo, 'ibb', 4096, undefined, undefined])
  const [stanza] = sent
  t.is(stanza && attribute(stanza, 'to'), romeo)
  means(t, stanza?.getChildElements()[0] as Element, `<open xmlns='${NS.inBand}' block-size='4096' sid='${sid}' stanza='iq'/>`)
})

const prefers = (largest: number): Script => {
  return ({ payload }) => {
    if (payload.name === 'open' && Number(attribute(payload, 'block-size')) > largest)
      throw stanzaError('resource-constraint', { type: 'modify' })
    return undefined
  }
}

const negotiates = test.macro({
  async exec(t, wanted: number, largest: number, tried: readonly number[], agreed: number | undefined) {
    const { components, sent, ask } = await setScene(t, prefers(largest))
    const opened = openInBand(components, { to: romeo, sid, blockSize: wanted })
    if (agreed === undefined) await t.throwsAsync(opened, { code: 'ERR_STANZA', message: /resource-constraint/ })
    else t.is((await opened).blockSize, agreed)
    t.deepEqual(
      asked(sent, 'open').map((payload) => Number(attribute(payload, 'block-size'))),
      tried,
    )
    t.is(said(await ask(data(0))), agreed === undefined ? 'cancel item-not-found' : 'result')
  },
  title: (given) => `${given} (XEP-0047 §2.1)`,
})
test('a responder that prefers smaller blocks gets smaller ones', negotiates, 4096, 1500, [4096, 2048, 1024], 1024)
test('the largest block is 65,535 octets', negotiates, 65_535, 65_535, [65_535], 65_535)
test('below 256 octets no more are offered', negotiates, 1000, 100, [1000, 500, 256], undefined)
test('small blocks that are too large are not made smaller', negotiates, 100, 50, [100], undefined)

for (const blockSize of [0, -1, 65_536, 1.5, Number.NaN]) {
  test(`a block size of ${blockSize} is refused before anything is sent`, async (t) => {
    const { components, sent } = await setScene(t)
    await t.throwsAsync(openInBand(components, { to: romeo, sid, blockSize }), { code: 'ERR_CONFIG' })
    t.is(sent.length, 0)
  })
}

for (const condition of ['not-acceptable', 'service-unavailable', 'feature-not-implemented']) {
  test(`a responder that answers ${condition} is not asked again, and nothing is kept (XEP-0047 §2.1)`, async (t) => {
    const { components, sent, ask, clock } = await setScene(t, () => {
      throw stanzaError(condition)
    })
    await t.throwsAsync(openInBand(components, { to: romeo, sid }), { code: 'ERR_STANZA', message: new RegExp(condition) })
    t.is(said(await ask(data(0))), 'cancel item-not-found')
    t.is(sent.length, 2)
    t.is(clock.waiting, 0)
  })
}

test('a responder that says nothing is given up, and told so, in case it comes round', async (t) => {
  const { components, sent, clock } = await setScene(t, () => 'silence')
  const opened = openInBand(components, { to: romeo, sid })
  await settle()
  clock.advance(90_000)
  await t.throwsAsync(opened, { code: 'ERR_TIMEOUT' })
  t.is(asked(sent, 'close').length, 1)
  clock.advance(30_000)
  await settle()
  t.is(clock.waiting, 0)
})

test('opening can be cancelled', async (t) => {
  const { components, sent } = await setScene(t, () => 'silence')
  const stopping = new AbortController()
  const opened = openInBand(components, { to: romeo, sid, signal: stopping.signal })
  await settle()
  stopping.abort()
  await t.throwsAsync(opened, { code: 'ERR_ABORTED' })
  t.is(asked(sent, 'close').length, 1)
})

test('the first block may come right behind the answer to the open', async (t) => {
  let receive = (_: Element) => {}
  const scene = await setScene(t, ({ payload, stanza }) => {
    if (payload.name !== 'open') return undefined
    receive(buildIqResult(stanza))
    receive(buildIq({ type: 'set', id: 'early', from: romeo, to: juliet }, data(0)))
    return 'silence'
  })
  receive = scene.receive
  const { stream } = await openInBand(scene.components, { to: romeo, sid })
  if (stream.readableLength === 0) await once(stream, 'readable')
  t.is(stream.readableLength, 3)
})

test('a sid is used once at a time with the same peer, and 100 bytestreams are the most', async (t) => {
  const { components } = await setScene(t)
  await openInBand(components, { to: romeo, sid })
  await t.throwsAsync(openInBand(components, { to: romeo, sid }), { code: 'ERR_BAD_REQUEST' })
  for (let index = 1; index < 100; index++) await openInBand(components, { to: romeo, sid: `sid${index}` })
  await t.throwsAsync(openInBand(components, { to: romeo, sid: 'one more' }), { code: 'ERR_LIMIT_WAITING' })
})

test('who opens although 100 are open is told to wait', async (t) => {
  const { components, ask } = await setScene(t)
  const target = new InBandTarget(components)
  for (let index = 0; index < 100; index++) await openInBand(components, { to: romeo, sid: `sid${index}` })
  void target.expect({ from: romeo, sid }).catch(() => {})
  t.is(said(await ask(open())), 'wait resource-constraint')
})

test('an expected bytestream is opened, and everything before the first block of ours is said before it', async (t) => {
  const { components, sent, ask } = await setScene(t)
  const target = new InBandTarget(components)
  const expected = target.expect({ from: 'Romeo@Montague.net/orchard', sid }).then((bytestream) => {
    bytestream.stream.write('octets')
    return bytestream
  })
  t.is(said(await ask(open())), 'result')
  const { peer, blockSize } = await expected
  t.deepEqual([peer, blockSize], [romeo, 4096])
  await settle()
  t.deepEqual(
    sent.map((stanza) => attribute(stanza, 'type')),
    ['result', 'set'],
  )
})

const refusesOpen = test.macro({
  async exec(t, payload: Element, answer: string, from: string = romeo) {
    const { components, ask } = await setScene(t)
    const target = new InBandTarget(components)
    const expected = target.expect({ from: romeo, sid, blockSizeMax: 4096 })
    t.is(said(await ask(payload, from)), answer)
    t.is(said(await ask(open())), 'result')
    t.is((await expected).peer, romeo)
  },
  title: (given) => `${given}, and one that is in order is still waited for`,
})
test('an open of another sid is not acceptable', refusesOpen, open({ sid: 'other' }), 'cancel not-acceptable')
test('an open of a stranger is not acceptable', refusesOpen, open(), 'cancel not-acceptable', 'romeo@montague.net/elsewhere')
test('an open for messages is not acceptable', refusesOpen, open({ stanza: 'message' }), 'cancel not-acceptable')
test(
  'an open with larger blocks than wanted is asked for smaller ones',
  refusesOpen,
  open({ 'block-size': 4097 }),
  'modify resource-constraint',
)
test('an open with blocks beyond 65,535 octets is a bad request', refusesOpen, open({ 'block-size': 65_536 }), 'modify bad-request')
test('an open without a sid is a bad request', refusesOpen, open({ sid: '' }), 'modify bad-request')

test('without anybody who expects bytestreams none can be opened', async (t) => {
  const { components, ask } = await setScene(t)
  await openInBand(components, { to: romeo, sid })
  t.is(said(await ask(open({ sid: 'other' }))), 'cancel not-acceptable')
})

test('waiting for a bytestream ends after 120 s, by a signal, and at 1,000 others', async (t) => {
  const { components, clock, ask } = await setScene(t)
  const target = new InBandTarget(components)
  const stopping = new AbortController()
  const late = target.expect({ from: romeo, sid })
  await t.throwsAsync(target.expect({ from: romeo, sid }), { code: 'ERR_BAD_REQUEST' })
  const stopped = target.expect({ from: romeo, sid: 'stopped', signal: stopping.signal })
  stopping.abort()
  await t.throwsAsync(stopped, { code: 'ERR_ABORTED' })
  const others = Array.from({ length: 999 }, (_, index) => target.expect({ from: romeo, sid: `sid${index}` }).catch(() => {}))
  await t.throwsAsync(target.expect({ from: romeo, sid: 'one more' }), { code: 'ERR_LIMIT_WAITING' })
  clock.advance(120_000)
  await t.throwsAsync(late, { code: 'ERR_TIMEOUT' })
  await Promise.all(others)
  t.is(said(await ask(open())), 'cancel not-acceptable')
  t.is(clock.waiting, 0)
})

test('a session has one target of in-band bytestreams', async (t) => {
  const { components } = await setScene(t)
  t.truthy(new InBandTarget(components))
  t.throws(() => new InBandTarget(components), { instanceOf: TypeError })
})

const breaks = test.macro({
  async exec(t, payload: Element, answer: string, code: ErrorCode) {
    const { ask, sent, bytestream } = await openFromRomeo(t)
    t.is(said(await ask(data(0))), 'result')
    t.is(said(await ask(payload)), answer)
    await brokenBy(t, bytestream, code)
    t.is(asked(sent, 'close').length, 1)
    t.is(said(await ask(data(1))), 'cancel item-not-found')
  },
  title: (given) => `${given}, and the bytestream is closed (XEP-0047 §2.2)`,
})
test('a number that was used already is unexpected', breaks, data(0), 'cancel unexpected-request', 'ERR_IN_BAND_SEQUENCE')
test('a number too far on is unexpected', breaks, data(2), 'cancel unexpected-request', 'ERR_IN_BAND_SEQUENCE')
test('no number is a bad request', breaks, data(''), 'cancel bad-request', 'ERR_IN_BAND_DATA')
test('what is no Base64 is a bad request', breaks, data(1, 'AA=A'), 'cancel bad-request', 'ERR_IN_BAND_DATA')
test('a block larger than agreed is a bad request', breaks, data(1, 'AAAA'.repeat(1366)), 'cancel bad-request', 'ERR_IN_BAND_DATA')

test('blocks and closes of unknown bytestreams, or of strangers, are not found and touch nobody (XEP-0047 §2.2, §2.3)', async (t) => {
  const { ask, bytestream } = await openFromRomeo(t)
  const stranger = 'romeo@montague.net/elsewhere'
  t.is(said(await ask(data(0), stranger)), 'cancel item-not-found')
  t.is(said(await ask(close(), stranger)), 'cancel item-not-found')
  t.is(said(await ask(data(0, 'AAAA', { sid: 'other' }))), 'cancel item-not-found')
  t.is(said(await ask(xml('data', { xmlns: NS.inBand, seq: 0 }, 'AAAA'))), 'cancel item-not-found')
  t.is(said(await ask(xml('close', { xmlns: NS.inBand, sid: 'other' }))), 'cancel item-not-found')
  t.is(said(await ask(xml('close', { xmlns: NS.inBand }))), 'modify bad-request')
  t.is(said(await ask(data(0))), 'result')
  bytestream.stream.end()
  const heard = readAll(bytestream.stream)
  t.is(said(await ask(close())), 'result')
  t.is((await heard).length, 3)
  t.is((await bytestream.totals).end, 'closed')
  t.is(said(await ask(close())), 'cancel item-not-found')
})

test('thousands of opens, blocks and closes that belong to nothing are answered, and leave nothing', async (t) => {
  const { ask, clock, bytestream } = await openFromRomeo(t)
  const waiting = clock.waiting
  for (let index = 0; index < 1_000; index++) {
    const other = { sid: `sid${index}` }
    const answers = await Promise.all([
      ask(open(other)),
      ask(data(index, 'AAAA', other)),
      ask(xml('close', { xmlns: NS.inBand, ...other })),
    ])
    t.deepEqual(answers.map(said), ['cancel not-acceptable', 'cancel item-not-found', 'cancel item-not-found'])
  }
  t.is(clock.waiting, waiting)
  t.is(said(await ask(data(0))), 'result')
  t.false(bytestream.stream.destroyed)
})

const failsBlocks = (condition: string, type: 'cancel' | 'wait'): Script => {
  return ({ payload }) => {
    if (payload.name === 'data') throw stanzaError(condition, { type })
    return undefined
  }
}
for (const [condition, type] of [
  ['item-not-found', 'cancel'],
  ['unexpected-request', 'cancel'],
  ['bad-request', 'cancel'],
  ['recipient-unavailable', 'wait'],
  ['remote-server-timeout', 'wait'],
  ['service-unavailable', 'cancel'],
] as const) {
  test(`a block that is answered ${condition} breaks the bytestream, which is closed (XEP-0047 §2.2)`, async (t) => {
    const { bytestream, sent } = await openFromRomeo(t, failsBlocks(condition, type))
    const failed = new Promise<Error | null | undefined>((resolve) => void bytestream.stream.write(Buffer.alloc(100_000), resolve))
    t.like(await failed, { code: 'ERR_RESET' })
    await brokenBy(t, bytestream, 'ERR_RESET')
    t.is(asked(sent, 'close').length, 1)
    t.like(await bytestream.totals, { sent: 0, received: 0 })
  })
}

test('a block in a message is refused, and breaks the bytestream (XEP-0047 §4)', async (t) => {
  const { receive, sent, bytestream } = await openFromRomeo(t)
  const message = (from: string, attributes = '') =>
    parseElement(`<message from='${from}' to='${juliet}' id='m1' ${attributes}>
      <data xmlns='${NS.inBand}' seq='0' sid='${sid}'>AAAA</data></message>`)
  const before = sent.length
  receive(message('romeo@montague.net/elsewhere'))
  receive(message(romeo, "type='error'"))
  receive(parseElement(`<message from='${romeo}'><body>AAAA</body></message>`))
  await settle()
  t.is(sent.length, before)
  t.false(bytestream.stream.destroyed)
  receive(message(romeo))
  await brokenBy(t, bytestream, 'ERR_IN_BAND_REFUSED')
  t.is(sent[before]?.name, 'message')
  t.is(said(sent[before] as Element), 'cancel not-acceptable')
})

test('a peer that goes offline breaks its bytestreams, and nobody else does', async (t) => {
  const { receive, bytestream, clock } = await openFromRomeo(t)
  receive(buildPresence({ type: 'unavailable', from: 'romeo@montague.net/elsewhere', to: juliet }))
  receive(buildPresence({ type: 'available', from: romeo, to: juliet }))
  await settle()
  t.false(bytestream.stream.destroyed)
  receive(buildPresence({ type: 'unavailable', from: romeo, to: juliet }))
  await brokenBy(t, bytestream, 'ERR_RESET')
  t.is(clock.waiting, 0)
})

test('the end of the session ends all its bytestreams', async (t) => {
  const { session, components, bytestream, clock } = await openFromRomeo(t)
  const opened = await openInBand(components, { to: romeo, sid: 'ours' })
  await session.stop()
  await brokenBy(t, bytestream, 'ERR_SESSION_CLOSED')
  await brokenBy(t, opened, 'ERR_SESSION_CLOSED')
  await t.throwsAsync(openInBand(components, { to: romeo, sid: 'late' }), { code: 'ERR_SESSION_CLOSED' })
  t.is(clock.waiting, 0)
})

test('who breaks off sends a close, and answers nothing more but that it did', async (t) => {
  const { ask, sent, bytestream } = await openFromRomeo(t, ({ payload }) => (payload.name === 'close' ? 'silence' : undefined))
  bytestream.reset()
  t.is((await bytestream.totals).end, 'reset')
  t.is(asked(sent, 'close').length, 1)
  t.is(said(await ask(data(0))), 'cancel item-not-found')
  t.is(said(await ask(close())), 'cancel not-acceptable')
})
