import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, type ErrorCode } from '../../src/core/index.ts'
import { type Connection, Session, type SessionInit } from '../../src/session/index.ts'
import { attribute, buildPing, type Element, parseElement, xml } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { stanzasOf } from '../helpers/pieces.ts'

const JID = 'romeo@example.org/orchard'

/** One connection, as a test plays it. */
interface Line {
  readonly sent: Element[]
  readonly isClosed: boolean
  say(stanza: string): void
  /** Ends it; `undefined`: because we closed it. */
  end(error: BytestreamError | undefined): void
}

/** What comes of each attempt to connect, in their order: an address, or why there is none. */
type Outcome = string | ErrorCode

/** A session whose connections are played by the test. After the last outcome, attempts wait for ever. */
function open(t: ExecutionContext, outcomes: readonly Outcome[], init: Partial<SessionInit> = {}) {
  const clock = new FakeClock()
  const lines: Line[] = []
  let attempts = 0
  const connect = (onStanza: (stanza: Element) => void, signal: AbortSignal): Promise<Connection> => {
    const outcome = outcomes[attempts++]
    if (outcome === undefined) return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    if (outcome.startsWith('ERR_')) return Promise.reject(new BytestreamError(outcome as ErrorCode, outcome))
    const sent: Element[] = []
    let isClosed = false
    let end: Line['end'] = () => {}
    const closed = new Promise<BytestreamError | undefined>((resolve) => {
      end = resolve
    })
    const close = () => {
      isClosed = true
      end(undefined)
    }
    const line: Line = {
      sent,
      get isClosed() {
        return isClosed
      },
      say: (stanza) => onStanza(parseElement(stanza)),
      end,
    }
    lines.push(line)
    const sendPiece = async (stanzas: string) => {
      sent.push(...stanzasOf(stanzas))
      return true
    }
    return Promise.resolve({ jid: outcome, send: (stanza) => void sent.push(stanza), sendPiece, close, closed })
  }
  const session = new Session({ clock }, connect, { reconnect: 'once online', ...init })
  const told: string[] = []
  session.on('online', ({ jid }) => told.push(`online ${jid}`))
  session.on('offline', ({ error }) => told.push(`offline ${error.code}`))
  session.on('ended', ({ error }) => told.push(`ended ${error?.code}`))
  t.teardown(() => session.stop())
  return { clock, session, lines, told, attempts: () => attempts }
}

const lost = () => new BytestreamError('ERR_SESSION_CLOSED', 'lost')
/** Everything that promises have to do is done. */
const settled = () => new Promise(setImmediate)

test('start tells the address, once the session is online', async (t) => {
  const { session, told } = open(t, [JID])
  t.false(session.isOnline)
  t.is(session.jid, '')
  t.is(await session.start(), JID)
  t.true(session.isOnline)
  t.is(session.jid, JID)
  t.deepEqual(told, [`online ${JID}`])
})

test('a session starts once', async (t) => {
  const { session } = open(t, [JID])
  const started = session.start()
  t.throws(() => session.start(), { instanceOf: TypeError })
  await started
  t.throws(() => session.start(), { instanceOf: TypeError })
  await session.stop()
  t.throws(() => session.start(), { instanceOf: TypeError })
})

test('stopping closes the connection, and is told without an error; again it does nothing', async (t) => {
  const { session, lines, told } = open(t, [JID])
  await session.start()
  await Promise.all([session.stop(), session.stop()])
  await session.stop()
  t.true(lines[0]?.isClosed)
  t.false(session.isOnline)
  t.is(session.jid, JID, 'the last one')
  t.deepEqual(told, [`online ${JID}`, 'ended undefined'])
})

test('a session stopped before it starts never connects', async (t) => {
  const { session, attempts, told } = open(t, [JID])
  await session.stop()
  const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_ABORTED')
  t.is(attempts(), 0)
  t.deepEqual(told, ['ended undefined'])
})

test('stopped while it connects, start fails with ERR_ABORTED', async (t) => {
  const { session } = open(t, [])
  const started = t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  await session.stop()
  t.is((await started).code, 'ERR_ABORTED')
})

test('it is disposed of by stopping it', async (t) => {
  const { session, lines } = open(t, [JID])
  await session.start()
  await session[Symbol.asyncDispose]()
  t.true(lines[0]?.isClosed)
})

