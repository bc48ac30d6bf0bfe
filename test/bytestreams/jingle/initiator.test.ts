import test from 'ava'
import type { JingleSessionContent } from '../../../src/bytestreams/index.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { buildJingle, type JingleAction, type JingleContent, NS } from '../../../src/xep/index.ts'
import { means } from '../../helpers/elements.ts'
import { type Answers, content, endOf, JingleScene, juliet, reason, romeo } from '../../helpers/jingle-scene.ts'
import { file, inBand, paperTransports } from '../../helpers/jingle-transport.ts'
import { settle } from '../../helpers/settle.ts'

// Goal: sessions we begin, stanza by stanza. Method: the other side of Juliet's session is the test.

const silentTo =
  (...actions: readonly JingleAction[]): Answers =>
  (action) =>
    actions.includes(action) ? 'silence' : 'result'

test('a session is begun as in XEP-0166 example 1, and runs when it was accepted', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin()
  const [offer] = scene.actions
  means(
    t,
    buildJingle({ ...(offer as NonNullable<typeof offer>) }),
    `<jingle xmlns='${NS.jingle}' action='session-initiate' initiator='${juliet}' sid='${session.sid}'>
      <content creator='initiator' name='a' senders='initiator' disposition='session'>
        <description xmlns='${NS.jingleFileTransfer}'><file><name>a.bin</name><size>1</size></file></description>
        <transport xmlns='${NS.jingleInBand}' block-size='4096' sid='bytestream-0'/>
      </content>
    </jingle>`,
  )
  const [offered] = session.contents
  const [transport] = scene.transports.made
  t.deepEqual([session.state, offered?.state, transport?.begunWith], ['pending', 'offered', []])
  const told: string[] = []
  session.on('accepted', () => told.push(session.state))
  const answer = file('a.bin', 1)
  t.is(
    await scene.ask('session-accept', { sid: session.sid, contents: [content('a', { description: answer, transport: inBand('theirs') })] }),
    'result',
  )
  t.deepEqual([session.state, offered?.state, told], ['active', 'accepted', ['active']])
  t.deepEqual(transport?.begunWith, [inBand('theirs')])
  t.is(offered?.answer?.kind === 'file' && offered.answer.file.name, 'a.bin')
  t.is(scene.clock.waiting, 0)
  const bytestream = transport?.open()
  t.is(await offered?.bytestream, bytestream)
  await scene.ask('session-terminate', { sid: session.sid, ...reason('success') })
  t.is(await endOf(session), 'peer success')
})

test('sids and names of contents are made up, each once', async (t) => {
  const scene = await JingleScene.open(t)
  const init = { senders: 'initiator' as const, description: file('a'), transport: scene.transports.open }
  const sessions = [
    await scene.sessions.begin({ peer: romeo, contents: [init, init] }),
    await scene.sessions.begin({ peer: romeo, contents: [init] }),
  ]
  t.is(new Set(sessions.map(({ sid }) => sid)).size, 2)
  t.is(new Set(sessions[0]?.contents.map(({ name }) => name)).size, 2)
})

test('a session that is refused is none; nothing is kept of it', async (t) => {
  const scene = await JingleScene.open(t, () => ['service-unavailable'])
  await t.throwsAsync(scene.begin(), { code: 'ERR_STANZA', message: /service-unavailable/ })
  t.deepEqual([scene.story, scene.clock.waiting], [['session-initiate'], 0])
  t.is(scene.transports.made[0]?.closes, 1)
  const sid = scene.actions[0]?.sid ?? ''
  t.is(await scene.ask('session-accept', { sid, contents: [content('a')] }), 'cancel item-not-found unknown-session')
})

test('a session that is never acknowledged is given up after 30 s, and the other side told so', async (t) => {
  const scene = await JingleScene.open(t, () => 'silence')
  const beginning = scene.begin()
  await settle()
  await scene.pass(30_000)
  await t.throwsAsync(beginning, { code: 'ERR_TIMEOUT' })
  t.deepEqual(scene.story, ['session-initiate', 'session-terminate timeout'])
  await scene.pass(30_000)
  t.is(scene.clock.waiting, 0)
})

