import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { FileToSend, ReceiveInit, SendInit } from '../../../src/transfer/index.ts'
import { JingleHand, offeredFile } from '../../helpers/jingle-hand.ts'
import { filesIn, makeFile, makeFolder } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: files keep the folders they are sent with, below the one they are stored in, and nowhere else.
// Method: our two ends on the embedded server, and a sender that speaks by hand.

async function setScene(t: ExecutionContext, init: Partial<ReceiveInit> = {}) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'], ...init })
  const names: string[] = []
  receiver.on('transfer', ({ name }) => names.push(name))
  const declined: string[] = []
  receiver.on('declined', ({ error }) => declined.push(`${error.code} ${error.message}`))
  /** Sends them, and says what was told of folders. */
  const send = async (files: readonly FileToSend[], more: Partial<SendInit> = {}) => {
    const sender = await network.connect('sender')
    const told: string[] = []
    const transfers = sender.sendAll(files, { to: 'receiver@localhost', ownHosts: ['127.0.0.1'], ...more })
    for (const transfer of transfers) transfer.on('step', (step) => void (step.step === 'without folder' && told.push(step.reason)))
    const results = await Promise.allSettled(transfers.map(({ done }) => done))
    return { transfers, told, results: results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.message)) }
  }
  return { network, client, receiver, into, names, declined, send }
}

test('files are stored in the folders they are sent with, and both ends name them with those', async (t) => {
  const { into, names, send } = await setScene(t)
  const [one, two, three] = await Promise.all([7, 70_000, 0].map((size) => makeFile(t, size, `${size}.bin`)))
  if (!one || !two || !three) return t.fail()
  const files = [{ path: one.path, folder: 'holiday/.day 1' }, { path: two.path, folder: 'holiday' }, { path: three.path }]
  const { transfers, results, told } = await send(files)
  t.deepEqual([results, told], [['done', 'done', 'done'], []])
  t.deepEqual(
    transfers.map(({ name }) => name),
    ['holiday/.day 1/7.bin', 'holiday/70000.bin', '0.bin'],
  )
  t.deepEqual(names.sort(), ['0.bin', 'holiday/.day 1/7.bin', 'holiday/70000.bin'])
  t.true(one.content.equals(await readFile(join(into, 'holiday', '.day 1', '7.bin'))))
  t.true(two.content.equals(await readFile(join(into, 'holiday', '70000.bin'))))
  t.deepEqual(await filesIn(into), ['0.bin', 'holiday'])
})

test('a receiver that keeps no folders stores every file beside the others, and the sender is told', async (t) => {
  const { client, into, names, send } = await setScene(t, { isFlat: true })
  const [file, two, three] = [await makeFile(t, 3), await makeFile(t, 4), await makeFile(t, 5)]
  const { results, told } = await send([{ path: file.path, folder: 'a' }, { path: two.path, folder: '../b' }, three])
  t.deepEqual(results, ['done', 'done', 'done'])
  t.deepEqual(told, Array(2).fill(`${client.jid} keeps no folders`))
  t.deepEqual(names, Array(3).fill('file.bin'))
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file (2).bin', 'file.bin'])
})

test('stream initiation has no place for a folder, and the sender is told', async (t) => {
  const { into, send } = await setScene(t)
  const [file, other] = [await makeFile(t, 3), await makeFile(t, 4)]
  const { told, results } = await send([{ path: file.path, folder: 'a' }, other], { negotiation: 'si' })
  t.deepEqual([results, told], [['done', 'done'], ['stream initiation tells of no folders']])
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
})

test('a link or a file where a folder is wanted is no matter of the other files; only the receiver learns what is there', async (t) => {
  const { into, declined, send } = await setScene(t)
  const elsewhere = await makeFolder(t)
  await mkdir(into)
  await symlink(elsewhere, join(into, 'link'))
  await writeFile(join(into, 'file'), '')
  const file = await makeFile(t, 3)
  const { results } = await send(['link', 'file/below', 'fine'].map((folder) => ({ path: file.path, folder })))
  t.is(results[2], 'done')
  for (const at of [0, 1]) t.regex(String(results[at]), /does not want the file|decline/, String(at))
  t.deepEqual(declined.sort(), [
    `ERR_FILE ${join(into, 'file')} is a file, where a folder is wanted`,
    `ERR_FILE ${join(into, 'link')} is a symbolic link, and not followed`,
  ])
  t.deepEqual(await filesIn(elsewhere), [])
  t.deepEqual(await filesIn(join(into, 'fine')), ['file.bin'])
})

for (const folder of ['../out', '/etc', 'a/../../out', 'C:\\out', 'con', 'a//b', Array(33).fill('d').join('/'), 'l'.repeat(513)]) {
  test(`the folder "${folder.slice(0, 20)}" is declined, and nothing is made`, async (t) => {
    const { network, client, into, declined } = await setScene(t)
    const hand = new JingleHand(await network.logIn('sender'))
    await hand.say(client.jid, { action: 'session-initiate', sid: 'by-hand', contents: [offeredFile({ folder })] })
    const { reason } = await hand.hear('session-terminate')
    t.is(reason?.condition, 'decline')
    t.regex(String(reason?.text), /cannot be the path of a folder$/)
    t.regex(String(declined), /^ERR_FILE_NAME /)
    t.deepEqual(await filesIn(into), [])
    t.deepEqual(await filesIn(join(into, '..')), [])
  })
}

test('a receiver that does not repeat the folder keeps none', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const session = await network.logIn('receiver')
  const hand = new JingleHand(session)
  const sender = await network.connect('sender')
  const file = await makeFile(t, 3)
  const [transfer] = sender.sendAll([{ path: file.path, folder: 'a' }], { to: session.jid, negotiation: 'jingle', method: 'ibb' })
  const told = new Promise((resolve) => transfer?.on('step', (step) => step.step === 'without folder' && resolve(step.reason)))
  const { sid, contents } = await hand.hear('session-initiate')
  const [offer] = contents
  t.like(offer?.description, { file: { name: basename(file.path), folder: 'a' } })
  const description = { kind: 'file', file: { hashes: [], hashUsed: [] } } as const
  await hand.say(sender.jid, { action: 'session-accept', sid, contents: offer ? [{ ...offer, description }] : [] })
  t.is(await told, `${session.jid} keeps no folders`)
  transfer?.cancel()
})
