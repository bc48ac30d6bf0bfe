import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openInBand } from '../../../src/bytestreams/index.ts'
import { type BytestreamError, silentLogger, systemClock } from '../../../src/core/index.ts'
import type { ReceiveInit, TransferEvents } from '../../../src/transfer/index.ts'
import type { Hash, JingleAction, JingleFile, JingleInfo } from '../../../src/xep/index.ts'
import { JingleHand, offeredFile } from '../../helpers/jingle-hand.ts'
import { leavePart } from '../../helpers/parts.ts'
import { filesIn, makeFolder, nextTransfer } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: who has a part of a file asks for the rest, and has the whole file or none in the end, whatever the sender makes of that.
// Method: our receiver on the embedded server, parts as an interruption leaves them, and a sender that speaks Jingle by hand.

const sid = 'by-hand'
const content = Buffer.from('0123456789')
const date = '2026-11-21T19:40:42Z'
const modifiedS = Date.parse(date) / 1000
const sha256 = (octets: Buffer): Hash => ({ algo: 'sha-256', value: createHash('sha256').update(octets).digest() })
const fact = { size: content.length, date, hashUsed: ['sha-256'], range: {} }

type Say = (jingle: Partial<Parameters<JingleHand['say']>[1]>, own?: string) => Promise<void>

async function setScene(
  t: ExecutionContext,
  init: Partial<ReceiveInit> = {},
  beforeAnswer: (action: JingleAction, say: Say) => void = () => {},
) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'], ...init })
  const session = await network.logIn('sender')
  const hand: JingleHand = new JingleHand(session, ({ action }) => beforeAnswer(action, say))
  const say: Say = (jingle, own = sid) => hand.say(client.jid, { sid: own, action: 'session-info', ...jingle })
  const declined: BytestreamError[] = []
  receiver.on('declined', ({ error }) => declined.push(error))
  const leave = (octets: Buffer | string, facts: Parameters<typeof leavePart>[2] = {}) =>
    leavePart(into, octets, { from: 'sender@localhost', name: 'file.bin', size: content.length, modifiedS, ...facts })
  /** Offers the file, and opens its bytestream. @returns the part the receiver wants, too */
  const begin = async (facts: Partial<JingleFile> = {}, name = sid) => {
    const incoming = nextTransfer(receiver)
    await say({ action: 'session-initiate', contents: [offeredFile({ ...fact, ...facts }, name)] }, name)
    const accept = await hand.hear('session-accept')
    const told: TransferEvents['resumed'][0][] = []
    const kept: TransferEvents['kept'][0][] = []
    const transfer = await incoming
    transfer.on('resumed', (facts) => told.push(facts)).on('kept', (facts) => kept.push(facts))
    const { stream } = await openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: `for-${name}` })
    stream.on('error', () => {})
    const { description } = accept.contents[0] ?? {}
    return { stream, transfer, told, kept, range: description?.kind === 'file' ? description.file.range : undefined }
  }
  return { network, client, receiver, into, declined, hand, session, say, leave, begin }
}

/** The checksum of a range, or of all of the file. */
const checksum = (octets: Buffer, range?: { offset: number; length: number }): JingleInfo => ({
  kind: 'checksum',
  file: range ? { hashes: [], hashUsed: [], range: { ...range, hashes: [sha256(octets)] } } : { hashes: [sha256(octets)], hashUsed: [] },
})

const before = (octets: Buffer) => checksum(octets, { offset: 0, length: octets.length })

