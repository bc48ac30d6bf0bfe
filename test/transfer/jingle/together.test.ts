import test, { type ExecutionContext } from 'ava'
import { type JingleSession, JingleSessions, type OpenTransport } from '../../../src/bytestreams/index.ts'
import { abortError, BytestreamError, orAbort, StanzaError, silentLogger, systemClock } from '../../../src/core/index.ts'
import { Together } from '../../../src/transfer/jingle/together.ts'
import { content, JingleScene, romeo } from '../../helpers/jingle-scene.ts'
import { file, paperTransports } from '../../helpers/jingle-transport.ts'
import { settle } from '../../helpers/settle.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: what becomes of files that are offered together is told of each, whatever happens to the others, and whenever.
// Method: the offers alone, on transports that carry nothing; what the receiver says comes from the test.

async function setScene(t: ExecutionContext, begin: (session: JingleSession) => void) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [sender, receiver] = [await network.logIn('sender'), await network.logIn('receiver')]
  const basics = { clock: systemClock, logger: silentLogger }
  JingleSessions.of({ ...basics, session: receiver }).handle('file', begin)
  const jingle = JingleSessions.of({ ...basics, session: sender })
  const together = new Together({ ...basics, jingle })
  const offerOf = (name: string, init: { signal?: AbortSignal; transport?: OpenTransport } = {}) => {
    const { signal = new AbortController().signal, transport = paperTransports().open } = init
    const content = { senders: 'initiator', description: file(name), transport } as const
    return { to: receiver.jid, content, timings: undefined, signal }
  }
  return { together, offerOf }
}

/** Accepts every file. Whether the sender's acknowledgement comes before the end of the test is no matter. */
function acceptAll(session: JingleSession): void {
  const { open: transport } = paperTransports()
  session.accept(session.contents.map((content) => ({ content, transport }))).catch(() => {})
}

test('a file that is cancelled while the session is prepared is no matter of the others, which still go together', async (t) => {
  const names: string[][] = []
  const { together, offerOf } = await setScene(t, (session) => {
    names.push(session.contents.map(({ name }) => name))
    acceptAll(session)
  })
  const cancelling = new AbortController()
  const { signal } = cancelling
  const transport: OpenTransport = () => {
    setImmediate(() => cancelling.abort())
    return orAbort(new Promise(() => {}), signal)
  }
  const [first, second, third] = [together.join(), together.join(), together.join()]
  const cancelled = first.offer(offerOf('cancelled', { signal, transport }))
  const outcomes = Promise.all([second.offer(offerOf('one')), third.offer(offerOf('other'))])
  await t.throwsAsync(cancelled, { code: 'ERR_ABORTED' })
  t.deepEqual(
    (await outcomes).map((outcome) => 'file' in outcome),
    [true, true],
  )
  t.deepEqual(
    names.map(({ length }) => length),
    [2],
  )
})

test('files are offered in the order of their turns, whichever is ready first', async (t) => {
  const names: (string | undefined)[] = []
  const { together, offerOf } = await setScene(t, (session) => {
    for (const { description } of session.contents) names.push(description?.kind === 'file' ? description.file.name : undefined)
    acceptAll(session)
  })
  const [first, second, third] = [together.join(), together.join(), together.join()]
  await Promise.all([second.offer(offerOf('second')), third.offer(offerOf('third')), first.offer(offerOf('first'))])
  t.deepEqual(names, ['first', 'second', 'third'])
})

test('a file that is added and rejected at once hears why, and is not offered again', async (t) => {
  const begun: JingleSession[] = []
  const { together, offerOf } = await setScene(t, (session) => {
    begun.push(session)
    // Right behind the acknowledgement.
    session.on('contentOffered', (content) => void session.rejectContent(content, { condition: 'decline', text: 'not this one' }))
    acceptAll(session)
  })
  t.true('file' in (await together.join().offer(offerOf('first'))))
  await t.throwsAsync(together.join().offer(offerOf('second')), { code: 'ERR_DECLINED', message: /not this one/ })
  t.is(begun.length, 1)
  // Nothing is kept of it.
  const receive = async (name: string) => await begun[0]?.sendInfo({ kind: 'received', creator: 'initiator', name })
  await t.notThrowsAsync(receive('file-1'))
  const error = await t.throwsAsync(receive('file-2'), { instanceOf: StanzaError })
  t.is(error?.condition, 'item-not-found')
})

