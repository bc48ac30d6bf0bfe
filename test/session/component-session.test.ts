import { createHash } from 'node:crypto'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, type ErrorCode, type Logger, silentLogger, systemClock } from '../../src/core/index.ts'
import { type ComponentInit, componentConnector, Session, type SessionEvents } from '../../src/session/index.ts'
import { buildPing, xml } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keepLines } from '../helpers/log-lines.ts'
import { freePort } from '../helpers/prosody.ts'
import { acceptComponent, componentStream, listenScripted, type ScriptedServer, streamError } from '../helpers/scripted-server.ts'
import { onEachServer } from '../helpers/server.ts'

const JID = 'plays.example.org'
const SECRET = 'test'

/** A component's session on a clock of its own; stopped when the test is over. */
function open(
  t: ExecutionContext,
  { host, port }: { host: string; port: number },
  init: Partial<ComponentInit> = {},
  logger: Logger = silentLogger,
) {
  const clock = new FakeClock()
  const connect = componentConnector(clock, { jid: JID, secret: SECRET, service: { host, port }, ...init })
  const session = new Session({ clock, logger }, connect, { reconnect: 'always' })
  const ended = once(session, 'ended') as Promise<SessionEvents['ended']>
  t.teardown(() => session.stop())
  return { clock, session, ended }
}

type Offline = SessionEvents['offline']
const offline = async (session: Session) => ((await once(session, 'offline')) as Offline)[0]

test('XEP-0114 §3: header, handshake, stanzas', async (t) => {
  const server = await listenScripted(t)
  const { session } = open(t, server)
  const started = session.start()
  const side = await server.next()
  const header = await side.hears(/^<\?xml version='1.0'\?><stream:stream[^>]*>/)
  for (const attribute of ['xmlns="jabber:component:accept"', 'xmlns:stream="http://etherx.jabber.org/streams"', `to="${JID}"`]) {
    t.true(header.includes(attribute), header)
  }
  t.is(side.rest, '', 'nothing before the server has said its id')
  side.say(componentStream(JID, '3BF96D32'))
  t.is(await side.hears(/^<handshake>(.*)<\/handshake>/), createHash('sha1').update(`3BF96D32${SECRET}`).digest('hex'))
  t.false(session.isOnline)
  side.say('<handshake/>')
  t.is(await started, JID)
  t.true(session.isOnline)

  session.iqs.handle('get', 'x', 'q', () => xml('a', { xmlns: 'x' }))
  side.say(`<iq type='get' id='1' from='example.org' to='${JID}'><q xmlns='x'/></iq>`)
  t.is(await side.hears(/<iq.*<\/iq>/), `<iq type="result" id="1" from="${JID}" to="example.org"><a xmlns="x"/></iq>`)
})

test('XEP-0114 §3: every stanza says who it is from', async (t) => {
  const server = await listenScripted(t)
  const { session } = open(t, server)
  const started = session.start()
  const side = await acceptComponent(server, JID)
  await started
  session.send(xml('message', { to: 'romeo@example.org' }))
  session.send(xml('presence', { to: 'romeo@example.org', from: `bot@${JID}` }))
  const answer = session.request({ type: 'get', to: 'example.org', payload: buildPing() })
  t.true((await side.hears(/<message[^>]*\/>/)).includes(`from="${JID}"`))
  t.true((await side.hears(/<presence[^>]*\/>/)).includes(`from="bot@${JID}"`))
  const question = await side.hears(/<iq[^>]*>/)
  t.true(question.includes(`from="${JID}"`))
  const id = /id="([^"]*)"/.exec(question)?.[1]
  side.say(`<iq type='result' id='${id}' from='example.org' to='${JID}'/>`)
  t.is(await answer, undefined)
})

