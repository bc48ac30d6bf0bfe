import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { InBandTarget, JingleSessions, jingleTransport, ProxyFinder, StreamInitiationResponder } from '../../../src/bytestreams/index.ts'
import { StanzaError, silentLogger, systemClock } from '../../../src/core/index.ts'
import { ServiceDiscovery } from '../../../src/session/index.ts'
import type { SendInit, Transfer } from '../../../src/transfer/index.ts'
import { type Jingle, NS, parseJingle } from '../../../src/xep/index.ts'
import { announcing } from '../../helpers/announcing.ts'
import { until } from '../../helpers/peer.ts'
import { stanzaError } from '../../helpers/scripted-session.ts'
import { filesIn, makeFile, makeFolder, storedIn } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: which negotiation is used, and several files in one session, each with its own end.
// Method: our two ends on the embedded server, whose stanzas are watched.

async function setScene(t: ExecutionContext, { concurrency = 4, into = '' } = {}) {
  const network = await startNetwork(t, ['sender', 'receiver', 'other'])
  const said: { readonly from: string; readonly jingle: Jingle }[] = []
  network.server.on('stanza', ({ from, element }) => {
    const payload = element.getChild('jingle', NS.jingle)
    if (payload && from) said.push({ from: from.split('@')[0] ?? '', jingle: parseJingle(payload) })
  })
  const folder = into || join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const sender = await network.connect('sender', { concurrency })
  const init = { to: 'receiver@localhost', ownHosts: ['127.0.0.1'] }
  return { network, client, sender, said, folder, init }
}

/** What was said of the negotiation, and how the bytestream was opened. */
function watch(transfer: Transfer) {
  const steps: { negotiation: string; reason?: string | undefined }[] = []
  const opened: string[] = []
  transfer.on('step', (step) => {
    if (step.step === 'negotiation')
      steps.push({ negotiation: step.negotiation, ...(step.reason !== undefined && { reason: step.reason }) })
  })
  transfer.on('opened', ({ negotiation }) => opened.push(negotiation))
  return { transfer, steps, opened }
}

for (const [negotiation, expected] of [
  ['auto', 'jingle'],
  ['jingle', 'jingle'],
  ['si', 'si'],
] as const) {
  test(`${negotiation}: a receiver of ours gets the file by ${expected}, and both say so`, async (t) => {
    const { client, sender, folder, init } = await setScene(t)
    const receiver = client.receive({ into: folder, from: ['sender@localhost'] })
    const seen: string[] = []
    receiver.on('transfer', (transfer) => void transfer.on('opened', (opened) => seen.push(opened.negotiation)))
    const { path, sha256 } = await makeFile(t, 70_000)
    const { transfer, steps, opened } = watch(sender.send(path, { ...init, negotiation }))
    t.like(await transfer.done, { sha256, confirmed: true })
    t.deepEqual(steps, [{ negotiation: expected }])
    t.deepEqual([opened, seen], [[expected], [expected]])
  })
}

test('several files for one receiver go in one session, which the receiver ends (XEP-0234 §6.3, §6.5)', async (t) => {
  const { client, sender, folder, said, init } = await setScene(t)
  client.receive({ into: folder, from: ['sender@localhost'] })
  const files = await Promise.all([0, 1, 70_000].map((size) => makeFile(t, size, `${size}.bin`)))
  const transfers = sender.sendAll(
    files.map(({ path }) => path),
    init,
  )
  await Promise.all(transfers.map(({ done }) => done))
  for (const { path, content } of files) t.true(content.equals(await readFile(join(folder, basename(path)))))
  const initiates = said.filter(({ jingle }) => jingle.action === 'session-initiate')
  t.deepEqual(
    initiates.map(({ jingle }) => jingle.contents.length),
    [3],
  )
  t.is(new Set(said.map(({ jingle }) => jingle.sid)).size, 1)
  const infos = said.flatMap(({ from, jingle }) => (jingle.info && jingle.info.kind !== 'ping' ? `${from} ${jingle.info.kind}` : []))
  t.deepEqual(infos.sort(), [...Array(3).fill('receiver received'), ...Array(3).fill('sender checksum')])
  await until(() => said.some(({ jingle }) => jingle.action === 'session-terminate'))
  const ends = said.filter(({ jingle }) => jingle.action === 'session-terminate')
  t.deepEqual(
    ends.map(({ from, jingle }) => [from, jingle.reason?.condition]),
    [['receiver', 'success']],
  )
})