test('a listener may stop the session, at any time', async (t) => {
  for (const event of ['online', 'offline', 'ended'] as const) {
    const { session, lines, told, clock } = open(t, [JID, JID])
    let stopped: Promise<void> | undefined
    session.once(event, () => {
      stopped = session.stop()
    })
    await session.start()
    if (event !== 'online') lines[0]?.end(event === 'offline' ? lost() : new BytestreamError('ERR_REPLACED', ''))
    while (!stopped) await settled()
    await stopped
    t.true(told.at(-1)?.startsWith('ended'))
    t.is(clock.waiting, 0, event)
  }
})

const retries = test.macro({
  async exec(t, reconnect: SessionInit['reconnect'], outcomes: readonly Outcome[], expected: readonly string[]) {
    const { session, clock, lines, told } = open(t, outcomes, { reconnect })
    const ended = once(session, 'ended')
    session.on('online', () => void settled().then(() => lines.at(-1)?.end(lost())))
    session.on('offline', ({ retryMs }) => void settled().then(() => clock.advance(retryMs)))
    session.start().catch(() => {})
    while (told.length < expected.length) await settled()
    if (expected.at(-1)?.startsWith('ended')) {
      await ended
      t.deepEqual(told, expected)
    } else {
      t.deepEqual(told.slice(0, expected.length), expected)
    }
  },
  title: (given) => `it tries again: ${given}`,
})
test('never', retries, 'never', [JID, JID], [`online ${JID}`, 'ended ERR_SESSION_CLOSED'])
test('never, not even at first', retries, 'never', ['ERR_UNREACHABLE', JID], ['ended ERR_UNREACHABLE'])
test(
  'once it had been online',
  retries,
  'once online',
  [JID, 'ERR_UNREACHABLE', JID],
  [`online ${JID}`, 'offline ERR_SESSION_CLOSED', 'offline ERR_UNREACHABLE', `online ${JID}`],
)
test('but not before it had been online', retries, 'once online', ['ERR_UNREACHABLE', JID], ['ended ERR_UNREACHABLE'])
test(
  'always',
  retries,
  'always',
  ['ERR_UNREACHABLE', 'ERR_TIMEOUT', 'ERR_STREAM', JID],
  ['offline ERR_UNREACHABLE', 'offline ERR_TIMEOUT', 'offline ERR_STREAM', `online ${JID}`],
)
for (const code of ['ERR_AUTHENTICATION', 'ERR_HOST_UNKNOWN', 'ERR_REPLACED'] as const) {
  test(
    `never after ${code}, which somebody has to mend`,
    retries,
    'always',
    ['ERR_UNREACHABLE', code, JID],
    ['offline ERR_UNREACHABLE', `ended ${code}`],
  )
  test(
    `never after ${code} on the way back`,
    retries,
    'once online',
    [JID, code, JID],
    [`online ${JID}`, 'offline ERR_SESSION_CLOSED', `ended ${code}`],
  )
}

test('start fails with the reason when the session ends before it was online', async (t) => {
  const { session } = open(t, ['ERR_AUTHENTICATION'], { reconnect: 'always' })
  const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_AUTHENTICATION')
})

test('a fault while connecting that is no error of ours counts as one of the stream', async (t) => {
  const fault = new RangeError('odd')
  const session = new Session({}, () => Promise.reject(fault), { reconnect: 'never' })
  const error = await t.throwsAsync(session.start(), { instanceOf: BytestreamError })
  t.is(error.code, 'ERR_STREAM')
  t.is(error.cause, fault)
})

test('offline, questions fail at once and stanzas are dropped', async (t) => {
  const { session, lines } = open(t, [JID, JID])
  const ask = () => session.request({ type: 'get', to: 'example.org', payload: buildPing() })
  t.is((await t.throwsAsync(ask(), { instanceOf: BytestreamError })).code, 'ERR_SESSION_CLOSED')
  session.send(xml('message'))
  t.false(await session.sendPiece('<message/>'))
  await session.start()
  t.true(await session.sendPiece('<message id="1"/><message id="2"/>'))
  t.deepEqual(
    lines[0]?.sent.splice(0).map(({ attrs }) => attrs['id']),
    ['1', '2'],
  )
  lines[0]?.end(lost())
  await once(session, 'offline')
  t.false(await session.sendPiece('<message/>'))
  t.is((await t.throwsAsync(ask(), { instanceOf: BytestreamError })).code, 'ERR_SESSION_CLOSED')
  session.send(xml('message'))
  t.deepEqual(lines[0]?.sent, [])
})