test('a stanza in the segment of the handshake is answered', async (t) => {
  const server = await listenScripted(t)
  const { session } = open(t, server)
  const heard: string[] = []
  session.on('online', () => heard.push('online'))
  session.on('presence', ({ from }) => heard.push(from ?? ''))
  session.iqs.handle('get', 'x', 'q', () => undefined)
  const started = session.start()
  const side = await server.next()
  side.say(componentStream(JID))
  await side.hears(/<\/handshake>/)
  const envelope = `from='romeo@example.org/x' to='${JID}'`
  side.say(`<handshake/><iq type='get' id='1' ${envelope}><q xmlns='x'/></iq><presence ${envelope}/>`)
  t.regex(await side.hears(/<iq[^>]*\/>/), /type="result" id="1"/)
  await started
  t.deepEqual(heard, ['online', 'romeo@example.org/x'])
})

test('a server that cannot be reached is tried again and again, ever later, until it is there', async (t) => {
  const port = await freePort()
  const { session, clock } = open(t, { host: '127.0.0.1', port })
  const started = session.start()
  const delays: number[] = []
  for (let tries = 0; tries < 9; tries++) {
    const { error, retryMs } = await offline(session)
    t.is(error.code, 'ERR_UNREACHABLE')
    t.true(error.message.startsWith(`no server answers at 127.0.0.1:${port}: `), error.message)
    delays.push(retryMs)
    if (tries < 8) clock.advance(retryMs)
  }
  for (const [tries, delay] of delays.entries()) {
    const span = Math.min(60_000, 1_000 * 2 ** tries)
    t.true(delay >= span / 2 && delay <= span, `${delay} of ${span}`)
  }
  const server = await listenScripted(t, port)
  clock.advance(60_000)
  await acceptComponent(server, JID)
  t.is(await started, JID)
})

test('after it had been online it starts with short pauses again', async (t) => {
  const server = await listenScripted(t)
  const { session, clock } = open(t, server)
  void session.start()
  for (let times = 0; times < 4; times++) {
    const side = await acceptComponent(server, JID)
    if (!session.isOnline) await once(session, 'online')
    side.socket.destroy()
    const { retryMs } = await offline(session)
    t.true(retryMs <= 1_000, `${retryMs}`)
    clock.advance(retryMs)
  }
})

/** Stream errors before the handshake is done, and whether trying again makes sense. */
const refuses = test.macro({
  async exec(t, condition: string, code: ErrorCode, sentence: string, isFinal: boolean) {
    const server = await listenScripted(t)
    const { session, clock, ended } = open(t, server)
    const started = session.start()
    started.catch(() => {}) // It ends with the test at the latest.
    const failed = isFinal ? t.throwsAsync(started, { instanceOf: BytestreamError }) : offline(session).then(({ error }) => error)
    const side = await server.next()
    await side.hears(/<stream:stream[^>]*>/)
    side.say(componentStream(JID) + streamError(condition, 'a text'))
    await side.hears(/<\/stream:stream>/)
    side.socket.end()
    const error = await failed
    t.is(error.code, code)
    t.is(error.message, sentence.replace('AT', `127.0.0.1:${server.port}`))
    if (isFinal) {
      t.deepEqual(await ended, [{ error }])
      t.is(clock.waiting, 0)
    }
  },
  title: (_, condition) => `refused with ${condition}`,
})
test(
  refuses,
  'not-authorized',
  'ERR_AUTHENTICATION',
  `the server at AT refuses the secret for ${JID} (not-authorized: a text); compare secret and address with the server's configuration`,
  true,
)
test(
  refuses,
  'host-unknown',
  'ERR_HOST_UNKNOWN',
  `the server at AT does not know a component ${JID} (host-unknown: a text); add it to the server's configuration`,
  true,
)
test(refuses, 'conflict', 'ERR_STREAM', `another connection already serves ${JID} at AT (conflict: a text)`, false)
test(refuses, 'system-shutdown', 'ERR_STREAM', 'the server at AT ended the stream (system-shutdown: a text)', false)