test('files that have to wait for their turn are added to the session (XEP-0234 §6.3)', async (t) => {
  const { network, client, sender, folder, said, init } = await setScene(t, { concurrency: 2 })
  client.receive({ into: folder, from: ['sender@localhost'] })
  // The first goes on until the last is done, however long that takes, so that the session is never without a file.
  await network.startProxy(undefined, { rates: { bytestreamBytes: 16 * 1024 } })
  const files = await Promise.all([4_000_000, 10, 20, 30].map((size) => makeFile(t, size, `${size}.bin`)))
  const transfers = sender.sendAll(
    files.map(({ path }) => path),
    { ...init, method: 'proxy' },
  )
  const [first, ...others] = transfers
  await Promise.all(others.map(({ done }) => done))
  first?.cancel()
  await t.throwsAsync(async () => await first?.done, { code: 'ERR_ABORTED' })
  t.is((await storedIn(folder)).length, 3)
  t.is(new Set(said.map(({ jingle }) => jingle.sid)).size, 1)
  const contents = said
    .filter(({ jingle }) => /initiate|add/.test(jingle.action))
    .map(({ jingle }) => [jingle.action, jingle.contents.length])
  t.deepEqual(contents, [
    ['session-initiate', 2],
    ['content-add', 1],
    ['content-add', 1],
  ])
})

for (const method of ['direct', 'ibb'] as const) {
  test(`files one after the other all arrive, whichever side is sooner with the session: ${method}`, async (t) => {
    const { client, sender, folder, init } = await setScene(t, { concurrency: 1 })
    client.receive({ into: folder, from: ['sender@localhost'] })
    const files = await Promise.all(Array.from({ length: 10 }, (_, at) => makeFile(t, at, `${at}.bin`)))
    const transfers = sender.sendAll(
      files.map(({ path }) => path),
      { ...init, method, negotiation: 'jingle' },
    )
    for (const { done } of transfers) t.like(await done, { confirmed: true })
    t.is((await filesIn(folder)).length, 10)
  })
}

test('one file that is refused, and one that fails, are no matter of the others', async (t) => {
  const { client, sender, folder, init } = await setScene(t)
  client.receive({ into: folder, from: ['sender@localhost'], names: ['*.bin'] })
  const [good, bad] = [await makeFile(t, 70_000, 'good.bin'), await makeFile(t, 10, 'bad.exe')]
  const [first, second, third] = sender.sendAll([good.path, bad.path, '/does/not/exist'], init) as [Transfer, Transfer, Transfer]
  t.like(await first.done, { sha256: good.sha256 })
  await t.throwsAsync(second.done, { code: 'ERR_DECLINED', message: /files of this name are not accepted/ })
  await t.throwsAsync(third.done, { code: 'ERR_FILE' })
  t.deepEqual(await filesIn(folder), ['good.bin'])
})

test('files that are all refused end the session, each with the reason', async (t) => {
  const { client, sender, folder, said, init } = await setScene(t)
  client.receive({ into: folder, from: ['sender@localhost'], fileBytesMax: 5 })
  const files = await Promise.all(['a', 'b'].map((name) => makeFile(t, 10, name)))
  const transfers = sender.sendAll(
    files.map(({ path }) => path),
    init,
  )
  for (const { done } of transfers) await t.throwsAsync(done, { code: 'ERR_FILE_TOO_LARGE', message: /files of at most 5 B are accepted/ })
  t.is(said.filter(({ jingle }) => jingle.action === 'session-initiate').length, 1, 'nobody asks again')
})

test('files for different receivers go in different sessions', async (t) => {
  const { network, client, sender, said, folder, init } = await setScene(t)
  const other = await network.connect('other')
  for (const each of [client, other]) each.receive({ into: folder, from: ['sender@localhost'] })
  const { path } = await makeFile(t, 10)
  const transfers = ['receiver', 'other'].map((name) => sender.send(path, { ...init, to: `${name}@localhost` }))
  await Promise.all(transfers.map(({ done }) => done))
  t.is(said.filter(({ jingle }) => jingle.action === 'session-initiate').length, 2)
})

test('a stranger is told that nobody takes Jingle (XEP-0166 §6.3.2), and is refused by stream initiation', async (t) => {
  const { client, sender, folder, init } = await setScene(t)
  client.receive({ into: folder, from: ['other@localhost'] })
  const { path } = await makeFile(t, 10)
  const send = (negotiation: 'auto' | 'jingle' | 'si') => sender.send(path, { ...init, to: client.jid, negotiation }).done
  for (const negotiation of ['auto', 'si'] as const) await t.throwsAsync(send(negotiation), { code: 'ERR_DECLINED' })
  const error = await t.throwsAsync(send('jingle'), { instanceOf: StanzaError })
  t.like(error?.stanzaError, { type: 'cancel', condition: 'service-unavailable' })
})

