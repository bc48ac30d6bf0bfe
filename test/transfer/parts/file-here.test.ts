import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { FileToSend, ReceiveInit, SendInit, Transfer } from '../../../src/transfer/index.ts'
import { FileHere } from '../../../src/transfer/parts/file-here.ts'
import { secondsOf } from '../../../src/transfer/parts/part-state.ts'
import { wantedFile } from '../../helpers/parts.ts'
import { filesIn, makeFile, makeFolder, nextTransfer, offerByHand } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: what is sent again brings only what is missing, and a file that is here is neither changed nor taken for another.
// Method: our two ends on the embedded server, and files that differ in one thing.

const DATE = '2026-03-04T05:06:07.890Z'
const dateS = Math.floor(Date.parse(DATE) / 1000)

async function setScene(t: ExecutionContext, init: Partial<ReceiveInit> = {}) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiving = client.receive({ into, from: ['sender@localhost'], ...init })
  const sender = await network.connect('sender', { concurrency: 1, reconnect: true })
  const incoming: Transfer[] = []
  receiving.on('transfer', (transfer) => incoming.push(transfer))
  /** What the receiver says of each file that has come whole. */
  const received = async () => {
    const settled = await Promise.allSettled(incoming.map(({ done }) => done))
    return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }
  const sendAll = (files: readonly FileToSend[], more: Partial<SendInit> = {}) =>
    sender.sendAll(files, { to: client.jid, ownHosts: ['127.0.0.1'], ...more })
  const send = async (path: string, more: Partial<SendInit> = {}) =>
    (await Promise.all(sendAll([{ path }], more).map(({ done }) => done)))[0]
  return { network, client, receiving, into, received, sendAll, send }
}

async function makeDated(t: ExecutionContext, content: Buffer | string, name = 'file.bin'): Promise<string> {
  const path = join(await makeFolder(t), name)
  await writeFile(path, content)
  await utimes(path, new Date(), Date.parse(DATE) / 1000)
  return path
}

for (const negotiation of ['jingle', 'si'] as const) {
  for (const size of [70_000, 1, 0]) {
    test(`by ${negotiation}: a file of ${size} octets has its sender's date, and sent again it is here already`, async (t) => {
      const { into, received, send } = await setScene(t)
      const path = await makeDated(t, randomBytes(size))
      await send(path, { negotiation })
      const stored = join(into, 'file.bin')
      const before = await stat(stored, { bigint: true })
      const ms = negotiation === 'jingle' ? Date.parse(DATE) : dateS * 1000
      t.is(Math.round(Number(before.mtimeNs) / 1e6), ms)
      t.like(await send(path, { negotiation }), { resumedFrom: Math.max(0, size - 1), movedBytes: Math.min(1, size), confirmed: true })
      t.like(await received(), [{ alreadyThere: false }, { alreadyThere: true, path: stored, resumedFrom: Math.max(0, size - 1), size }])
      t.is((await stat(stored, { bigint: true })).ctimeNs, before.ctimeNs)
      t.deepEqual(await filesIn(into), ['file.bin'])
    })
  }

  for (const [what, one, other] of [
    ['other content', 'abcdef', 'Abcdef'],
    ['another last octet', 'abcdef', 'abcdeF'],
    ['another octet, its only one', 'a', 'A'],
  ] as const) {
    test(`by ${negotiation}: ${what} of the same size and date gets a numbered name, and is found again under that; what is here stays`, async (t) => {
      const { into, received, send } = await setScene(t)
      await send(await makeDated(t, one), { negotiation })
      const second = await makeDated(t, other)
      await send(second, { negotiation })
      t.like(await send(second, { negotiation }), { attempts: 1, resumedFrom: one.length - 1, movedBytes: 1 })
      t.like((await received()).at(-1), { alreadyThere: true, path: join(into, 'file (1).bin') })
      t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
      t.is(await readFile(join(into, 'file.bin'), 'utf8'), one)
      t.is(await readFile(join(into, 'file (1).bin'), 'utf8'), other)
    })
  }
}

test('the same content of another date gets a numbered name, and is found again under that', async (t) => {
  const { into, received, send } = await setScene(t)
  const path = await makeDated(t, 'abcdef')
  await send(path)
  await utimes(path, dateS, dateS + 1)
  await send(path)
  await send(path)
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
  t.like((await received())[2], { alreadyThere: true, path: join(into, 'file (1).bin') })
})

test('where both tell the milliseconds, they count; where one has whole seconds, these do', async (t) => {
  const { into, received, send } = await setScene(t)
  const path = await makeDated(t, 'abcdef')
  const other = await makeDated(t, 'Abcdef')
  await utimes(other, dateS, dateS + 0.123)
  await send(path)
  t.like(await send(other), { attempts: 1, resumedFrom: 0 })
  await send(other, { negotiation: 'si' })
  t.deepEqual(
    (await received()).map(({ alreadyThere }) => alreadyThere),
    [false, false, true],
  )
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
})

