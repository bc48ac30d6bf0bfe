import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Bytestream, openInBand } from '../../../src/bytestreams/index.ts'
import { type BytestreamError, type Clock, silentLogger, systemClock } from '../../../src/core/index.ts'
import type { ReceiveInit } from '../../../src/transfer/index.ts'
import { buildPresence, type Jingle, type JingleCondition, type JingleContent, type JingleFile } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { JingleHand, offeredFile } from '../../helpers/jingle-hand.ts'
import { until } from '../../helpers/peer.ts'
import { steadyClock } from '../../helpers/steady-clock.ts'
import { filesIn, makeFolder, nextTransfer } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: whatever a sender says and sends by Jingle, a receiver has the whole file or none, keeps nothing, and says what is wrong.
// Method: our receiver on the embedded server, and a sender that speaks by hand.

const sid = 'by-hand'

async function setScene(
  t: ExecutionContext,
  init: Partial<ReceiveInit> = {},
  { answer, clock = steadyClock() }: { readonly answer?: (jingle: Jingle) => void; readonly clock?: Clock } = {},
) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver', {}, { clock })
  const receiver = client.receive({ into, from: ['sender@localhost'], ...init })
  const declined: BytestreamError[] = []
  receiver.on('declined', ({ error }) => declined.push(error))
  const session = await network.logIn('sender')
  const hand = new JingleHand(session, answer)
  const say = (jingle: Parameters<JingleHand['say']>[1] | (Omit<Parameters<JingleHand['say']>[1], 'sid'> & { sid?: string })) =>
    hand.say(client.jid, { sid, ...jingle })
  const initiate = (contents: readonly JingleContent[], own = sid) => say({ action: 'session-initiate', sid: own, contents })
  const open = (name = 'offered') =>
    openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: `for-${name}` }) as Promise<Bytestream>
  /** Offers a file, and opens its bytestream when it was accepted. */
  const begin = async (facts: Partial<JingleFile> = {}) => {
    const incoming = nextTransfer(receiver)
    await initiate([offeredFile(facts)])
    await hand.hear('session-accept')
    const bytestream = await open()
    bytestream.stream.on('error', () => {})
    return { ...bytestream, transfer: await incoming }
  }
  return { network, client, session, receiver, into, declined, hand, say, initiate, open, begin }
}

const sha256 = (content: string) => ({ algo: 'sha-256', value: createHash('sha256').update(content).digest() })
const wrong = { algo: 'sha-256', value: Buffer.alloc(32) }
const checksum = (hash: typeof wrong) => ({ kind: 'checksum', file: { hashes: [hash], hashUsed: [] } }) as const

/** Offers and sends, and says something in the midst; the transfer fails on both sides, and no file is there. */
const spoiled = test.macro({
  async exec(
    t: ExecutionContext,
    facts: Partial<JingleFile>,
    content: string,
    said: Partial<Parameters<JingleHand['say']>[1]> | undefined,
    code: string,
    condition: JingleCondition,
  ) {
    const { into, receiver, hand, say, begin } = await setScene(t)
    const { stream, transfer } = await begin(facts)
    stream.end(content)
    if (said) await say({ action: 'session-info', ...said })
    await t.throwsAsync(transfer.done, { code })
    t.is((await hand.hear('session-terminate')).reason?.condition, condition)
    t.deepEqual(await filesIn(into), [])
    t.is(receiver.running.size, 0)
    await t.throwsAsync(say({ action: 'session-info' }), { message: /unknown-session/ }, 'nothing is kept of the session')
  },
  title: (given = '') => `${given}: no file, and the sender hears why`,
})
test('another content than its hash says', spoiled, { hashes: [wrong] }, 'full', undefined, 'ERR_INTEGRITY', 'media-error')
test(
  'another content than its hash says, which is told behind it',
  spoiled,
  { hashUsed: ['sha-256'] },
  'full',
  { info: checksum(wrong) },
  'ERR_INTEGRITY',
  'media-error',
)
test('an end before the last octet', spoiled, {}, 'ful', undefined, 'ERR_RESET', 'failed-transport')
test('an end before the first octet', spoiled, {}, '', undefined, 'ERR_RESET', 'failed-transport')
test('octets behind the last one', spoiled, {}, 'full and more', undefined, 'ERR_INTEGRITY', 'media-error')

