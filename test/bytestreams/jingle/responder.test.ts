import test from 'ava'
import type { JingleSessionContent } from '../../../src/bytestreams/index.ts'
import { BytestreamError, type ErrorCode } from '../../../src/core/index.ts'
import { attribute, buildJingle, type JingleContent, type JingleReason, NS } from '../../../src/xep/index.ts'
import { means } from '../../helpers/elements.ts'
import { content, endOf, JingleScene, juliet, reason, romeo, sid } from '../../helpers/jingle-scene.ts'
import { file, inBand, paperTransports } from '../../helpers/jingle-transport.ts'
import { settle } from '../../helpers/settle.ts'

// Goal: sessions others begin, stanza by stanza. Method: the other side of Juliet's session is the test.

test('a session is acknowledged, accepted and ended as in XEP-0166 §2', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  t.deepEqual([session.sid, session.peer, session.role, session.state], [sid, romeo, 'responder', 'pending'])
  const [offered] = session.contents
  t.deepEqual([offered?.creator, offered?.name, offered?.senders, offered?.state], ['initiator', 'a-file-offer', 'initiator', 'offered'])
  t.deepEqual(scene.story, [])

  await session.accept([{ content: offered as NonNullable<typeof offered>, transport: scene.transports.open }])
  t.deepEqual([session.state, offered?.state], ['active', 'accepted'])
  const [accepting] = scene.actions
  t.deepEqual([accepting?.responder, accepting?.initiator, accepting?.sid], [juliet, undefined, sid])
  means(
    t,
    buildJingle({ action: 'session-accept', sid, responder: juliet, contents: accepting?.contents ?? [] }),
    `<jingle xmlns='${NS.jingle}' action='session-accept' responder='${juliet}' sid='${sid}'>
      <content creator='initiator' name='a-file-offer' senders='initiator' disposition='session'>
        <description xmlns='${NS.jingleFileTransfer}'><file><name>a-file-offer.bin</name><size>1</size></file></description>
        <transport xmlns='${NS.jingleInBand}' block-size='4096' sid='for-a-file-offer'/>
      </content>
    </jingle>`,
  )
  const [transport] = scene.transports.made
  t.deepEqual(transport?.begunWith, [inBand('for-a-file-offer')])
  t.deepEqual([transport?.link.ownRole, transport?.link.ownJid, transport?.link.peer], ['responder', juliet, romeo])

  const bytestream = transport?.open()
  t.is(await offered?.bytestream, bytestream)
  await session.terminate({ condition: 'success', text: 'Sorry, gotta go!' })
  t.is(await endOf(session), 'us success')
  t.deepEqual(scene.actions.at(-1)?.reason?.text, 'Sorry, gotta go!')
  t.deepEqual([transport?.closes, transport?.closedWith], [1, undefined])
  t.is(scene.clock.waiting, 0)
})

for (const decision of ['accept', 'terminate'] as const) {
  test(`whoever decides to ${decision} at once is heard after the acknowledgement (XEP-0166 §6.3.1)`, async (t) => {
    const scene = await JingleScene.set(t)
    scene.sessions.handle('file', (session) => {
      if (decision === 'terminate') void session.terminate({ condition: 'busy' })
      else void session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
    })
    t.is(await scene.ask('session-initiate', { contents: [content()] }), 'result')
    await settle()
    t.deepEqual(scene.story, [decision === 'accept' ? 'session-accept' : 'session-terminate busy'])
    t.deepEqual(
      scene.stanzas.map((stanza) => attribute(stanza, 'type')),
      ['result', 'set'],
    )
  })
}

test('what a listener says in return comes after the acknowledgement, and in its order', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.accept()
  session.on('info', () => {
    void session.sendInfo({ kind: 'ping' })
    void session.terminate({ condition: 'success' })
  })
  await scene.ask('session-info', { info: { kind: 'received' } })
  const last = scene.stanzas.slice(-3).map((stanza) => attribute(stanza, 'type'))
  t.deepEqual(last, ['result', 'set', 'set'])
  t.deepEqual(scene.story.slice(-2), ['session-info', 'session-terminate success'])
})

