import test from 'ava'
import type { JingleSession, JingleSessionContent } from '../../../src/bytestreams/index.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import type { JingleAction, JingleContent, JingleReason } from '../../../src/xep/index.ts'
import { type Answers, content, endOf, JingleScene, reason } from '../../helpers/jingle-scene.ts'
import { file, inBand } from '../../helpers/jingle-transport.ts'
import { settle } from '../../helpers/settle.ts'

// Goal: what becomes of the contents of a session, and of their transports, stanza by stanza.

const silentTo =
  (...actions: readonly JingleAction[]): Answers =>
  (action) =>
    actions.includes(action) ? 'silence' : 'result'

const theirs = (name: string, facts: Partial<JingleContent> = {}) => content(name, { creator: 'responder', ...facts })
const the = (session: JingleSession, name: string) => session.contents.find((each) => each.name === name) as JingleSessionContent
const init = (scene: JingleScene, name: string) => ({
  ...{ name, senders: 'initiator' as const, description: file(`${name}.bin`), transport: scene.transports.open },
})

/** What is told of contents, in words. */
function listen(session: JingleSession): string[] {
  const told: string[] = []
  session.on('contentOffered', ({ name }) => told.push(`offered ${name}`))
  session.on('contentAccepted', ({ name }) => told.push(`accepted ${name}`))
  session.on('contentRejected', ({ content: { name }, reason: { condition } }) => told.push(`rejected ${name} ${condition}`))
  session.on('contentRemoved', ({ content: { name }, reason: { condition }, by }) => told.push(`removed ${name} ${condition} ${by}`))
  return told
}

test('a content the other side adds is accepted, and begins with its transport (XEP-0166 §7.2.2)', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const told = listen(session)
  const { sid } = session
  t.is(await scene.ask('content-add', { sid, contents: [theirs('b')] }), 'result')
  const b = the(session, 'b')
  t.deepEqual([told, b.state, b.creator], [['offered b'], 'offered', 'responder'])
  await session.acceptContent({ content: b, transport: scene.transports.open })
  t.deepEqual([b.state, scene.story.at(-1), scene.transports.made[1]?.begunWith], ['accepted', 'content-accept', [inBand('for-b')]])
  const [said] = scene.actions.at(-1)?.contents ?? []
  t.deepEqual([said?.creator, said?.name, said?.transport], ['responder', 'b', inBand('for-b')])
  await t.throwsAsync(session.acceptContent({ content: b, transport: scene.transports.open }), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  await t.throwsAsync(session.rejectContent(b, { condition: 'decline' }), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  t.is(scene.clock.waiting, 0)
})

test('a content the other side adds is rejected, with the reason', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  listen(session)
  await scene.ask('content-add', { sid: session.sid, contents: [theirs('b')] })
  const b = the(session, 'b')
  await session.rejectContent(b, { condition: 'decline' })
  t.deepEqual([scene.story.at(-1), session.contents.length], ['content-reject decline', 1])
  await t.throwsAsync(session.rejectContent(b, { condition: 'decline' }), { code: 'ERR_ITEM_NOT_FOUND' })
  await t.throwsAsync(b.bytestream, { code: 'ERR_DECLINED' })
})

const rejected = test.macro({
  async exec(t, facts: Partial<JingleContent>, condition: JingleReason['condition'], mayListen = true) {
    const scene = await JingleScene.open(t)
    const session = await scene.run()
    const told = mayListen ? listen(session) : []
    t.is(await scene.ask('content-add', { sid: session.sid, contents: [theirs('b', facts)] }), 'result')
    t.deepEqual([scene.story.at(-1), told, session.contents.length], [`content-reject ${condition}`, [], 1])
    t.is(scene.clock.waiting, 0)
  },
  title: (given) => `${given} is rejected without anybody deciding`,
})
const stub = { kind: 'unknown' as const, xmlns: 'urn:example:stub' }
test('an unknown application', rejected, { description: stub }, 'unsupported-applications')
test('an unknown transport', rejected, { transport: stub }, 'unsupported-transports')
test('a precondition', rejected, { security: 'urn:example:tls' }, 'security-error')
test('a content where nobody listens for any', rejected, {}, 'decline', false)