test('a hash that comes behind the octets is waited for, and verified', async (t) => {
  const { into, hand, say, begin } = await setScene(t)
  const { stream, transfer } = await begin({ hashUsed: ['sha-256'] })
  stream.end('full')
  await say({ action: 'session-info', info: checksum(sha256('full')) })
  t.like(await transfer.done, { verified: 'sha-256' })
  t.is((await hand.hear('session-info')).info?.kind, 'received')
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('a hash that nobody announced counts, when it comes before the last octet', async (t) => {
  for (const [hash, outcome] of [
    [sha256('full'), ['file.bin']],
    [wrong, []],
  ] as const) {
    const { into, say, begin } = await setScene(t)
    const { stream, transfer } = await begin()
    stream.write('ful')
    await say({ action: 'session-info', info: checksum(hash) })
    stream.end('l')
    if (outcome.length > 0) t.like(await transfer.done, { verified: 'sha-256' })
    else await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY' })
    t.deepEqual(await filesIn(into), outcome)
  }
})

test('COMPAT(Dino, Gajim): a file without a hash is there with its last octet, although nobody closes', async (t) => {
  const { into, hand, begin } = await setScene(t)
  const { stream } = await begin()
  stream.write('full')
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
  t.is(await readFile(join(into, 'file.bin'), 'utf8'), 'full')
})

test('a sender that is gone when the file is there, its close unanswered, is not waited for', async (t) => {
  const clock = new FakeClock()
  let leave = () => {}
  const scene = await setScene(t, {}, { clock, answer: ({ info }) => void (info?.kind === 'received' && leave()) })
  const { client, session, into, hand, say, begin } = scene
  const { stream, transfer } = await begin({ hashUsed: ['sha-256'] })
  leave = () => session.send(buildPresence({ type: 'unavailable', to: client.jid })) // Before it has acknowledged.
  stream.end('full')
  await say({ action: 'session-info', info: checksum(sha256('full')) })
  t.like(await transfer.done, { size: 4, verified: 'sha-256' })
  t.deepEqual(await filesIn(into), ['file.bin'])
  t.is((await hand.hear('session-terminate')).reason?.condition, 'gone')
  await client.close()
  t.is(clock.waiting, 0, 'nothing keeps the process alive')
})

test('a session that ends without the hash that was announced leaves no file', async (t) => {
  const { into, say, begin } = await setScene(t)
  const { stream, transfer } = await begin({ hashUsed: ['sha-256'] })
  stream.end('full')
  await say({ action: 'session-terminate', reason: { condition: 'success' } })
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY', message: /has announced a hash/ })
  t.deepEqual(await filesIn(into), [])
})

test('a session that ends well with the last octet leaves the file', async (t) => {
  const { into, say, begin } = await setScene(t)
  const { stream, transfer } = await begin()
  stream.end('full')
  await say({ action: 'session-terminate', reason: { condition: 'success' } })
  t.like(await transfer.done, { size: 4 })
  t.deepEqual(await filesIn(into), ['file.bin'])
})

for (const [step, action] of [
  ['while we decide', 'initiate'],
  ['when we have accepted', 'accept'],
  ['when the bytestream is open', 'open'],
  ['in the midst', 'send'],
] as const) {
  test(`a sender that gives up ${step}: no file, and nothing is kept`, async (t) => {
    let decide = (_: boolean) => {}
    const deciding = new Promise<boolean>((resolve) => {
      decide = resolve
    })
    const { into, receiver, client, hand, say, initiate, open } = await setScene(
      t,
      action === 'initiate' ? { mayAccept: () => deciding } : {},
    )
    const incoming = nextTransfer(receiver)
    await initiate([offeredFile()])
    if (action !== 'initiate') await hand.hear('session-accept')
    if (action === 'open' || action === 'send') {
      const { stream } = await open()
      stream.on('error', () => {})
      if (action === 'send') stream.write('fu')
    }
    const failed = action === 'initiate' ? undefined : t.throwsAsync((await incoming).done, { code: 'ERR_CANCELLED', message: /cancel/ })
    await say({ action: 'session-terminate', reason: { condition: 'cancel' } })
    decide(true)
    await failed
    await until(() => receiver.running.size === 0)
    t.deepEqual(await filesIn(into), [])
    t.true(client.session.isOnline)
    await t.throwsAsync(say({ action: 'session-info' }), { message: /unknown-session/ })
  })
}

test('a flood of sessions is refused, and what was accepted goes on', async (t) => {
  const { receiver, initiate, hand, into, begin } = await setScene(t)
  const { stream, transfer } = await begin()
  const outcomes = await Promise.allSettled(
    Array.from({ length: 200 }, (_, at) => initiate([offeredFile({}, `flood-${at}`)], `flood-${at}`)),
  )
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  t.is(refused.length, 200 - 19, 'twenty sessions, the first among them')
  t.true(refused.every((outcome) => outcome.status === 'rejected' && /resource-constraint/.test(String(outcome.reason))))
  await until(() => receiver.running.size === 20)
  stream.end('full')
  await transfer.done
  await until(() => hand.heard.some((each) => each.sid === sid && each.reason?.condition === 'success'))
  receiver.stop()
  await until(() => receiver.running.size === 0)
  t.deepEqual(await filesIn(into), ['file.bin'])
})

const refusal = test.macro({
  async exec(t: ExecutionContext, facts: Partial<JingleFile>, init: Partial<ReceiveInit>, reason: object, code: string) {
    const { into, declined, hand, initiate, receiver } = await setScene(t, init)
    await initiate([offeredFile(facts)])
    t.like((await hand.hear('session-terminate')).reason, reason)
    t.deepEqual(
      declined.map((each) => each.code),
      [code],
    )
    t.is(receiver.running.size, 0)
    t.deepEqual(await filesIn(into), [])
  },
  title: (given = '') => `refused: ${given}`,
})
test('a file of unknown size', refusal, { size: undefined }, {}, { condition: 'decline' }, 'ERR_DECLINED')
test('a part of a file', refusal, { range: { offset: 1 } }, {}, { condition: 'decline' }, 'ERR_DECLINED')
test('a name of nothing', refusal, { name: '..' }, {}, { condition: 'decline' }, 'ERR_FILE_NAME')
test(
  'a file above the limit (XEP-0234 §9.2)',
  refusal,
  { size: 5 },
  { fileBytesMax: 4 },
  { condition: 'media-error', application: 'file-too-large' },
  'ERR_FILE_TOO_LARGE',
)
test(
  'more than there is room for, without a word about how much there is',
  refusal,
  { size: Number.MAX_SAFE_INTEGER },
  {},
  { condition: 'media-error', application: 'file-too-large', text: 'there is no room for the file' },
  'ERR_DISK_SPACE',
)
test(
  'a folder that cannot be written to, which is not told',
  refusal,
  {},
  { into: '/dev/null/x' },
  { condition: 'decline', text: 'the file cannot be stored' },
  'ERR_FILE',
)
test(
  'a hook that throws, whose reason is not told',
  refusal,
  {},
  {
    mayAccept: () => {
      throw new Error('of our own business')
    },
  },
  { condition: 'decline', text: 'the file cannot be stored' },
  'ERR_INTERNAL',
)

for (const [name, stored] of [
  ['../../x', 'x'],
  ['/etc/passwd', 'passwd'],
  ['x'.repeat(4_000), 'x'.repeat(200)],
] as const) {
  test(`a file called ${JSON.stringify(name.slice(0, 20))} is stored inside the folder`, async (t) => {
    const { into, begin } = await setScene(t)
    const { stream, transfer } = await begin({ name })
    stream.end('full')
    t.is((await transfer.done).path, join(into, stored))
    t.deepEqual(await filesIn(into), [stored])
  })
}

test('a name without an end is not read', async (t) => {
  const { initiate, receiver } = await setScene(t)
  await t.throwsAsync(initiate([offeredFile({ name: 'x'.repeat(5_000) })]), { message: /bad-request/ })
  t.is(receiver.running.size, 0)
})

test('a transport that is replaced once the bytestream is open is refused, and the file arrives', async (t) => {
  const { hand, say, begin } = await setScene(t)
  const { stream, transfer } = await begin()
  const { creator, name } = offeredFile()
  const transport = { kind: 'inBand', sid: 'other', blockSize: 4096 } as const
  await say({ action: 'transport-replace', contents: [{ creator, name, transport }] })
  await hand.hear('transport-reject')
  stream.end('full')
  t.like(await transfer.done, { size: 4 })
})

test('what is said of a file that is not there, or not for its sender to say, is an error and changes nothing', async (t) => {
  const { say, begin } = await setScene(t)
  const { stream, transfer } = await begin({ hashUsed: ['sha-256'] })
  const other = { ...checksum(wrong), creator: 'initiator', name: 'other' } as const
  await t.throwsAsync(say({ action: 'session-info', info: other }), { message: /item-not-found/ })
  await t.throwsAsync(say({ action: 'session-info', info: { kind: 'received' } }), { message: /bad-request/ })
  await say({ action: 'session-info', info: checksum(sha256('full')) })
  await say({ action: 'session-info', info: checksum(wrong) }) // The first one counts.
  stream.end('full')
  t.like(await transfer.done, { verified: 'sha-256' })
})

test('a file that is taken out of the session is no matter of the others, and one that is added is taken', async (t) => {
  const { hand, say, initiate, open, receiver, into } = await setScene(t)
  await initiate([offeredFile({ name: 'one' }, 'one'), offeredFile({ name: 'two' }, 'two')])
  await hand.hear('session-accept')
  const [one, two] = ['one', 'two'].map((each) => [...receiver.running].find(({ name }) => name === each))
  const { creator, name } = offeredFile({}, 'one')
  await say({ action: 'content-remove', contents: [{ creator, name }], reason: { condition: 'cancel' } })
  await t.throwsAsync(one?.done ?? Promise.resolve(), { code: 'ERR_CANCELLED', message: /has removed it: cancel/ })
  await say({ action: 'content-add', contents: [offeredFile({ name: 'three' }, 'three')] })
  await hand.hear('content-accept')
  for (const each of ['two', 'three']) (await open(each)).stream.end('full')
  t.like(await two?.done, { size: 4 })
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
  t.deepEqual(await filesIn(into), ['three', 'two'])
})

test('a file that is added, and refused, is rejected alone', async (t) => {
  const { hand, say, begin } = await setScene(t, { names: ['*.bin'] })
  const { stream, transfer } = await begin()
  await say({ action: 'content-add', contents: [offeredFile({ name: 'bad.exe' }, 'bad')] })
  t.is((await hand.hear('content-reject')).reason?.condition, 'decline')
  stream.end('full')
  t.like(await transfer.done, { size: 4 })
})

test('a file that is taken out while somebody decides about another is no matter of that one', async (t) => {
  const answers: ((isWanted: boolean) => void)[] = []
  const mayAccept = ({ name }: { readonly name: string }) => name === 'one' || new Promise<boolean>((answer) => void answers.push(answer))
  const { hand, say, initiate, open, receiver, into } = await setScene(t, { mayAccept })
  const incoming = nextTransfer(receiver)
  await initiate([offeredFile({ name: 'one' }, 'one'), offeredFile({ name: 'two' }, 'two')])
  const one = await incoming
  await until(() => answers.length > 0)
  const { creator, name } = offeredFile({}, 'one')
  await say({ action: 'content-remove', contents: [{ creator, name }], reason: { condition: 'cancel' } })
  await t.throwsAsync(one.done, { code: 'ERR_CANCELLED' })
  answers[0]?.(true)
  const { contents } = await hand.hear('session-accept')
  t.deepEqual(
    contents.map((content) => content.name),
    ['two'],
  )
  ;(await open('two')).stream.end('full')
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
  t.deepEqual(await filesIn(into), ['two'])
})

test('a hash that does not say of which file it is counts for none of several (XEP-0234 §8.2)', async (t) => {
  const { hand, say, initiate, open, into } = await setScene(t)
  const names = ['one', 'two']
  await initiate(names.map((name) => offeredFile({ name, hashUsed: ['sha-256'] }, name)))
  await hand.hear('session-accept')
  await t.throwsAsync(say({ action: 'session-info', info: checksum(wrong) }), { message: /bad-request/ })
  for (const name of names) {
    ;(await open(name)).stream.end('full')
    await say({ action: 'session-info', info: { ...checksum(sha256('full')), creator: 'initiator', name } })
  }
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
  t.deepEqual(await filesIn(into), names)
})
