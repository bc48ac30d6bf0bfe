import test from 'ava'
import { JingleSessions } from '../../../src/bytestreams/index.ts'
import { silentLogger } from '../../../src/core/index.ts'
import { buildPresence, type JingleAction, jingleActions, NS } from '../../../src/xep/index.ts'
import { type Answers, content, endOf, JingleScene, reason, romeo, sid } from '../../helpers/jingle-scene.ts'
import { file } from '../../helpers/jingle-transport.ts'
import { settle } from '../../helpers/settle.ts'

// Goal: which session an action belongs to, how many there may be, and what becomes of them when somebody leaves.

const silentTo =
  (...actions: readonly JingleAction[]): Answers =>
  (action) =>
    actions.includes(action) ? 'silence' : 'result'

const unknownSession = 'cancel item-not-found unknown-session'
/** Whatever action it is, with a content that fits. */
const partsOf = (action: JingleAction, name = 'a-file-offer') => ({
  contents: ['session-info', 'session-terminate'].includes(action) ? [] : [content(name)],
})

test('there is one registry for the sessions of an account', async (t) => {
  const { sessions, account, clock } = await JingleScene.set(t)
  t.is(JingleSessions.of({ session: account, clock, logger: silentLogger }), sessions)
})

test('what others may begin is shown in service discovery (XEP-0166 §11)', async (t) => {
  const { sessions } = await JingleScene.set(t)
  t.deepEqual(sessions.handle('file', () => {}).features, [NS.jingle, NS.jingleFileTransfer])
  t.throws(() => sessions.handle('file', () => {}), { instanceOf: TypeError })
})

for (const action of jingleActions.filter((each) => each !== 'session-initiate')) {
  test(`${action} without a session, with another sid, or by a third party is about an unknown session`, async (t) => {
    const scene = await JingleScene.open(t)
    t.is(await scene.ask(action, partsOf(action)), unknownSession)
    const session = await scene.accept()
    t.is(await scene.ask(action, { ...partsOf(action), sid: 'another' }), unknownSession)
    for (const other of ['iago@venice.it/fest', 'romeo@montague.net/pda', 'romeo@montague.net']) {
      t.is(await scene.ask(action, partsOf(action), other), unknownSession)
    }
    t.is(session.state, 'active')
    t.is(await scene.ask('session-terminate'), 'result')
    t.is(await scene.ask(action, partsOf(action)), unknownSession)
  })
}

test('a session is found by any spelling of its JID', async (t) => {
  const scene = await JingleScene.open(t)
  await scene.accept()
  t.is(await scene.ask('session-info', {}, 'Romeo@MONTAGUE.net/orchard'), 'result')
})

test('the sid of a session is taken while it lasts, for the same two parties', async (t) => {
  const scene = await JingleScene.open(t)
  await scene.offer()
  t.is(await scene.ask('session-initiate', { contents: [content()] }), 'wait unexpected-request out-of-order')
  t.is(await scene.ask('session-initiate', { contents: [content()] }, 'iago@venice.it/fest'), 'result')
  t.is(scene.offered.length, 2)
  await scene.ask('session-terminate')
  t.is(await scene.ask('session-initiate', { contents: [content()] }), 'result')
  t.is(scene.offered.length, 3)
})

test('a session we have ended is unknown at once, to a session-initiate, too (XEP-0166 §6.7)', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-terminate'))
  const session = await scene.offer()
  void session.terminate({ condition: 'decline' })
  for (const action of jingleActions) t.is(await scene.ask(action, partsOf(action)), unknownSession, action)
})

test('a flood of sessions is stopped: 64 of one account, whatever its resources, and 100 of all', async (t) => {
  const scene = await JingleScene.open(t)
  const initiate = (at: number, from: string) => scene.ask('session-initiate', { sid: `sid-${at}`, contents: [content()] }, from)
  for (let at = 0; at < 64; at++) t.is(await initiate(at, `romeo@montague.net/${at}`), 'result')
  t.is(await initiate(64, romeo), 'wait resource-constraint')
  t.is(await scene.ask('session-info', { sid: 'sid-64' }), unknownSession, 'nothing is kept of it')
  for (let at = 0; at < 36; at++) t.is(await initiate(at, `guest-${at}@venice.it/fest`), 'result')
  t.is(await initiate(0, 'iago@venice.it/fest'), 'wait resource-constraint')
  t.is(scene.offered.length, 100)
  t.is(scene.clock.waiting, 100)

  await scene.offered[0]?.terminate({ condition: 'decline' })
  t.is(await initiate(0, 'iago@venice.it/fest'), 'result')
  t.is(await initiate(65, romeo), 'wait resource-constraint')
  t.is((await scene.begin()).role, 'initiator', 'others cannot keep us from beginning any')
})