const unusable = test.macro({
  async exec(t, contents: readonly JingleContent[], condition: JingleReason['condition'], kinds: readonly 'file'[] = ['file']) {
    const scene = await JingleScene.set(t)
    for (const kind of kinds) scene.sessions.handle(kind, () => t.fail('nobody has to decide'))
    t.is(await scene.ask('session-initiate', { contents }), 'result')
    await settle()
    t.deepEqual(scene.story, [`session-terminate ${condition}`])
    t.is(scene.clock.waiting, 0)
    t.is(await scene.ask('session-info'), 'cancel item-not-found unknown-session')
  },
  title: (given) => `${given} is acknowledged, and the session ended (XEP-0166 §6.7)`,
})
const stub = (xmlns: string) => ({ kind: 'unknown' as const, xmlns })
test('an unknown application', unusable, [content('a', { description: stub('urn:example:stub') })], 'unsupported-applications')
test('an unknown transport', unusable, [content('a', { transport: stub('urn:example:stub') })], 'unsupported-transports')
test(
  'a datagram transport',
  unusable,
  [content('a', { transport: { kind: 'socks5', sid: 's', mode: 'udp', candidates: [] } })],
  'unsupported-transports',
)
test('a precondition', unusable, [content('a', { security: 'urn:example:tls' })], 'security-error')
test('an application nobody here handles', unusable, [content()], 'unsupported-applications', [])
test(
  'an unknown application beside an unknown transport',
  unusable,
  [content('a', { description: stub('urn:example:stub') }), content('b', { transport: stub('urn:example:stub') })],
  'unsupported-transports',
)

test('contents that were not accepted are removed, each with its reason, before the others are accepted', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer([
    content('wanted'),
    content('declined'),
    content('unknown', { description: stub('urn:example:stub') }),
    content('early', { disposition: 'early-session' }),
  ])
  const [wanted, ...others] = session.contents
  await session.accept([{ content: wanted as NonNullable<typeof wanted>, transport: scene.transports.open }])
  t.deepEqual(scene.story, [
    'content-remove decline',
    'content-remove unsupported-applications',
    'content-remove unsupported-applications',
    'session-accept',
  ])
  t.deepEqual(session.contents, [wanted])
  for (const other of others) await t.throwsAsync(other.bytestream)
})

test('what nobody here can have is not accepted, even where somebody wants it', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer([content('a'), content('secret', { security: 'urn:example:tls' })])
  await session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
  t.deepEqual(scene.story, ['content-remove security-error', 'session-accept'])
  t.is(scene.transports.made.length, 1)

  const other = await JingleScene.open(t)
  const mixed = await other.offer([content('a'), content('secret', { security: 'urn:example:tls' })])
  const [, secret] = mixed.contents as [JingleSessionContent, JingleSessionContent]
  await t.throwsAsync(mixed.accept([{ content: secret, transport: other.transports.open }]), { code: 'ERR_FORBIDDEN' })
  t.deepEqual([other.story, other.transports.made], [['session-terminate security-error'], []])
})

test('accepting nothing declines', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  await t.throwsAsync(session.accept([]), { code: 'ERR_DECLINED' })
  t.deepEqual(scene.story, ['session-terminate decline'])
  t.is(await endOf(session), 'us decline ERR_DECLINED')
})

test('what was accepted may say more than was offered', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  const [offered] = session.contents as [JingleSessionContent]
  const description = { kind: 'file' as const, file: { ...file('a').file, range: { offset: 270_336 } } }
  await session.accept([{ content: offered, description, transport: scene.transports.open }])
  t.is(offered.answer, description)
  t.is(offered.description.kind === 'file' && offered.description.file.range, undefined)
  const [said] = scene.actions[0]?.contents ?? []
  t.is(said?.description?.kind === 'file' && said.description.file.range?.offset, 270_336)
})

test('a transport that cannot be made takes its content along, and the last one the session', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer([content('a'), content('b')])
  const [a, b] = session.contents as [JingleSessionContent, JingleSessionContent]
  const none = () => Promise.reject(new BytestreamError('ERR_NO_VALID_STREAMS', 'none of these'))
  await session.accept([
    { content: a, transport: none },
    { content: b, transport: scene.transports.open },
  ])
  t.deepEqual(scene.story, ['content-remove unsupported-transports', 'session-accept'])
  await t.throwsAsync(a.bytestream, { code: 'ERR_NO_VALID_STREAMS' })

  const other = await JingleScene.open(t)
  const alone = await other.offer()
  await t.throwsAsync(alone.accept(alone.contents.map((each) => ({ content: each, transport: none }))), { code: 'ERR_NO_VALID_STREAMS' })
  t.deepEqual(other.story, ['session-terminate unsupported-transports'])
  t.is(other.clock.waiting, 0)
})