test('a content nobody decides about is rejected after 5 minutes', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  listen(session)
  await scene.ask('content-add', { sid: session.sid, contents: [theirs('b')] })
  await scene.pass(300_000)
  t.deepEqual([scene.story.at(-1), session.contents.length], ['content-reject timeout', 1])
  t.is(await endOf(session), undefined)
})

test('a content whose transport cannot be made is rejected', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  listen(session)
  await scene.ask('content-add', { sid: session.sid, contents: [theirs('b')] })
  const none = () => Promise.reject(new BytestreamError('ERR_NO_VALID_STREAMS', 'none'))
  await t.throwsAsync(session.acceptContent({ content: the(session, 'b'), transport: none }), { code: 'ERR_NO_VALID_STREAMS' })
  t.deepEqual([scene.story.at(-1), session.contents.length], ['content-reject unsupported-transports', 1])
})

test('the other side adds contents of its own only, each once, and no more than 100', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  listen(session)
  const { sid } = session
  const add = (contents: readonly JingleContent[]) => scene.ask('content-add', { sid, contents })
  t.is(await add([content('b')]), 'modify bad-request')
  t.is(await add([theirs('b')]), 'result')
  t.is(await add([theirs('b')]), 'wait unexpected-request out-of-order')
  t.is(await add(Array.from({ length: 99 }, (_, at) => theirs(`c${at}`))), 'wait resource-constraint')
  t.is(session.contents.length, 2)
  t.is(await add(Array.from({ length: 98 }, (_, at) => theirs(`c${at}`))), 'result')
  t.is(await add([theirs('d')]), 'wait resource-constraint')
  await t.throwsAsync(session.addContents([init(scene, 'e')]), { code: 'ERR_LIMIT_WAITING' })
  t.is(session.contents.length, 100)
})

test('what is kept of the contents of a session has a bound, however few they are', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  listen(session)
  const candidates = Array.from({ length: 30 }, (_, at) => ({
    ...{ cid: `c${at}`, host: 'h'.repeat(4000), jid: 'j'.repeat(4000), port: 1, priority: 1, type: 'proxy' as const },
  }))
  const transport = { kind: 'socks5' as const, sid: 's', candidates }
  t.is(await scene.ask('content-add', { contents: [content('b', { transport })] }), 'result')
  t.is(await scene.ask('transport-info', { contents: [content('b', { transport })] }), 'result')
  t.is(await scene.ask('transport-info', { contents: [content('b', { transport })] }), 'wait resource-constraint')
  t.is(await scene.ask('content-add', { contents: [content('c', { transport })] }), 'wait resource-constraint')
  t.is(await scene.ask('content-add', { contents: [content('c')] }), 'result')
  await session.rejectContent(the(session, 'b'), { condition: 'decline' })
  t.is(await scene.ask('content-add', { contents: [content('d', { transport })] }), 'result')
})

test('contents that are rejected keep their place until that is acknowledged', async (t) => {
  const scene = await JingleScene.open(t, silentTo('content-reject'))
  const session = await scene.run()
  const add = (at: number) => scene.ask('content-add', { sid: session.sid, contents: [theirs(`c${at}`)] })
  for (let at = 0; at < 99; at++) t.is(await add(at), 'result')
  t.is(await add(99), 'wait resource-constraint')
  await scene.answer('content-reject')
  t.is(await add(100), 'result')
})

test('a content we add is accepted by the other side', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const told = listen(session)
  const [b] = (await session.addContents([init(scene, 'b')])) as [JingleSessionContent]
  t.deepEqual([scene.story.at(-1), b.state, b.creator], ['content-add', 'offered', 'initiator'])
  t.is(await scene.ask('content-accept', { sid: session.sid, contents: [content('b')] }), 'result')
  t.deepEqual([told, b.state, scene.transports.made[1]?.begunWith], [['accepted b'], 'accepted', [inBand('for-b')]])
  t.is(await scene.ask('content-accept', { sid: session.sid, contents: [content('b')] }), 'wait unexpected-request out-of-order')
  t.is(scene.clock.waiting, 0)
})