test('sessions that nobody here takes keep none away that somebody does, and are bounded by themselves', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-terminate'))
  const unknown = content('a-call', { description: { kind: 'unknown', xmlns: 'urn:xmpp:jingle:apps:rtp:1' } })
  const initiate = (at: number, contents = [unknown]) =>
    scene.ask('session-initiate', { sid: `sid-${at}`, contents }, `guest-${at}@venice.it/fest`)
  for (let at = 0; at < 100; at++) t.is(await initiate(at), 'result')
  t.is(await initiate(100), 'wait resource-constraint')
  t.is(await initiate(101, [content()]), 'result')
  await scene.pass(30_000)
  t.is(await initiate(102), 'result')
})

test('a session that was refused after its acknowledgement counts until that is acknowledged, 30 s at most', async (t) => {
  const scene = await JingleScene.set(t, silentTo('session-terminate'))
  const initiate = (at: number) => scene.ask('session-initiate', { sid: `sid-${at}`, contents: [content()] })
  for (let at = 0; at < 64; at++) t.is(await initiate(at), 'result')
  t.is(await initiate(64), 'wait resource-constraint')
  await scene.pass(30_000)
  t.is(scene.clock.waiting, 0)
  t.is(await initiate(65), 'result')
})

test('we begin 1,000 sessions at most, and only while we are online', async (t) => {
  const scene = await JingleScene.open(t)
  for (let at = 0; at < 1_000; at++) await scene.begin()
  await t.throwsAsync(scene.begin(), { code: 'ERR_LIMIT_WAITING' })
  await t.throwsAsync(scene.begin([]), { code: 'ERR_BAD_REQUEST' })
  t.is((await scene.offer()).role, 'responder', 'and others may begin theirs')
  await scene.account.stop()
  await t.throwsAsync(scene.begin(), { code: 'ERR_SESSION_CLOSED' })
})

test('of two sessions begun at once for the same, the one with the lower sid is begun (XEP-0166 §7.2.16)', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-initiate'))
  const beginning = scene.begin()
  await settle()
  // The other side asks for the file we offer. Ours is a UUID.
  const request = [content('a', { senders: 'responder', description: file('a.bin') })]
  t.is(await scene.ask('session-initiate', { sid: '~', contents: request }), 'cancel conflict tie-break')
  t.is(scene.offered.length, 0)
  t.is(await scene.ask('session-initiate', { sid: '!', contents: request }), 'result')
  t.is(scene.offered.length, 1)
  await scene.answer('session-initiate', 'conflict', { application: ['tie-break', 'urn:xmpp:jingle:errors:1'] })
  await t.throwsAsync(beginning, { code: 'ERR_JINGLE_TIE_BREAK' })
  t.deepEqual(scene.story, ['session-initiate'])
})

test('sessions for something else, with somebody else, or that were acknowledged before tie with none', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-initiate'))
  const beginning = scene.begin()
  await settle()
  const request = [content('a', { senders: 'responder', description: file('a.bin') })]
  t.is(await scene.ask('session-initiate', { sid: '~1', contents: [content('a', { description: file('a.bin') })] }), 'result')
  t.is(await scene.ask('session-initiate', { sid: '~2', contents: request }, 'iago@venice.it/fest'), 'result')
  await scene.answer('session-initiate')
  await beginning
  t.is(await scene.ask('session-initiate', { sid: '~3', contents: request }), 'result')
})