test('conflict while online means that another connection took over: it gives way', async (t) => {
  const server = await listenScripted(t)
  const { session, ended } = open(t, server)
  const started = session.start()
  const side = await acceptComponent(server, JID)
  await started
  side.say(streamError('conflict'))
  await side.hears(/<\/stream:stream>/)
  side.socket.end()
  const [{ error }] = await ended
  t.is(error?.code, 'ERR_REPLACED')
  t.is(error?.message, `another connection took over ${JID} (conflict); only one program can serve an address`)
  t.false(session.isOnline)
})

const comesBack = test.macro({
  async exec(t, lose: (side: Awaited<ReturnType<ScriptedServer['next']>>) => void, code: ErrorCode) {
    const server = await listenScripted(t)
    const { session, clock } = open(t, server)
    const started = session.start()
    const side = await acceptComponent(server, JID)
    await started
    const question = session.request({ type: 'get', to: 'example.org', payload: buildPing() })
    const failed = t.throwsAsync(question, { instanceOf: BytestreamError })
    await side.hears(/<ping/)
    lose(side)
    const { error, retryMs } = await offline(session)
    t.is(error.code, code)
    t.is(await failed, error, 'the question that waited fails for the same reason')
    t.false(session.isOnline)
    clock.advance(retryMs)
    await acceptComponent(server, JID)
    if (!session.isOnline) await once(session, 'online')
    t.pass()
  },
  title: (given) => `it comes back after the server ${given}`,
})
test('closed its stream', comesBack, (side) => side.socket.end('</stream:stream>'), 'ERR_SESSION_CLOSED')
test('hung up without a word', comesBack, (side) => side.socket.end(), 'ERR_SESSION_CLOSED')
test('broke the connection', comesBack, (side) => side.socket.resetAndDestroy(), 'ERR_SESSION_CLOSED')
test('was shut down', comesBack, (side) => side.socket.end(streamError('system-shutdown')), 'ERR_STREAM')
test('talked nonsense', comesBack, (side) => side.socket.end('<a></b>'), 'ERR_STREAM')

test('strangers whose stanzas are too big or too deep get an answer, and are a line in the log: the stream goes on', async (t) => {
  const { logger, lines } = keepLines()
  const server = await listenScripted(t)
  const { session } = open(t, server, {}, logger)
  void session.start()
  const side = await acceptComponent(server, JID)
  const iq = (content: string) => `<iq type='get' id='1' from='stranger@example.net/x' to='${JID}'>${content}</iq>`
  for (const content of ['x'.repeat(300_000), `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`]) {
    side.socket.write(iq(content))
    await side.hears(/<iq type="error" id="1" .*<bad-request/)
  }
  side.socket.write(`<message from='stranger@example.net/x' to='${JID}'>${'x'.repeat(300_000)}</message>`)
  const arrived = once(session, 'presence')
  side.socket.write(`<presence from='friend@example.net/x' to='${JID}'/>`)
  await arrived
  t.true(session.isOnline)
  t.deepEqual(lines, [{ level: 'warn', sentence: 'a stanza is over the limits, and was taken without its content', suppressed: 0 }])
})

test('a server of another protocol is no server of ours', async (t) => {
  const server = await listenScripted(t)
  const { session } = open(t, server)
  void session.start().catch(() => {})
  const side = await server.next()
  side.socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  t.is((await offline(session)).error.code, 'ERR_STREAM')
})

for (const [after, say] of [
  ['connecting', ''],
  ['its header', componentStream(JID)],
] as const) {
  test(`a server that says nothing after ${after} has a deadline`, async (t) => {
    const server = await listenScripted(t)
    const { session, clock } = open(t, server, { loginMsMax: 3_000 })
    void session.start().catch(() => {})
    const side = await server.next()
    await side.hears(/<stream:stream[^>]*>/)
    side.say(say)
    if (say) await side.hears(/<handshake>/)
    const lost = offline(session)
    clock.advance(2_999)
    clock.advance(1)
    const { error } = await lost
    t.is(error.code, 'ERR_TIMEOUT')
    t.is(error.message, `the server at 127.0.0.1:${server.port} did not finish the component handshake within 3 s`)
    await side.hungUp
  })
}