test('a content we add is rejected, or not decided about', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const told = listen(session)
  const [b, c] = (await session.addContents([init(scene, 'b'), init(scene, 'c')])) as [JingleSessionContent, JingleSessionContent]
  t.is(await scene.ask('content-reject', { sid: session.sid, contents: [content('b')], ...reason('busy') }), 'result')
  await t.throwsAsync(b.bytestream, { code: 'ERR_LIMIT_WAITING' })
  await scene.pass(90_000)
  await t.throwsAsync(c.bytestream, { code: 'ERR_TIMEOUT' })
  t.deepEqual(told, ['rejected b busy', 'removed c timeout us'])
  t.deepEqual([scene.story.at(-1), session.contents.length], ['content-remove timeout', 1])
})

test('a content that cannot be added is none', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'content-add' ? ['feature-not-implemented'] : 'result'))
  const session = await scene.run()
  await t.throwsAsync(session.addContents([init(scene, 'b')]), { code: 'ERR_STANZA' })
  t.is(session.contents.length, 1)
  t.is(scene.transports.made[1]?.closes, 1)
  await t.throwsAsync(session.addContents([init(scene, 'a')]), { code: 'ERR_BAD_REQUEST' })
  t.is(await endOf(session), undefined)
})

test('a content that is accepted before the adding of it is acknowledged is accepted all the same', async (t) => {
  const scene = await JingleScene.open(t, silentTo('content-add'))
  const session = await scene.run()
  const adding = session.addContents([init(scene, 'b')])
  await settle()
  t.is(await scene.ask('content-accept', { sid: session.sid, contents: [content('b')] }), 'result')
  await scene.answer('content-add')
  t.is((await adding)[0]?.state, 'accepted')
  t.is(scene.clock.waiting, 0)
})

test('what the session began with is accepted with the session, and not by itself', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin(['a', 'b'])
  t.is(await scene.ask('content-accept', { sid: session.sid, contents: [content('a')] }), 'wait unexpected-request out-of-order')
  const offered = await scene.offer()
  const [only] = offered.contents as [JingleSessionContent]
  await t.throwsAsync(offered.acceptContent({ content: only, transport: scene.transports.open }), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  const [added] = (await offered.addContents([init(scene, 'mine')])) as [JingleSessionContent]
  await t.throwsAsync(offered.accept([{ content: added, transport: scene.transports.open }]), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
})

test('the other side removes a content; with the last one we end the session (XEP-0166 §7.2.5)', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run(['a', 'b'])
  const told = listen(session)
  const { sid } = session
  const [a] = session.contents as [JingleSessionContent]
  t.is(await scene.ask('content-remove', { sid, contents: [content('c')] }), 'cancel item-not-found')
  t.is(await scene.ask('content-remove', { sid, contents: [content('a'), content('c')] }), 'cancel item-not-found')
  t.is(session.contents.length, 2, 'all of them or none')
  t.is(await scene.ask('content-remove', { sid, contents: [content('a')], ...reason('cancel') }), 'result')
  t.deepEqual([told, session.contents.length, scene.transports.made[0]?.closes], [['removed a cancel peer'], 1, 1])
  await t.throwsAsync(a.bytestream, { code: 'ERR_CANCELLED' })
  t.is(await scene.ask('content-remove', { sid, contents: [content('b')], ...reason('busy') }), 'result')
  t.is(scene.story.at(-1), 'session-terminate busy')
  t.is(await endOf(session), 'us busy ERR_LIMIT_WAITING')
})

test('a session whose contents are all rejected before it was accepted is ended (XEP-0166 §7.2.4)', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.begin()
  t.is(await scene.ask('content-reject', { sid: session.sid, contents: [content('a')] }), 'result')
  t.is(await endOf(session), 'us decline ERR_DECLINED')
})