test('the rest is asked for (XEP-0234 §6.4); what is here is held against what the sender says of it, and the whole file is right', async (t) => {
  const { into, leave, begin, say, hand } = await setScene(t)
  await leave(content.subarray(0, 4))
  const { stream, transfer, told, range } = await begin()
  t.like(range, { offset: 4, length: undefined })
  await say({ info: before(content.subarray(0, 4)) })
  stream.end(content.subarray(4))
  await say({ info: checksum(content) })
  t.like(await transfer.done, { verified: 'sha-256', size: 10, resumedFrom: 4, movedBytes: 6 })
  t.deepEqual(told, [{ offset: 4 }])
  t.deepEqual(await readFile(join(into, 'file.bin')), content)
  t.deepEqual(await filesIn(into), ['file.bin'])
  t.is((await hand.hear('session-terminate')).reason?.condition, 'success')
})

test('what is said of the part before it is known that the rest is wanted counts, too', async (t) => {
  const { into, leave, begin, say } = await setScene(t, {}, (action, say) => {
    if (action === 'session-accept') void say({ info: before(content.subarray(0, 4)) })
  })
  await leave(content.subarray(0, 4))
  const { stream, transfer } = await begin()
  stream.end(content.subarray(4))
  await say({ info: checksum(content) })
  t.like(await transfer.done, { verified: 'sha-256', resumedFrom: 4 })
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('other octets than the sender has are thrown away before a single one is written', async (t) => {
  const { into, leave, begin, say, hand } = await setScene(t)
  await leave('abcd')
  const { stream, transfer, kept } = await begin()
  await say({ info: before(content.subarray(0, 4)) })
  stream.write(content.subarray(4))
  await t.throwsAsync(transfer.done, {
    code: 'ERR_INTEGRITY',
    message: 'the first 4 octets of the file are others than those that are here',
  })
  t.is(transfer.bytes, 4)
  t.is((await hand.hear('session-terminate')).reason?.condition, 'media-error')
  t.deepEqual(kept, [])
  t.deepEqual(await filesIn(into), [])
})

/** A sender of other software goes on without a word about what is here: only a hash of the whole file decides. */
const unsaid = test.macro({
  async exec(t: ExecutionContext, part: string, facts: Partial<JingleFile>, said: JingleInfo | undefined, code: string | undefined) {
    const { into, leave, begin, say } = await setScene(t)
    await leave(part)
    const { stream, transfer, range } = await begin(facts)
    t.is(range?.offset, 4)
    stream.end(content.subarray(4))
    if (said) await say({ info: said })
    else await say({ action: 'session-terminate', reason: { condition: 'success' } })
    if (code) await t.throwsAsync(transfer.done, { code })
    else t.like(await transfer.done, { verified: 'sha-256', resumedFrom: 4 })
    t.deepEqual(await filesIn(into), code ? [] : ['file.bin'])
  },
  title: (given = '') => `nothing is said of what is here, and at the end ${given}`,
})
test('the hash of the whole file: it is there', unsaid, '0123', {}, checksum(content), undefined)
test('the hash of the whole file, which is another: nothing stays', unsaid, 'abcd', {}, checksum(content), 'ERR_INTEGRITY')
test(
  'the hash of the rest alone: nothing stays',
  unsaid,
  '0123',
  {},
  checksum(content.subarray(4), { offset: 4, length: 6 }),
  'ERR_INTEGRITY',
)
test('nothing, although a hash was announced: nothing stays', unsaid, '0123', {}, undefined, 'ERR_INTEGRITY')

test('a hash of the whole file in the offer is enough', async (t) => {
  const { leave, begin } = await setScene(t)
  await leave(content.subarray(0, 9), { modifiedS: undefined, hashes: [sha256(content)] })
  const { stream, transfer, range } = await begin({ date: undefined, hashUsed: [], hashes: [sha256(content)] })
  t.is(range?.offset, 9)
  stream.end(content.subarray(9))
  t.like(await transfer.done, { verified: 'sha-256', movedBytes: 1 })
})

/** The file is sent from its start, and the receiver says why. */
const fromStart = test.macro({
  async exec(t: ExecutionContext, part: Parameters<typeof leavePart>[2], facts: Partial<JingleFile>, reason: string | undefined) {
    const { into, leave, begin, say } = await setScene(t)
    await leave('abcd', part)
    const { stream, transfer, told, range } = await begin(facts)
    t.is(range?.offset, undefined)
    stream.end(content)
    await say({ info: checksum(content) })
    t.like(await transfer.done, { resumedFrom: 0, movedBytes: 10 })
    t.deepEqual(told, reason === undefined ? [] : [{ offset: 0, reason }])
    t.deepEqual(await readFile(join(into, 'file.bin')), content)
  },
  title: (given = '') => `from the start: ${given}`,
})
test('the sender offers no parts', fromStart, {}, { range: undefined }, 'its sender sends whole files only')
test('another date', fromStart, { modifiedS: 1 }, {}, 'the file was changed since the part came')
test('another size', fromStart, { size: 11 }, {}, 'the file has another size than the part that is here')
test('no hash of the whole file', fromStart, {}, { hashUsed: [] }, 'its sender gives no hash of the whole file')
test('another sender', fromStart, { from: 'other@localhost' }, {}, undefined)
test('another name', fromStart, { name: 'other.bin' }, {}, undefined)

test('a sender that leaves out what is here is taken at its word (XEP-0234 §6.4), any other that leaves out octets is declined', async (t) => {
  const { leave, begin, say, hand, declined } = await setScene(t)
  await leave(content.subarray(0, 4))
  for (const [at, range] of [{ offset: 3 }, { offset: 5 }, { offset: 4, length: 5 }, { length: 9 }, { offset: 11 }].entries()) {
    await say({ action: 'session-initiate', contents: [offeredFile({ ...fact, range })] }, `declined-${at}`)
    t.is((await hand.hear('session-terminate')).reason?.condition, 'decline')
  }
  t.true(declined.length === 5 && declined.every(({ message }) => message === 'parts of files are not accepted'))
  const { stream, transfer } = await begin({ range: { offset: 4 } })
  stream.end(content.subarray(4))
  await say({ info: checksum(content) })
  t.like(await transfer.done, { resumedFrom: 4 })
})

for (const [what, end] of [
  ['the sender gives it up', 'terminate'],
  ['its bytestream ends', 'end'],
  ['it is cancelled here', 'cancel'],
  ['the receiver stops', 'stop'],
] as const) {
  test(`what has come stays when ${what}, and is gone on with`, async (t) => {
    const { into, receiver, begin, say, client } = await setScene(t)
    const { stream, transfer, kept } = await begin()
    stream.write(content.subarray(0, 7))
    for await (const { bytes } of transfer.progress()) if (bytes === 7) break
    if (end === 'terminate') await say({ action: 'session-terminate', reason: { condition: 'cancel' } })
    if (end === 'end') stream.end()
    if (end === 'cancel') transfer.cancel()
    if (end === 'stop') receiver.stop()
    await t.throwsAsync(transfer.done)
    const [part = '', state] = await filesIn(into)
    t.is(state, `${part}.json`)
    t.deepEqual(kept, [{ path: join(into, part), bytes: 7 }])
    if (end === 'stop') client.receive({ into, from: ['sender@localhost'] })
    const again = JSON.parse(await readFile(join(into, state as string), 'utf8')) as { modifiedS: number }
    t.is(again.modifiedS, modifiedS)
  })
}

test('of files that never come whole no more stays than there may be, however many are offered', async (t) => {
  const { into, receiver, begin, say } = await setScene(t)
  for (let index = 0; index < 120; index++) {
    const { stream, transfer } = await begin({ name: `file-${index}` }, `offer-${index}`)
    stream.write(content.subarray(0, 7))
    for await (const { bytes } of transfer.progress()) if (bytes === 7) break
    await say({ action: 'session-terminate', reason: { condition: 'cancel' } }, `offer-${index}`)
    stream.destroy()
    await transfer.done.catch(() => {})
  }
  t.is(receiver.running.size, 0)
  t.is((await filesIn(into)).length, 200)
})