test('a session is accepted once, by its responder, while it is there', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-accept' ? 'silence' : 'result'))
  const session = await scene.offer()
  const answers = session.contents.map((each) => ({ content: each, transport: scene.transports.open }))
  const accepting = session.accept(answers)
  await t.throwsAsync(session.accept(answers), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  await scene.answer('session-accept')
  await accepting
  await t.throwsAsync(session.accept(answers), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  await session.terminate({ condition: 'success' })
  await t.throwsAsync(session.accept(answers), { code: 'ERR_JINGLE_UNKNOWN_SESSION' })
  const ours = await scene.begin()
  await t.throwsAsync(ours.accept(answers), { code: 'ERR_JINGLE_OUT_OF_ORDER' })
  t.is(scene.story.filter((action) => action === 'session-accept').length, 1)
})

test('a session whose initiator ends it while it is being accepted was not accepted', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-accept' ? 'silence' : 'result'))
  const session = await scene.offer()
  const accepting = session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
  await settle()
  t.is(await scene.ask('session-terminate', reason('cancel')), 'result')
  await t.throwsAsync(accepting, { code: 'ERR_CANCELLED' })
  t.is(await endOf(session), 'peer cancel ERR_CANCELLED')
  t.is(session.contents[0]?.state, 'offered')
  t.is(scene.transports.made[0]?.closes, 1)
})

test('a content that is removed while others get their transports is not accepted', async (t) => {
  let make = () => {}
  const held = new Promise<void>((resolve) => {
    make = resolve
  })
  const scene = await JingleScene.open(t)
  const slow = paperTransports(() => held)
  const session = await scene.offer([content('a'), content('b')])
  const [a, b] = session.contents as [JingleSessionContent, JingleSessionContent]
  const accepting = session.accept([
    { content: a, transport: scene.transports.open },
    { content: b, transport: slow.open },
  ])
  await scene.ask('content-remove', { contents: [content('a')] })
  make()
  await accepting
  t.deepEqual(
    scene.actions.map(({ action, contents }) => [action, ...contents.map(({ name }) => name)]),
    [['session-accept', 'b']],
  )
  t.deepEqual(session.contents, [b])
  t.is(scene.transports.made[0]?.closes, 1)
})

test('a session that is ended while its transports are made has none left open', async (t) => {
  let make = () => {}
  const held = new Promise<void>((resolve) => {
    make = resolve
  })
  const scene = await JingleScene.open(
    t,
    undefined,
    paperTransports(() => held),
  )
  const session = await scene.offer()
  const accepting = session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
  await scene.ask('session-terminate', reason('cancel'))
  await t.throwsAsync(accepting, { code: 'ERR_CANCELLED' })
  make()
  await settle()
  t.is(scene.transports.made[0]?.closes, 1)
  t.deepEqual(scene.story, [])
})

test('a session-accept that is refused ends the session', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-accept' ? ['bad-request', { type: 'modify' }] : 'result'))
  const session = await scene.offer()
  const accepting = session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
  await t.throwsAsync(accepting, { code: 'ERR_STANZA' })
  t.deepEqual(scene.story, ['session-accept', 'session-terminate general-error'])
  t.is(await endOf(session), 'us general-error ERR_STANZA')
})

test('whoever does not want a session may refuse its request; nothing is kept of it', async (t) => {
  const scene = await JingleScene.set(t)
  scene.sessions.handle('file', () => {
    throw new BytestreamError('ERR_SERVICE_UNAVAILABLE', 'we do not know each other')
  })
  t.is(await scene.ask('session-initiate', { contents: [content()] }), 'cancel service-unavailable')
  t.is(await scene.ask('session-info'), 'cancel item-not-found unknown-session')
  t.is(scene.clock.waiting, 0)
  t.deepEqual(scene.story, [])
})

test('whoever refuses a request after an answer of its own is not heard twice', async (t) => {
  const scene = await JingleScene.set(t)
  scene.sessions.handle('file', (session) => {
    void session.terminate({ condition: 'decline' })
    throw new Error('a bug')
  })
  t.is(await scene.ask('session-initiate', { contents: [content()] }), 'cancel internal-server-error')
  t.deepEqual(scene.story, [])
  t.is(scene.clock.waiting, 0)
})

