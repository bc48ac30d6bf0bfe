import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { offerStream, openInBand } from '../../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import { buildSiFile, NS, parseSiRange, type SiFile, type SiRange } from '../../../src/xep/index.ts'
import { leavePart } from '../../helpers/parts.ts'
import { filesIn, makeFolder, nextTransfer } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: by stream initiation, too, who has a part of a file asks for the rest (XEP-0096 §2), and has the whole file or none.
// Method: our receiver on the embedded server, parts as an interruption leaves them, and a sender that offers and sends by hand.

const content = Buffer.from('0123456789')
const date = '2026-11-21T19:40:42Z'
const md5 = createHash('md5').update(content).digest('hex')

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'] })
  const session = await network.logIn('sender')
  const leave = (octets: string, facts: Parameters<typeof leavePart>[2] = {}) =>
    leavePart(into, octets, { from: 'sender@localhost', size: content.length, modifiedS: Date.parse(date) / 1000, ...facts })
  const offer = async (facts: Partial<SiFile> = {}, id = 'by-hand') => {
    let range: SiRange | undefined
    const payload = buildSiFile({ name: 'file.bin', size: content.length, md5, date, range: {}, ...facts })
    const about = { to: client.jid, id, profile: NS.siFileTransfer, payload, methods: [NS.inBand], answerMsMax: 30_000 }
    const onAnswer = (answer: typeof payload | undefined) => {
      range = answer && parseSiRange(answer)
    }
    await offerStream(session, { ...about, onAnswer })
    return range
  }
  const begin = async (facts: Partial<SiFile> = {}, id?: string) => {
    const incoming = nextTransfer(receiver)
    const range = await offer(facts, id)
    const { stream } = await openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: id ?? 'by-hand' })
    stream.on('error', () => {})
    return { range, stream, transfer: await incoming }
  }
  return { into, leave, offer, begin }
}

test('the rest is asked for, and the hash of the whole file decides', async (t) => {
  const { into, leave, begin } = await setScene(t)
  await leave('0123')
  const { range, stream, transfer } = await begin()
  t.deepEqual(range, { offset: 4, length: undefined })
  stream.end(content.subarray(4))
  t.like(await transfer.done, { verified: 'md5', resumedFrom: 4, movedBytes: 6 })
  t.deepEqual(await readFile(join(into, 'file.bin')), content)
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('other octets than the sender has are thrown away with the rest', async (t) => {
  const { into, leave, begin } = await setScene(t)
  await leave('abcd')
  const { stream, transfer } = await begin()
  stream.end(content.subarray(4))
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY', message: /its MD5 is another/ })
  t.deepEqual(await filesIn(into), [])
})

test('the same hash is enough, whatever the date; with another one the file comes from its start', async (t) => {
  const { leave, begin, into } = await setScene(t)
  await leave('0123', { modifiedS: undefined, hashes: [{ algo: 'md5', value: Buffer.from(md5, 'hex') }] })
  const { stream, range, transfer } = await begin({ md5: createHash('md5').update('9876543210').digest('hex') })
  t.is(range, undefined)
  stream.end('9876543210')
  t.like(await transfer.done, { resumedFrom: 0 })
  const again = await begin({ date: undefined }, 'again')
  t.is(again.range?.offset, 4)
  again.stream.end(content.subarray(4))
  await again.transfer.done
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
})

test('a sender that does not offer it is asked for no part', async (t) => {
  const { leave, begin } = await setScene(t)
  await leave('0123')
  const { stream, range, transfer } = await begin({ range: undefined })
  t.is(range, undefined)
  stream.end(content)
  t.like(await transfer.done, { resumedFrom: 0, verified: 'md5' })
})

test('a part that is offered is taken where its beginning is here, and else declined', async (t) => {
  const { leave, offer, begin } = await setScene(t)
  await leave('0123')
  for (const range of [{ offset: 3 }, { offset: 5 }, { length: 9 }, { offset: 4, length: 5 }])
    await t.throwsAsync(offer({ range }, 'declined'), { code: 'ERR_DECLINED', message: /parts of files are not accepted/ })
  const { stream, transfer } = await begin({ range: { offset: 4 } })
  stream.end(content.subarray(4))
  t.like(await transfer.done, { resumedFrom: 4 })
})

test('what has come stays when the bytestream ends, and the next offer goes on with it', async (t) => {
  const { begin } = await setScene(t)
  const { stream, transfer } = await begin({}, 'first')
  stream.end(content.subarray(0, 7))
  await t.throwsAsync(transfer.done, { code: 'ERR_RESET', message: 'the bytestream ended after 7 of 10 octets' })
  const again = await begin({}, 'second')
  t.is(again.range?.offset, 7)
  again.stream.end(content.subarray(7))
  t.like(await again.transfer.done, { verified: 'md5', movedBytes: 3 })
})

test('a size or an offset beyond 2^53 - 1 is refused with a code, up to there it is a number', async (t) => {
  const { offer } = await setScene(t)
  const most = Number.MAX_SAFE_INTEGER
  for (const range of [{ offset: most + 1 }, { length: most + 1 }]) await t.throwsAsync(offer({ range }), { message: /bad-request/ })
  await t.throwsAsync(offer({ size: most + 1 }), { message: /bad-profile/ })
  await t.throwsAsync(offer({ size: most, range: { offset: most - 1 } }), { code: 'ERR_DECLINED', message: /parts of files/ })
  await t.throwsAsync(offer({ size: most }), { code: 'ERR_FILE_TOO_LARGE', message: /no room/ }, 'no disk has room for it')
})