test('a session that is never accepted ends when the time for that is over', async (t) => {
  const scene = await JingleScene.open(t)
  const init = { senders: 'initiator' as const, description: file('a'), transport: scene.transports.open }
  const session = await scene.sessions.begin({ peer: romeo, contents: [init], timings: { answerMsMax: 5_000 } })
  await scene.pass(4_999)
  t.is(await endOf(session), undefined)
  await scene.pass(1)
  t.is(await endOf(session), 'us timeout ERR_TIMEOUT')
  t.deepEqual(scene.story, ['session-initiate', 'session-terminate timeout'])
  t.is(scene.clock.waiting, 0)
})

test('a session that nobody ends is ended 2 minutes after its last bytestream', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run(['a', 'b'])
  const [a, b] = scene.transports.made
  a?.open().stream.destroy()
  await settle()
  t.is(scene.clock.waiting, 0)
  b?.open().stream.destroy()
  await settle()
  await scene.pass(119_999)
  t.is(await endOf(session), undefined)
  await scene.pass(1)
  t.is(await endOf(session), 'us timeout ERR_TIMEOUT')
})

test('a session that gets another content is not ended for want of one', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  scene.transports.made[0]?.open().stream.destroy()
  await settle()
  t.is(scene.clock.waiting, 1)
  const [added] = await session.addContents([{ senders: 'initiator', description: file('b'), transport: scene.transports.open }])
  await scene.ask('content-accept', { sid: session.sid, contents: [content(added?.name)] })
  t.is(scene.clock.waiting, 0)
  session.on('contentOffered', () => {})
  scene.transports.made[1]?.open().stream.destroy()
  await settle()
  t.is(scene.clock.waiting, 1)
  await scene.ask('content-add', { sid: session.sid, contents: [content('theirs', { creator: 'responder' })] })
  await scene.pass(120_000)
  t.is(await endOf(session), undefined)
})

test('a session that is ended is so at once; that it is told waits for the acknowledgement, 30 s', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-terminate'))
  const session = await scene.run()
  const ending = session.terminate({ condition: 'success' })
  t.is(session.state, 'ended')
  t.is(scene.transports.made[0]?.closes, 1)
  t.is(await endOf(session), undefined)
  t.is(await scene.ask('session-info', { sid: session.sid }), 'cancel item-not-found unknown-session')
  await scene.pass(30_000)
  await ending
  t.is(await endOf(session), 'us success')
  t.is(scene.clock.waiting, 0)
})

test('a session is ended once', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  await Promise.all([
    session.terminate({ condition: 'success' }),
    session.terminate({ condition: 'cancel' }),
    session[Symbol.asyncDispose](),
  ])
  t.deepEqual(scene.story, ['session-initiate', 'session-terminate success'])
  t.is(await endOf(session), 'us success')
})

test('a session that is disposed of is cancelled', async (t) => {
  const scene = await JingleScene.open(t)
  {
    await using session = await scene.begin()
    t.is(session.state, 'pending')
  }
  t.deepEqual(scene.story, ['session-initiate', 'session-terminate cancel'])
})

for (const [role, expected] of [
  ['initiator', 'us success'],
  ['responder', 'peer busy ERR_LIMIT_WAITING'],
] as const) {
  test(`when both sides end a session at once, the initiator's word counts; we are the ${role} (XEP-0166 §7.2.16)`, async (t) => {
    const scene = await JingleScene.open(t, silentTo('session-terminate'))
    const session = role === 'initiator' ? await scene.run() : await scene.accept()
    void session.terminate({ condition: 'success' })
    t.is(await scene.ask('session-terminate', { sid: session.sid, ...reason('busy') }), 'cancel item-not-found unknown-session')
    await scene.answer('session-terminate', 'item-not-found', { application: ['unknown-session', 'urn:xmpp:jingle:errors:1'] })
    t.is(await endOf(session), expected)
  })
}