for (const [peer, expected] of [
  ['romeo@montague.net/orchard', 'cancel conflict tie-break'],
  ['benvolio@montague.net/orchard', 'result'],
] as const) {
  test(`of two sessions with one sid, that of the lower JID is begun: ${peer}`, async (t) => {
    const scene = await JingleScene.open(t, silentTo('session-initiate'))
    const contents = [{ senders: 'initiator' as const, description: file('a.bin'), transport: scene.transports.open }]
    const beginning = scene.sessions.begin({ peer, contents })
    await settle()
    const ours = scene.actions[0]?.sid ?? ''
    t.is(await scene.ask('session-initiate', { sid: ours, contents: [content()] }, peer), expected)
    if (expected === 'result') {
      await t.throwsAsync(beginning, { code: 'ERR_JINGLE_TIE_BREAK' })
      t.is(await scene.ask('session-info', { sid: ours }, peer), 'result')
    } else {
      await scene.answer('session-initiate')
      t.is((await beginning).state, 'pending')
    }
    t.deepEqual(scene.story, ['session-initiate'])
  })
}

test('a peer that goes offline ends its sessions, and is told so all the same', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-terminate'))
  const session = await scene.run()
  const other = await scene.accept()
  scene.receive(buildPresence({ type: 'unavailable', from: 'romeo@montague.net/pda' }))
  scene.receive(buildPresence({ type: 'available', from: romeo }))
  t.is(await endOf(session), undefined)
  scene.receive(buildPresence({ type: 'unavailable', from: romeo }))
  t.is(await endOf(session), 'lost gone ERR_NO_RESOURCE')
  t.is(await endOf(other), 'lost gone ERR_NO_RESOURCE')
  t.deepEqual(scene.story.slice(-2), ['session-terminate gone', 'session-terminate gone'])
  t.is((scene.transports.made[0]?.closedWith as { readonly code?: string } | undefined)?.code, 'ERR_NO_RESOURCE')
  t.is(await scene.ask('session-info'), unknownSession)
  await scene.pass(30_000)
  t.is(scene.clock.waiting, 0)
})

test('the end of our own session ends all Jingle sessions, without a word', async (t) => {
  const scene = await JingleScene.open(t, silentTo('session-terminate'))
  const running = await scene.run()
  const pending = await scene.offer()
  const ending = await scene.begin()
  void ending.terminate({ condition: 'success' })
  const story = scene.story.length
  const sending = running.sendInfo({ kind: 'ping' })
  await scene.account.stop()
  await sending.catch(() => {})
  t.is(await endOf(running), 'lost gone ERR_SESSION_CLOSED')
  t.is(await endOf(pending), 'lost gone ERR_SESSION_CLOSED')
  t.is(await endOf(ending), 'us success')
  t.deepEqual(scene.story.slice(story), ['session-info'])
  t.is(scene.clock.waiting, 0)
})

test('a session that is lost while it is begun is none', async (t) => {
  const scene = await JingleScene.open(t, () => 'silence')
  const beginning = scene.begin()
  await settle()
  await scene.account.stop()
  await t.throwsAsync(beginning, { code: 'ERR_SESSION_CLOSED' })
  t.is(scene.clock.waiting, 0)
})

test('a registry that is disposed of ends its sessions, and takes no more', async (t) => {
  const scene = await JingleScene.open(t)
  const sessions = [await scene.run(), await scene.offer()]
  await scene.sessions[Symbol.asyncDispose]()
  for (const session of sessions) t.is(await endOf(session), 'us gone ERR_NO_RESOURCE')
  t.deepEqual(scene.story.slice(-2), ['session-terminate gone', 'session-terminate gone'])
  t.is(await scene.ask('session-initiate', { contents: [content()] }), 'wait service-unavailable')
  await t.throwsAsync(scene.begin(), { code: 'ERR_SHUTTING_DOWN' })
  t.is(scene.clock.waiting, 0)
})

test('what is no action is a bad request, whatever session it names (XEP-0166 §7.2)', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.accept()
  t.is(await scene.ask('session-begin' as JingleAction, { sid: session.sid }), 'modify bad-request')
  t.is(await scene.ask('session-terminate', { sid: '', ...reason('success') }), 'modify bad-request')
  t.is(session.state, 'active')
})

test('a session-initiate with a sid of ours, that of another session, changes nothing of it', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin()
  t.is(await scene.ask('session-initiate', { sid: session.sid, contents: [content()] }), 'wait unexpected-request out-of-order')
  t.not(session.sid, sid)
  t.is(session.state, 'pending')
})