test('a directory that was interrupted, and is sent again, brings what is missing, in its folders', async (t) => {
  const { into, received, sendAll } = await setScene(t)
  const names = ['a', 'b', 'c', 'd']
  const files = await Promise.all(names.map(async (name) => ({ path: await makeDated(t, name.repeat(9), name), folder: 'x/y' })))
  const first = sendAll(files)
  await first[1]?.done
  for (const transfer of first.slice(2)) transfer.cancel()
  await Promise.allSettled(first.map(({ done }) => done))
  const arrived = (await received()).length
  t.true(arrived >= 2 && arrived < 4)
  await Promise.all(sendAll(files).map(({ done }) => done))
  t.is((await received()).filter(({ alreadyThere }) => alreadyThere).length, arrived)
  t.deepEqual(
    (await filesIn(join(into, 'x', 'y'))).filter((name) => !name.startsWith('.')),
    names,
  )
})

for (const [what, init, stored] of [
  ['without folders', { isFlat: true }, 'file.bin'],
  ['under one name', { storeAs: 'other.bin' }, 'other.bin'],
] as const) {
  test(`a receiver that stores ${what} knows what is here, too`, async (t) => {
    const { into, received, sendAll } = await setScene(t, init)
    const path = await makeDated(t, 'abcdef')
    for (let round = 0; round < 2; round++) await Promise.all(sendAll([{ path, folder: 'x' }]).map(({ done }) => done))
    t.like((await received())[1], { alreadyThere: true, path: join(into, stored) })
    t.deepEqual(await filesIn(into), [stored])
  })
}

test('a link in place of the file is not followed, and stays what it is', async (t) => {
  const { into, received, send } = await setScene(t)
  const path = await makeDated(t, 'abcdef')
  await mkdir(into)
  await symlink(path, join(into, 'file.bin'))
  await send(path)
  t.like((await received())[0], { alreadyThere: false, path: join(into, 'file (1).bin') })
  t.is(await readFile(path, 'utf8'), 'abcdef')
})

test('a sender that cannot leave out what is here sends all of it, under a numbered name', async (t) => {
  const { network, client, into, receiving } = await setScene(t)
  await mkdir(into)
  await writeFile(join(into, 'file.bin'), 'abcdef')
  await utimes(join(into, 'file.bin'), dateS, dateS)
  const session = await network.logIn('sender')
  const incoming = nextTransfer(receiving)
  const { stream } = await offerByHand(session, client.jid, { name: 'file.bin', size: 6, date: DATE, md5: undefined, hashes: [] }, 'ibb')
  stream.end('abcdef')
  t.like(await (await incoming).done, { alreadyThere: false, path: join(into, 'file (1).bin'), resumedFrom: 0 })
  t.is(secondsOf(DATE), dateS)
})

for (const [what, date] of [
  ['that is to come', new Date(Date.now() + 3_600_000).toISOString()],
  ['before all others', '1969-12-31T23:59:59Z'],
  ['without a zone', '2026-03-04T05:06:07'],
  ['that is none', 'yesterday'],
] as const) {
  test(`a date ${what} is left out`, async (t) => {
    const { network, client, receiving, into } = await setScene(t)
    const session = await network.logIn('sender')
    const incoming = nextTransfer(receiving)
    const { path: older } = await makeFile(t, 1)
    const { stream } = await offerByHand(session, client.jid, { name: 'file.bin', size: 6, date }, 'ibb')
    stream.end('abcdef')
    await (await incoming).done
    const { mtimeMs } = await stat(join(into, 'file.bin'))
    t.true(mtimeMs >= (await stat(older)).mtimeMs && mtimeMs < Date.now() + 60_000)
  })
}

for (const [what, change] of [
  ['grows', (path: string) => appendFile(path, 'g')],
  ['is replaced', (path: string) => rename(path, `${path}.old`).then(() => writeFile(path, 'abcdef'))],
  ['goes', (path: string) => rename(path, `${path}.old`)],
] as const) {
  test(`a file that ${what} while it is looked at is not taken for the one that was here`, async (t) => {
    const path = await makeDated(t, 'abcdef')
    const wanted = wantedFile({ size: 6, modifiedS: dateS })
    const folder = join(path, '..')
    const here = await FileHere.find({ folder, name: 'file.bin', wanted, modifiedMs: Date.parse(DATE) }, new AbortController().signal)
    if (!here) return t.fail()
    await here.checkUnchanged()
    await change(path)
    await t.throwsAsync(here.checkUnchanged(), { code: 'ERR_RESET', message: 'the file that was here already has changed meanwhile' })
    await here.discard()
  })
}