test('we remove a content, and with the last one the session', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run(['a', 'b'])
  const [a, b] = session.contents as [JingleSessionContent, JingleSessionContent]
  await session.removeContent(a, { condition: 'success' })
  t.deepEqual([scene.story.at(-1), session.contents], ['content-remove success', [b]])
  await t.throwsAsync(session.removeContent(a, { condition: 'success' }), { code: 'ERR_ITEM_NOT_FOUND' })
  await session.removeContent(b, { condition: 'success' })
  t.is(scene.story.at(-1), 'session-terminate success')
  t.is(await endOf(session), 'us success')
})

for (const role of ['initiator', 'responder'] as const) {
  test(`when both sides remove a content at once, the initiator's word counts; we are the ${role} (XEP-0166 §7.2.16)`, async (t) => {
    const scene = await JingleScene.open(t, silentTo('content-remove'))
    const session = role === 'initiator' ? await scene.run(['a', 'b']) : await scene.accept([content('a'), content('b')])
    const removing = session.removeContent(the(session, 'a'), { condition: 'success' })
    await settle()
    t.is(session.contents.length, 2, 'until it is acknowledged')
    const answer = await scene.ask('content-remove', { sid: session.sid, contents: [content('a')] })
    t.is(answer, role === 'initiator' ? 'cancel conflict tie-break' : 'result')
    await scene.answer('content-remove', ...(role === 'initiator' ? ([] as const) : (['conflict'] as const)))
    await removing
    t.deepEqual([session.contents.length, session.state], [1, 'active'])
  })
}

test('what is said of a content that is being removed reaches nobody', async (t) => {
  const scene = await JingleScene.open(t, silentTo('content-remove'))
  const session = await scene.run(['a', 'b'])
  void session.removeContent(the(session, 'a'), { condition: 'success' })
  t.is(await scene.ask('transport-info', { sid: session.sid, contents: [content('a')] }), 'result')
  t.is(await scene.ask('transport-replace', { sid: session.sid, contents: [content('a')] }), 'result')
  t.deepEqual([scene.transports.made[0]?.infos, scene.transports.made[0]?.replacedBy], [[], []])
  await t.throwsAsync(scene.transports.made[0]?.link.sendInfo(inBand('info')) as Promise<void>, { code: 'ERR_ABORTED' })
})

test('other senders are taken when somebody listens, and does not mind', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const [a] = session.contents as [JingleSessionContent]
  const modify = (senders: JingleContent['senders']) =>
    scene.ask('content-modify', { sid: session.sid, contents: [{ creator: 'initiator', name: 'a', senders }] })
  t.is(await modify('both'), 'modify not-acceptable')
  let told = ''
  session.on('contentModified', ({ content: { senders: before }, senders }) => {
    told = `${before} ${senders}`
    if (senders === 'none') throw new BytestreamError('ERR_FORBIDDEN', 'somebody has to send')
  })
  t.is(await modify('both'), 'result')
  t.deepEqual([told, a.senders], ['initiator both', 'both'])
  t.is(await modify('none'), 'auth forbidden')
  t.is(a.senders, 'both')
})

