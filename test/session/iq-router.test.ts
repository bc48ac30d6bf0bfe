import test from 'ava'
import { BytestreamError, silentLogger } from '../../src/core/index.ts'
import { type IqHandler, IqRouter } from '../../src/session/index.ts'
import { NS, parseElement, xml } from '../../src/xep/index.ts'
import { outcomeOf } from '../helpers/component-line.ts'
import { sameStanza } from '../helpers/stanzas.ts'

const PING = `<ping xmlns='${NS.ping}'/>`
const iq = (payload: string, attributes = "type='get' id='1'") =>
  parseElement(`<iq from='romeo@example.org/x' to='example.net' ${attributes}>${payload}</iq>`)

test('a handler answers with a payload, with nothing, at once or later', async (t) => {
  const iqs = new IqRouter(silentLogger)
  const handlers: Readonly<Record<string, IqHandler>> = {
    payload: () => xml('answer', { xmlns: 'x' }),
    nothing: () => undefined,
    later: async () => xml('answer', { xmlns: 'x' }),
  }
  for (const [name, handler] of Object.entries(handlers)) iqs.handle('get', 'x', name, handler)
  const reply = (payload: string) => `<iq type='result' id='1' from='example.net' to='romeo@example.org/x'>${payload}</iq>`
  for (const [name, payload] of [
    ['payload', "<answer xmlns='x'/>"],
    ['nothing', ''],
    ['later', "<answer xmlns='x'/>"],
  ] as const) {
    const answer = await iqs.answer(iq(`<${name} xmlns='x'/>`))
    if (answer) sameStanza(t, answer, reply(payload))
    else t.fail(name)
  }
})

test('a handler is told who asks, of whom, and what', async (t) => {
  const iqs = new IqRouter(silentLogger)
  t.plan(1)
  iqs.handle('set', NS.ping, 'ping', ({ payload, ...request }) => {
    t.deepEqual({ ...request, name: payload.name }, { type: 'set', id: '1', from: 'romeo@example.org/x', to: 'example.net', name: 'ping' })
    return undefined
  })
  await iqs.answer(iq(PING, "type='set' id='1'"))
})

test('type, namespace and name decide who answers; all three have to fit', async (t) => {
  const iqs = new IqRouter(silentLogger)
  iqs.handle('get', NS.ping, 'ping', () => undefined)
  for (const [payload, type] of [
    [PING, 'set'],
    ["<ping xmlns='urn:xmpp:pong'/>", 'get'],
    [`<pong xmlns='${NS.ping}'/>`, 'get'],
    ['<ping/>', 'get'],
  ]) {
    const answer = await iqs.answer(iq(payload ?? '', `type='${type}' id='1'`))
    t.is(answer && outcomeOf(answer), 'cancel service-unavailable', payload)
  }
  const answer = await iqs.answer(iq(`<x:ping xmlns:x='${NS.ping}'/>`))
  t.is(answer && outcomeOf(answer), 'result', 'a prefix is only another way to write it')
})

test('an error of ours is told with its code and text, thrown or rejected', async (t) => {
  const iqs = new IqRouter(silentLogger)
  const fault = new BytestreamError('ERR_FORBIDDEN', 'not you')
  iqs.handle('get', 'x', 'thrown', () => {
    throw fault
  })
  iqs.handle('get', 'x', 'rejected', () => Promise.reject(fault))
  for (const name of ['thrown', 'rejected']) {
    const answer = await iqs.answer(iq(`<${name} xmlns='x'/>`))
    t.is(answer && outcomeOf(answer), 'auth forbidden: not you')
  }
})

test('any other error is logged, and told without its text', async (t) => {
  const logged: unknown[] = []
  const iqs = new IqRouter({ ...silentLogger, error: (facts) => logged.push(facts) })
  const fault = new TypeError('a detail of ours')
  iqs.handle('get', 'x', 'q', () => {
    throw fault
  })
  const answer = await iqs.answer(iq("<q xmlns='x'/>"))
  t.is(answer && outcomeOf(answer), 'cancel internal-server-error')
  t.false(String(answer).includes('detail'))
  t.deepEqual(logged, [{ err: fault, from: 'romeo@example.org/x' }])
})

test('RFC 6120 §8.2.3: results and errors are not answered, however broken', async (t) => {
  const iqs = new IqRouter(silentLogger)
  for (const attributes of ["type='result' id='1'", "type='error' id='1'", "type='error'", "type='result'"]) {
    for (const payload of ['', PING, PING + PING]) t.is(await iqs.answer(iq(payload, attributes)), undefined)
  }
})

test('an IQ without id, type or exactly one child is bad-request', async (t) => {
  const iqs = new IqRouter(silentLogger)
  iqs.handle('get', NS.ping, 'ping', () => undefined)
  for (const [payload, attributes] of [
    [PING, "type='get'"],
    [PING, "type='get' id=''"],
    [PING, "id='1'"],
    [PING, "type='GET' id='1'"],
    ['', "type='get' id='1'"],
    [PING + PING, "type='get' id='1'"],
  ]) {
    const answer = await iqs.answer(iq(payload ?? '', attributes))
    t.regex((answer && outcomeOf(answer)) ?? '', /^modify bad-request/, attributes)
  }
})

test('two handlers for one question are a mistake of the program', (t) => {
  const iqs = new IqRouter(silentLogger)
  iqs.handle('get', NS.ping, 'ping', () => undefined)
  iqs.handle('set', NS.ping, 'ping', () => undefined)
  t.throws(() => iqs.handle('get', NS.ping, 'ping', () => undefined), { instanceOf: TypeError })
})