test('questions that wait fail when the connection is lost, and when the session is stopped', async (t) => {
  const { session, lines, clock } = open(t, [JID, JID])
  await session.start()
  const first = t.throwsAsync(session.request({ type: 'get', payload: buildPing() }), { instanceOf: BytestreamError })
  lines[0]?.end(lost())
  t.is((await first).message, 'lost')
  clock.advance(1_000)
  if (!session.isOnline) await once(session, 'online')
  const second = t.throwsAsync(session.request({ type: 'get', payload: buildPing() }), { instanceOf: BytestreamError })
  await settled()
  await session.stop()
  t.is((await second).message, 'the session was closed')
})

test('an answer counts from the account, its server, or whoever was asked', async (t) => {
  const { session, lines } = open(t, [JID])
  await session.start()
  const [line] = lines as [Line]
  for (const [to, from] of [
    [undefined, undefined],
    [undefined, 'romeo@example.org'],
    [undefined, 'example.org'],
    ['juliet@example.net/x', 'juliet@example.net/x'],
  ]) {
    const answer = session.request({ type: 'get', to, payload: buildPing() })
    await settled()
    const id = attribute(line.sent.at(-1) as Element, 'id')
    line.say(`<iq type='result' id='${id}' from='evil.net'><evil/></iq>`)
    line.say(`<iq type='result' id='${id}' ${from ? `from='${from}'` : ''}><good/></iq>`)
    t.is((await answer)?.name, 'good')
  }
})

test('handlers and listeners stay when the session comes back', async (t) => {
  const { session, lines, clock } = open(t, [JID, JID])
  session.iqs.handle('get', 'x', 'q', () => undefined)
  const messages: string[] = []
  session.on('message', (_, stanza) => messages.push(stanza.attrs['id']))
  await session.start()
  lines[0]?.say("<message id='1'/>")
  lines[0]?.end(lost())
  const { retryMs } = ((await once(session, 'offline')) as [{ retryMs: number }])[0]
  const back = once(session, 'online')
  clock.advance(retryMs)
  await back
  lines[1]?.say("<message id='2'/>")
  lines[1]?.say("<iq type='get' id='3' from='a@b'><q xmlns='x'/></iq>")
  await settled()
  t.deepEqual(messages, ['1', '2'])
  t.is(lines[1]?.sent.length, 1)
})

test('who asked over a connection that is gone gets no answer over the next', async (t) => {
  const { session, lines, clock } = open(t, [JID, 'romeo@example.org/other'])
  let answer = () => {}
  session.iqs.handle('get', 'x', 'q', () => new Promise((resolve) => (answer = () => resolve(undefined))))
  await session.start()
  lines[0]?.say("<iq type='get' id='1' from='a@b'><q xmlns='x'/></iq>")
  lines[0]?.end(lost())
  await once(session, 'offline')
  const back = once(session, 'online')
  clock.advance(1_000)
  await back
  answer()
  await settled()
  t.deepEqual(lines[1]?.sent, [])
  t.deepEqual(lines[0]?.sent, [])
})

test('presence and messages are told as they are understood, and as they came', async (t) => {
  const { session, lines } = open(t, [JID])
  await session.start()
  const presences: unknown[] = []
  session.on('presence', ({ type, from, priority }, stanza) => presences.push([type, from, priority, stanza.name]))
  const bodies: (string | undefined)[] = []
  session.on('message', (_, stanza) => bodies.push(stanza.getChildText('body') ?? undefined))
  const [line] = lines as [Line]
  line.say("<presence from='a@b/c'><priority>5</priority></presence>")
  line.say("<presence type='unavailable' from='a@b/c'/>")
  line.say("<presence type='unheard-of' from='a@b/c'/>")
  line.say("<message from='a@b/c'><body>hello</body></message>")
  line.say("<other from='a@b/c'/>")
  t.deepEqual(presences, [
    ['available', 'a@b/c', 5, 'presence'],
    ['unavailable', 'a@b/c', 0, 'presence'],
  ])
  t.deepEqual(bodies, ['hello'])
})