test('a session is cancelled by its signal: before the acknowledgement, before the acceptance, and while it runs', async (t) => {
  const stopping = () => {
    const controller = new AbortController()
    return [controller.signal, () => controller.abort()] as const
  }
  const [aborted] = [AbortSignal.abort()]
  const silent = await JingleScene.open(t, silentTo('session-initiate'))
  await t.throwsAsync(silent.begin(['a'], aborted), { code: 'ERR_ABORTED' })
  t.deepEqual(silent.story, [])
  const [early, stopEarly] = stopping()
  const beginning = silent.begin(['a'], early)
  await settle()
  stopEarly()
  await t.throwsAsync(beginning, { code: 'ERR_ABORTED' })
  await settle()
  t.deepEqual(silent.story, ['session-initiate', 'session-terminate cancel'])

  for (const begin of ['begin', 'run'] as const) {
    const scene = await JingleScene.open(t)
    const [signal, stop] = stopping()
    const session = await scene.begin(['a'], signal)
    if (begin === 'run') await scene.ask('session-accept', { sid: session.sid, contents: [content('a')] })
    stop()
    t.is(await endOf(session), 'us cancel ERR_ABORTED')
    t.deepEqual(scene.story, ['session-initiate', 'session-terminate cancel'])
    t.is(scene.clock.waiting, 0)
  }
})

test('a session that is cancelled while its transports are made is never offered, and none stays open', async (t) => {
  let make = () => {}
  const held = new Promise<void>((resolve) => {
    make = resolve
  })
  const transports = paperTransports(() => held)
  const scene = await JingleScene.open(t, undefined, transports)
  const controller = new AbortController()
  const beginning = scene.begin(['a'], controller.signal)
  await settle()
  controller.abort()
  await t.throwsAsync(beginning, { code: 'ERR_ABORTED' })
  make()
  await settle()
  t.is(transports.made[0]?.closes, 1)
  t.deepEqual([scene.story, scene.clock.waiting], [[], 0])
})

test('a transport that cannot be made fails the session before it is offered, and closes the others', async (t) => {
  const scene = await JingleScene.open(t)
  const failing = () => Promise.reject(new BytestreamError('ERR_NO_STREAMHOST', 'nowhere to listen'))
  const contents = [scene.transports.open, failing].map((transport) => ({
    senders: 'initiator' as const,
    description: file('a'),
    transport,
  }))
  await t.throwsAsync(scene.sessions.begin({ peer: romeo, contents }), { code: 'ERR_NO_STREAMHOST' })
  await settle()
  t.is(scene.transports.made[0]?.closes, 1)
  t.deepEqual([scene.story, scene.clock.waiting], [[], 0])
})

test('a transport that fails at once fails the session before it is offered', async (t) => {
  const scene = await JingleScene.open(t)
  const transport = async (...args: Parameters<typeof scene.transports.open>) => {
    const side = await scene.transports.open(...args)
    scene.transports.made[0]?.fail(new BytestreamError('ERR_NO_STREAMHOST', 'gone again'))
    return side
  }
  await t.throwsAsync(scene.sessions.begin({ peer: romeo, contents: [{ senders: 'initiator', description: file('a'), transport }] }), {
    code: 'ERR_NO_STREAMHOST',
  })
  t.deepEqual(scene.story, [])
})

const misaccepts = test.macro({
  async exec(t, contents: readonly JingleContent[], expected: string) {
    const scene = await JingleScene.open(t)
    const session = await scene.begin(['a', 'b'])
    t.is(await scene.ask('session-accept', { sid: session.sid, contents }), expected)
    t.is(session.state, 'pending')
    t.deepEqual(
      session.contents.map(({ state }) => state),
      ['offered', 'offered'],
    )
    t.is(await scene.ask('session-accept', { sid: session.sid, contents: [content('a'), content('b')] }), 'result')
    t.is(session.state, 'active')
  },
  title: (given) => `a session-accept with ${given} is refused, and a better one taken`,
})
test('a content that was never offered', misaccepts, [content('a'), content('c')], 'cancel item-not-found')
test('another creator', misaccepts, [content('a', { creator: 'responder' })], 'cancel item-not-found')
test(
  'another transport',
  misaccepts,
  [content('a'), content('b', { transport: { kind: 'socks5', sid: 's', candidates: [] } })],
  'modify bad-request',
)

test('a session is accepted once, and by its responder', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  t.is(await scene.ask('session-accept', { sid: session.sid, contents: [content('a')] }), 'wait unexpected-request out-of-order')
  const theirs = await scene.accept()
  t.is(await scene.ask('session-accept', { sid: theirs.sid, contents: [content()] }), 'wait unexpected-request out-of-order')
})