test('a session nobody here decides about is ended after 5 minutes', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  await scene.pass(299_999)
  t.is(await endOf(session), undefined)
  await scene.pass(1)
  t.is(await endOf(session), 'us timeout ERR_TIMEOUT')
  t.deepEqual(scene.story, ['session-terminate timeout'])
})

const refused = test.macro({
  async exec(t, contents: readonly JingleContent[], expected: string) {
    const scene = await JingleScene.open(t)
    t.is(await scene.ask('session-initiate', { contents }), expected)
    t.is(scene.offered.length, 0)
    t.is(await scene.ask('session-info'), 'cancel item-not-found unknown-session')
    t.is(scene.clock.waiting, 0)
  },
  title: (given) => `a session-initiate with ${given} is refused`,
})
test('contents of another creator', refused, [content('a', { creator: 'responder' })], 'modify bad-request')
test('two contents of one name', refused, [content('a'), content('a')], 'modify bad-request')
test('no content', refused, [], 'modify bad-request')
test('no content for the session (XEP-0166 §7.2.10)', refused, [content('a', { disposition: 'early-session' })], 'modify bad-request')

test('transport-infos that come before the acceptance wait for the transport, 16 of them', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  const info = (at: number) => ({ contents: [content('a-file-offer', { transport: inBand(`info-${at}`) })] })
  for (let at = 0; at < 16; at++) t.is(await scene.ask('transport-info', info(at)), 'result')
  t.is(await scene.ask('transport-info', info(16)), 'wait resource-constraint')
  await session.accept(session.contents.map((each) => ({ content: each, transport: scene.transports.open })))
  const [transport] = scene.transports.made
  t.deepEqual(
    transport?.infos,
    Array.from({ length: 16 }, (_, at) => inBand(`info-${at}`)),
  )
  t.is(await scene.ask('transport-info', info(17)), 'result')
  t.is(transport?.infos.length, 17)
})

test('what a transport thinks of a transport-info is the answer', async (t) => {
  const scene = await JingleScene.open(t)
  await scene.accept()
  const [transport] = scene.transports.made
  const refuse = (code: ErrorCode) => () => {
    throw new BytestreamError(code, '')
  }
  if (transport) transport.onInfo = refuse('ERR_JINGLE_OUT_OF_ORDER')
  t.is(await scene.ask('transport-info', { contents: [content()] }), 'wait unexpected-request out-of-order')
  t.is(await scene.ask('session-info'), 'result')
})

test('what it thinks of one that came too early ends the content', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  await scene.ask('transport-info', { contents: [content()] })
  const opening = async (...args: Parameters<typeof scene.transports.open>) => {
    const side = await scene.transports.open(...args)
    const refusal = new BytestreamError('ERR_BAD_REQUEST', 'nonsense')
    return Object.assign(side, {
      onInfo: () => {
        throw refusal
      },
    })
  }
  await t.throwsAsync(session.accept(session.contents.map((each) => ({ content: each, transport: opening }))), { code: 'ERR_BAD_REQUEST' })
  t.deepEqual(scene.story, ['session-terminate failed-transport'])
})

const ends = test.macro({
  async exec(t, condition: JingleReason['condition'] | undefined, expected: string) {
    const scene = await JingleScene.open(t)
    const session = await scene.accept()
    const [transport] = scene.transports.made
    t.is(await scene.ask('session-terminate', condition ? reason(condition) : {}), 'result')
    t.is(await endOf(session), expected)
    t.is(session.state, 'ended')
    t.is(transport?.closes, 1)
    t.is((transport?.closedWith as { readonly code?: string } | undefined)?.code, expected.split(' ')[2])
    t.is(await scene.ask('session-terminate'), 'cancel item-not-found unknown-session')
    t.deepEqual([scene.clock.waiting, scene.story], [0, ['session-accept']])
  },
  title: (given) => `the other side ends the session: ${given}`,
})
test('success', ends, 'success', 'peer success')
test('no reason, when it was running', ends, undefined, 'peer success')
test('cancel', ends, 'cancel', 'peer cancel ERR_CANCELLED')
test('failed-application', ends, 'failed-application', 'peer failed-application ERR_RESET')
test('gone', ends, 'gone', 'peer gone ERR_NO_RESOURCE')

test('the other side ends a session without a reason before it was accepted: it has cancelled it', async (t) => {
  const scene = await JingleScene.open(t)
  const session = await scene.offer()
  t.is(await scene.ask('session-terminate'), 'result')
  t.is(await endOf(session), 'peer cancel ERR_CANCELLED')
})