test('we ask for other senders', async (t) => {
  let answer: ReturnType<Answers> = 'result'
  const scene = await JingleScene.open(t, (action) => (action === 'content-modify' ? answer : 'result'))
  const session = await scene.run()
  const [a] = session.contents as [JingleSessionContent]
  const modifying = session.modifyContent(a, 'responder')
  await t.throwsAsync(session.modifyContent(a, 'both'), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  await modifying
  t.deepEqual([a.senders, scene.actions.at(-1)?.contents[0]?.senders], ['responder', 'responder'])
  answer = ['not-acceptable']
  await t.throwsAsync(session.modifyContent(a, 'none'), { code: 'ERR_STANZA' })
  t.is(a.senders, 'responder')
})

for (const role of ['initiator', 'responder'] as const) {
  test(`when both sides ask for other senders at once, the initiator's word counts; we are the ${role}`, async (t) => {
    const scene = await JingleScene.open(t, silentTo('content-modify'))
    const session = role === 'initiator' ? await scene.run() : await scene.accept([content('a')])
    session.on('contentModified', () => {})
    const [a] = session.contents as [JingleSessionContent]
    const modifying = session.modifyContent(a, 'both')
    const answer = await scene.ask('content-modify', {
      sid: session.sid,
      contents: [{ creator: 'initiator', name: 'a', senders: 'none' }],
    })
    t.is(answer, role === 'initiator' ? 'cancel conflict tie-break' : 'result')
    if (role === 'initiator') {
      await scene.answer('content-modify')
      await modifying
    } else {
      await scene.answer('content-modify', 'conflict')
      await t.throwsAsync(modifying, { code: 'ERR_STANZA' })
    }
    t.is(a.senders, role === 'initiator' ? 'both' : 'none')
  })
}

test('the other side replaces a transport: ours says with what, or that it does not', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const { sid } = session
  const [transport] = scene.transports.made
  const replace = (by = inBand('another', 65_535)) =>
    scene.ask('transport-replace', { sid, contents: [{ creator: 'initiator', name: 'a', transport: by }] })
  if (transport) transport.onReplace = async () => inBand('another', 4096)
  t.is(await replace(), 'result')
  t.deepEqual([scene.story.at(-1), scene.actions.at(-1)?.contents[0]?.transport], ['transport-accept', inBand('another', 4096)])
  t.deepEqual(transport?.replacedBy, [inBand('another', 65_535)])
  if (transport) transport.onReplace = () => Promise.reject(new BytestreamError('ERR_IN_BAND_BLOCK_SIZE', 'too large'))
  t.is(await replace(), 'result')
  t.is(scene.story.at(-1), 'transport-reject unsupported-transports')
  t.is(await replace(stub), 'result')
  t.is(scene.story.at(-1), 'transport-reject unsupported-transports')
  t.is(transport?.replacedBy.length, 2, 'nobody is asked about a transport that is unknown')
})

test('a transport is not replaced before there is one on our side', async (t) => {
  const scene = await JingleScene.open(t)
  await scene.offer([content('a')])
  t.is(await scene.ask('transport-replace', { contents: [content('a')] }), 'result')
  t.deepEqual(scene.story, ['transport-reject unsupported-transports'])
})

test('one replacement at a time, and no more than 8', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const replace = () => scene.ask('transport-replace', { sid: session.sid, contents: [content('a')] })
  let decide = () => {}
  const [transport] = scene.transports.made
  if (transport)
    transport.onReplace = async (by) => {
      await new Promise<void>((resolve) => {
        decide = resolve
      })
      return by
    }
  for (let count = 0; count < 8; count++) {
    t.is(await replace(), 'result')
    t.is(await replace(), 'wait unexpected-request out-of-order')
    decide()
    await settle()
  }
  t.is(await replace(), 'wait resource-constraint')
  t.is(scene.story.filter((action) => action === 'transport-accept').length, 8)
})

test('we replace a transport: accepted, rejected, or not decided about', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  const { sid } = session
  const link = scene.transports.made[0]?.link as NonNullable<(typeof scene.transports.made)[0]>['link']
  const accept = (transport = inBand('another', 1024)) =>
    scene.ask('transport-accept', { sid, contents: [{ creator: 'initiator', name: 'a', transport }] })
  const reject = () => scene.ask('transport-reject', { sid, contents: [content('a')] })
  t.is(await accept(), 'wait unexpected-request out-of-order')
  t.is(await reject(), 'wait unexpected-request out-of-order')

  const accepted = link.sendReplace(inBand('another', 4096))
  await settle()
  t.deepEqual([scene.story.at(-1), scene.actions.at(-1)?.contents[0]?.transport], ['transport-replace', inBand('another', 4096)])
  await t.throwsAsync(link.sendReplace(inBand('yet-another')), { code: 'ERR_JINGLE_TIE_BREAK' })
  t.is(await accept({ kind: 'socks5', sid: 's', candidates: [] }), 'modify bad-request')
  t.is(await accept(), 'result')
  t.deepEqual(await accepted, inBand('another', 1024))

  const rejected = link.sendReplace(inBand('another'))
  t.is(await reject(), 'result')
  await t.throwsAsync(rejected, { code: 'ERR_NO_VALID_STREAMS' })

  const unheard = link.sendReplace(inBand('another'))
  await settle()
  await scene.pass(90_000)
  await t.throwsAsync(unheard, { code: 'ERR_TIMEOUT' })
  t.is(scene.clock.waiting, 0)
  t.is(await accept(), 'wait unexpected-request out-of-order')

  const late = link.sendReplace(inBand('another'))
  await scene.ask('session-terminate', { sid, ...reason('cancel') })
  await t.throwsAsync(late, { code: 'ERR_CANCELLED' })
})