test('contents that are left out of a session-accept are refused', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin(['a', 'b'])
  const [a, b] = session.contents as [JingleSessionContent, JingleSessionContent]
  const told: string[] = []
  session.on('contentRejected', ({ content: each, reason: { condition } }) => told.push(`${each.name} ${condition}`))
  await scene.ask('session-accept', { sid: session.sid, contents: [content('b')] })
  t.deepEqual([session.contents, told], [[b], ['a decline']])
  await t.throwsAsync(a.bytestream, { code: 'ERR_DECLINED' })
  t.is(scene.transports.made[0]?.closes, 1)
})

test('a content whose transport fails is removed, and the session ends with the last one', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run(['a', 'b'])
  const [a, b] = session.contents as [JingleSessionContent, JingleSessionContent]
  const told: string[] = []
  session.on('contentRemoved', ({ content: each, reason: { condition }, by }) => told.push(`${each.name} ${condition} ${by}`))
  const [one, other] = scene.transports.made
  one?.fail(new BytestreamError('ERR_TIMEOUT', 'no answer'))
  await t.throwsAsync(a.bytestream, { code: 'ERR_TIMEOUT' })
  await settle()
  t.deepEqual([session.contents, told], [[b], ['a timeout us']])
  other?.fail(new Error('anything'))
  await t.throwsAsync(b.bytestream, { code: 'ERR_INTERNAL' })
  t.deepEqual(scene.story, ['session-initiate', 'content-remove timeout', 'session-terminate failed-transport'])
  t.is(await endOf(session), 'us failed-transport ERR_INTERNAL')
})

test('a transport that does not know what to begin with fails', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin()
  const [transport] = scene.transports.made
  Object.assign(transport ?? {}, {
    begin: () => {
      throw new BytestreamError('ERR_BAD_REQUEST', 'not what was offered')
    },
  })
  t.is(await scene.ask('session-accept', { sid: session.sid, contents: [content('a')] }), 'result')
  t.is(await endOf(session), 'us failed-transport ERR_BAD_REQUEST')
})

const unheard = test.macro({
  async exec(t, answer: ReturnType<Answers>, by: string | undefined) {
    const scene = await JingleScene.open(t, (action) => (action === 'transport-info' ? answer : 'result'))
    const session = await scene.run()
    const sending = scene.transports.made[0]?.link.sendInfo(inBand('info'))
    await settle()
    await scene.pass(30_000)
    await t.throwsAsync(sending as Promise<void>)
    t.is(await endOf(session), by)
  },
  title: (given) => `an action that is answered with ${given}`,
})
test(
  'unknown-session tells that there is none',
  unheard,
  ['item-not-found', { application: ['unknown-session', 'urn:xmpp:jingle:errors:1'] }],
  'lost gone ERR_STANZA',
)
test('recipient-unavailable tells that nobody is there', unheard, ['recipient-unavailable', { type: 'wait' }], 'lost gone ERR_STANZA')
test('service-unavailable, as servers do for those who have left', unheard, ['service-unavailable'], 'lost gone ERR_STANZA')
test('nothing for 30 s ends the session', unheard, 'silence', 'us timeout ERR_TIMEOUT')
test('any other error concerns nobody but who has said it', unheard, ['not-acceptable', { type: 'modify' }], undefined)

test('a session-info that a client does not know does not end the session', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-info' ? ['service-unavailable'] : 'result'))
  const session = await scene.run()
  await t.throwsAsync(session.sendInfo({ kind: 'received' }), { code: 'ERR_STANZA' })
  t.is(await endOf(session), undefined)
})

test('nothing can be said in a session that is over', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const [transport] = scene.transports.made
  await session.terminate({ condition: 'success' })
  await t.throwsAsync(session.sendInfo({ kind: 'ping' }), { code: 'ERR_JINGLE_UNKNOWN_SESSION' })
  await t.throwsAsync(session.addContents([]), { code: 'ERR_JINGLE_UNKNOWN_SESSION' })
  await t.throwsAsync(transport?.link.sendInfo(inBand('late')) as Promise<void>, { code: 'ERR_ABORTED' })
  t.deepEqual(scene.story, ['session-initiate', 'session-terminate success'])
})