test('an offer that does not say who sends is one of who makes it; one that nobody sends is none (XEP-0234 §4.1)', async (t) => {
  const { network, client, folder } = await setScene(t)
  const receiver = client.receive({ into: folder, from: ['other@localhost'] })
  const other = await network.logIn('other')
  const basics = { session: other, clock: systemClock, logger: silentLogger, ...announcing(other) }
  const sessions = JingleSessions.of(basics)
  const components = { ...basics, proxies: new ProxyFinder(other, systemClock, silentLogger), inBand: new InBandTarget(basics) }
  const begin = (senders: 'both' | 'none') => {
    const file = { name: 'a.txt', size: 4, hashes: [], hashUsed: [] }
    const transport = jingleTransport(components, { method: 'ibb' })
    return sessions.begin({ peer: client.jid, contents: [{ name: 'a', senders, description: { kind: 'file', file }, transport }] })
  }
  await t.throwsAsync(begin('none'), { message: /service-unavailable/ })
  const received = once(receiver, 'transfer')
  const session = await begin('both')
  const bytestream = await session.contents[0]?.bytestream
  bytestream?.stream.end('four')
  const [transfer] = (await received) as [Transfer]
  t.like(await transfer.done, { size: 4, path: join(folder, 'a.txt') })
  t.like(await session.ended, { by: 'peer', reason: { condition: 'success' } })
})

/** A receiver that shows Jingle and stream initiation, declines the latter, and does with a session what the test says. */
async function setHand(t: ExecutionContext, begin: Parameters<JingleSessions['handle']>[1], shown: readonly string[] = allFeatures) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.logIn('receiver')
  const offers: string[] = []
  new StreamInitiationResponder(receiver).handle(NS.siFileTransfer, ({ id }) => {
    offers.push(id)
    throw stanzaError('forbidden')
  })
  JingleSessions.of({ session: receiver, clock: systemClock, logger: silentLogger }).handle('file', begin)
  new ServiceDiscovery(receiver.iqs).add({ identities: [], features: shown })
  const sender = await network.connect('sender')
  const { path } = await makeFile(t, 10)
  const sendAll = (count: number, init: Partial<SendInit> = {}) =>
    sender.sendAll(Array(count).fill(path), { to: receiver.jid, ownHosts: ['127.0.0.1'], ...init }).map(watch)
  const send = (init: Partial<SendInit> = {}) => sendAll(1, init)[0] as ReturnType<typeof watch>
  return { send, sendAll, offers }
}

const jingle = [NS.jingle, NS.jingleFileTransfer]
const allFeatures = [...jingle, NS.jingleSocks5, NS.jingleInBand, NS.si, NS.siFileTransfer, NS.bytestreams, NS.inBand]

test('whoever does not speak it after all is offered the file by stream initiation, once', async (t) => {
  const refusals: Parameters<JingleSessions['handle']>[1][] = [
    () => {
      throw stanzaError('service-unavailable')
    },
    () => {
      throw stanzaError('feature-not-implemented')
    },
    (session) => void session.terminate({ condition: 'unsupported-applications' }),
  ]
  for (const refuse of refusals) {
    const { send, offers } = await setHand(t, refuse)
    const { transfer, steps } = send()
    await t.throwsAsync(transfer.done, { code: 'ERR_DECLINED' })
    t.is(offers.length, 1)
    t.deepEqual(
      steps.map(({ negotiation }) => negotiation),
      ['jingle', 'si'],
    )
    t.truthy(steps[1]?.reason)
    const alone = send({ negotiation: 'jingle' })
    await t.throwsAsync(alone.transfer.done)
    t.is(offers.length, 1, 'only where nobody has asked for Jingle')
  }
})

test('several files that are not taken by Jingle are each offered by stream initiation', async (t) => {
  const { sendAll, offers } = await setHand(t, (session) => void session.terminate({ condition: 'unsupported-applications' }))
  for (const { transfer } of sendAll(3)) await t.throwsAsync(transfer.done, { code: 'ERR_DECLINED' })
  t.is(offers.length, 3)
})

test('whoever declines by Jingle is not asked again by stream initiation', async (t) => {
  const { send, offers } = await setHand(t, (session) => void session.terminate({ condition: 'decline', text: 'not today' }))
  await t.throwsAsync(send().transfer.done, { code: 'ERR_DECLINED', message: /not today/ })
  t.is(offers.length, 0)
})

for (const [what, shown, method, expected] of [
  ['Jingle without a transport we know', [...jingle, NS.si, NS.siFileTransfer], 'auto', 'si'],
  ['Jingle in band alone', [...jingle, NS.jingleInBand, NS.si, NS.siFileTransfer, NS.bytestreams], 'proxy', 'si'],
  ['Jingle in band alone', [...jingle, NS.jingleInBand, NS.si, NS.siFileTransfer], 'ibb', 'jingle'],
  ['sessions without files', [NS.jingle, NS.jingleSocks5, NS.si, NS.siFileTransfer], 'auto', 'si'],
] as const) {
  test(`auto, ${method}: a receiver that shows ${what} is spoken to by ${expected}`, async (t) => {
    const { send } = await setHand(t, (session) => void session.terminate({ condition: 'decline' }), shown)
    const { transfer, steps } = send({ method })
    await t.throwsAsync(transfer.done)
    t.is(steps[0]?.negotiation, expected)
    t.is(steps[0]?.reason, expected === 'si' ? 'it shows no file transfer by Jingle' : undefined)
  })
}