for (const role of ['initiator', 'responder'] as const) {
  test(`when both sides replace a transport at once, the initiator's counts; we are the ${role} (XEP-0166 §7.2.16)`, async (t) => {
    const scene = await JingleScene.open(t, silentTo('transport-replace'))
    const session = role === 'initiator' ? await scene.run() : await scene.accept([content('a')])
    const { sid } = session
    const replacing = scene.transports.made[0]?.link.sendReplace(inBand('ours')) as Promise<unknown>
    await settle()
    const answer = await scene.ask('transport-replace', { sid, contents: [content('a', { transport: inBand('theirs') })] })
    if (role === 'initiator') {
      t.is(answer, 'cancel conflict tie-break')
      await scene.answer('transport-replace')
      await scene.ask('transport-accept', { sid, contents: [content('a', { transport: inBand('agreed') })] })
      t.deepEqual(await replacing, inBand('agreed'))
    } else {
      t.is(answer, 'result')
      await t.throwsAsync(replacing, { code: 'ERR_JINGLE_TIE_BREAK' })
      t.is(scene.story.at(-1), 'transport-accept')
    }
  })
}

test('a replacement that is answered with tie-break is one that was overruled', async (t) => {
  const tie: ReturnType<Answers> = ['conflict', { application: ['tie-break', 'urn:xmpp:jingle:errors:1'] }]
  const scene = await JingleScene.open(t, (action) => (action === 'transport-replace' ? tie : 'result'))
  await scene.run()
  await t.throwsAsync(scene.transports.made[0]?.link.sendReplace(inBand('ours')) as Promise<unknown>, { code: 'ERR_JINGLE_TIE_BREAK' })
})

const informs = test.macro({
  async exec(t, action: JingleAction, parts: Parameters<JingleScene['ask']>[1], expected: string) {
    const scene = await JingleScene.open(t)
    const session = await scene.run()
    const told: string[] = []
    if (expected.endsWith('told')) session.on('info', ({ kind }) => void told.push(kind))
    t.is(await scene.ask(action, { sid: session.sid, ...parts }), expected.split(',')[0] as string)
    t.deepEqual(told, expected.endsWith('told') ? [parts?.info?.kind] : [])
  },
  title: (given) => `${given} (XEP-0166 §6.8)`,
})
const unsupported = 'modify feature-not-implemented unsupported-info'
const received = { kind: 'received' as const }
test('an empty session-info asks whether we are there', informs, 'session-info', {}, 'result')
test(
  'a session-info of which nobody knows anything',
  informs,
  'session-info',
  { info: { kind: 'unknown', xmlns: 'urn:x', name: 'y' } },
  unsupported,
)
test('a session-info nobody listens to', informs, 'session-info', { info: received }, unsupported)
test('a session-info somebody listens to', informs, 'session-info', { info: received }, 'result,told')
test('a description-info, which nothing we speak has', informs, 'description-info', { contents: [content('a')] }, unsupported)
test('a security-info, which nothing we speak has', informs, 'security-info', { contents: [content('a')] }, unsupported)

test('what a listener thinks of an information is the answer', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.run()
  session.on('info', () => {
    throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'no such file')
  })
  t.is(await scene.ask('session-info', { sid: session.sid, info: received }), 'cancel item-not-found')
  t.is(await endOf(session), undefined)
})