test('a file that is taken out right behind the acknowledgement of the session hears why, and is not offered again', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-initiate' ? 'silence' : 'result'))
  const together = new Together({ clock: scene.clock, jingle: scene.sessions })
  const offerOf = (name: string) => {
    const content = { senders: 'initiator', description: file(name), transport: paperTransports().open } as const
    return { to: romeo, content, timings: undefined, signal: new AbortController().signal }
  }
  const [first, second] = [together.join(), together.join()]
  const unwanted = t.throwsAsync(first.offer(offerOf('unwanted')), { code: 'ERR_DECLINED', message: /not this one/ })
  const wanted = second.offer(offerOf('wanted'))
  for (; scene.actions.length === 0; ) await settle()
  const [{ sid } = { sid: '' }] = scene.actions
  // In one segment, so that nobody has looked in between.
  const reason = { condition: 'decline', text: 'not this one' } as const
  await Promise.all([
    scene.answer('session-initiate'),
    scene.ask('content-remove', { sid, contents: [{ creator: 'initiator', name: 'file-1' }], reason }),
    scene.ask('session-accept', { sid, contents: [content('file-2')] }),
  ])
  await unwanted
  t.true('file' in (await wanted))
  t.deepEqual(scene.story, ['session-initiate'])
})

/** A session that runs, with one file, and another that is added, which is not yet acknowledged. */
async function addFile(t: ExecutionContext) {
  const scene = await JingleScene.open(t, (action) => (action === 'content-add' ? 'silence' : 'result'))
  const together = new Together({ clock: scene.clock, jingle: scene.sessions })
  const offer = (name: string) => {
    const content = { senders: 'initiator', description: file(name), transport: paperTransports().open } as const
    return together.join().offer({ to: romeo, content, timings: undefined, signal: new AbortController().signal })
  }
  const first = offer('first')
  for (; scene.actions.length === 0; ) await settle()
  const sid = scene.actions[0]?.sid ?? ''
  await scene.ask('session-accept', { sid, contents: [content('file-1')] })
  t.true('file' in (await first))
  const added = offer('added')
  for (; scene.actions.length === 1; ) await settle()
  return { scene, sid, added }
}

test('a session that is ended right behind the acknowledgement of a file that was added has decided about it', async (t) => {
  const { scene, sid, added } = await addFile(t)
  // In one segment, so that nobody has looked in between.
  await Promise.all([
    t.throwsAsync(added, { code: 'ERR_DECLINED', message: /not these/ }),
    scene.answer('content-add'),
    scene.ask('session-terminate', { sid, reason: { condition: 'decline', text: 'not these' } }),
  ])
  t.deepEqual(scene.story, ['session-initiate', 'content-add'])
})

test('a session that is ended before a file that was added has arrived knows nothing of it, which is offered in another', async (t) => {
  const { scene, sid, added } = await addFile(t)
  await scene.ask('session-terminate', { sid, reason: { condition: 'success' } })
  for (; scene.actions.length === 2; ) await settle()
  await scene.ask('session-accept', { sid: scene.actions[2]?.sid ?? '', contents: [content('file-3')] })
  t.true('file' in (await added))
  t.deepEqual(scene.story, ['session-initiate', 'content-add', 'session-initiate'])
})

test('a file that is refused right behind the acknowledgement, when the others were given up, is not offered again', async (t) => {
  const scene = await JingleScene.open(t, (action) => (action === 'session-initiate' ? 'silence' : 'result'))
  const together = new Together({ clock: scene.clock, jingle: scene.sessions })
  const [cancelling, transports] = [new AbortController(), paperTransports()]
  const offerOf = (name: string, signal: AbortSignal) => {
    const content = { senders: 'initiator', description: file(name), transport: transports.open } as const
    return { to: romeo, content, timings: undefined, signal }
  }
  const [first, second] = [together.join(), together.join()]
  const cancelled = t.throwsAsync(first.offer(offerOf('cancelled', cancelling.signal)), { instanceOf: BytestreamError })
  const unwanted = t.throwsAsync(second.offer(offerOf('unwanted', new AbortController().signal)), { code: 'ERR_DECLINED' })
  for (; scene.actions.length === 0; ) await settle()
  const sid = scene.actions[0]?.sid ?? ''
  cancelling.abort()
  transports.made[0]?.fail(abortError(cancelling.signal))
  await settle()
  const reason = { condition: 'decline' } as const
  await Promise.all([
    scene.answer('session-initiate'),
    scene.ask('content-remove', { sid, contents: [{ creator: 'initiator', name: 'file-2' }], reason }),
  ])
  await Promise.all([cancelled, unwanted])
  t.is(scene.story.filter((action) => action === 'session-initiate').length, 1)
})