test('stopped while connecting, it hangs up, and start tells', async (t) => {
  const server = await listenScripted(t)
  const { session, ended, clock } = open(t, server)
  const started = t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  const side = await server.next()
  await session.stop()
  t.is((await started).code, 'ERR_ABORTED')
  t.deepEqual(await ended, [{ error: undefined }])
  await side.hungUp
  t.is(clock.waiting, 0)
})

test('stopped between two tries, it does not wait for the next', async (t) => {
  const { session, ended, clock } = open(t, { host: '127.0.0.1', port: await freePort() })
  const started = t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  await offline(session)
  await session.stop()
  t.is((await started).code, 'ERR_ABORTED')
  t.deepEqual(await ended, [{ error: undefined }])
  t.is(clock.waiting, 0)
})

test('stopped while online, it closes its stream and waits for the server to close its own', async (t) => {
  const server = await listenScripted(t)
  const { session, ended, clock } = open(t, server)
  const started = session.start()
  const side = await acceptComponent(server, JID)
  await started
  const stopped = session.stop()
  await side.hears(/<\/stream:stream>$/)
  side.socket.end('</stream:stream>')
  await stopped
  t.deepEqual(await ended, [{ error: undefined }])
  t.is(clock.waiting, 0)
})

test('a server that does not close its stream is cut off', async (t) => {
  const server = await listenScripted(t)
  const { session, clock } = open(t, server)
  const started = session.start()
  const side = await acceptComponent(server, JID)
  await started
  const stopped = session.stop()
  await side.hears(/<\/stream:stream>$/)
  clock.advance(2_000)
  await stopped
  t.is(clock.waiting, 0)
})

onEachServer('component sessions', { components: ['one.localhost', 'two.localhost', 'conflict.localhost'] }, (serverTest, kind) => {
  serverTest('a wrong secret ends the session', async (t, server) => {
    const init = { jid: 'one.localhost', secret: 'guessed', service: server.componentAt('one.localhost') }
    const session = new Session({}, componentConnector(systemClock, init), { reconnect: 'always' })
    const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_AUTHENTICATION')
    t.regex(error.message, /refuses the secret for one\.localhost \(not-authorized/)
    await session.stop()
  })

  serverTest('an address that is not configured there ends the session', async (t, server) => {
    const init = { jid: 'three.localhost', secret: server.secret, service: server.componentAt('one.localhost') }
    const session = new Session({}, componentConnector(systemClock, init), { reconnect: 'always' })
    const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
    // ejabberd says no more than that.
    if (kind.name === 'ejabberd') {
      t.is(error.code, 'ERR_AUTHENTICATION')
      t.regex(error.message, /compare secret and address with/)
    } else {
      t.is(error.code, 'ERR_HOST_UNKNOWN')
      t.regex(error.message, /does not know a component three\.localhost \(host-unknown/)
    }
    await session.stop()
  })

  // ejabberd lets both in, and shares the stanzas out.
  if (kind.name === 'ejabberd') return
  serverTest('an address that is served already is tried again until it is free', async (t, server) => {
    const jid = 'conflict.localhost'
    const connect = componentConnector(systemClock, { jid, secret: server.secret, service: server.componentAt(jid) })
    const first = new Session({}, connect, { reconnect: 'never' })
    await first.start()
    const backOff = { firstMs: 1, retryMsMax: 20 }
    const second = new Session({}, connect, { reconnect: 'always', backOff })
    const started = second.start()
    const { error } = await offline(second)
    t.is(error.code, 'ERR_STREAM')
    t.regex(error.message, /^another connection already serves conflict\.localhost/)
    await first.stop()
    t.is(await started, jid)
    await second.stop()
  })
})
