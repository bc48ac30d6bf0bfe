import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { InBandTarget, type JingleEnd, JingleSessions, jingleTransport, ProxyFinder } from '../../../src/bytestreams/index.ts'
import { type BytestreamError, silentLogger, systemClock } from '../../../src/core/index.ts'
import { ServiceDiscovery } from '../../../src/session/index.ts'
import type { FetchInit, FileRequest, ShareInit, Transfer } from '../../../src/transfer/index.ts'
import { type Jingle, NS, parseJingle } from '../../../src/xep/index.ts'
import { announcing } from '../../helpers/announcing.ts'
import { file, paperTransports } from '../../helpers/jingle-transport.ts'
import { until } from '../../helpers/peer.ts'
import { filesIn, makeFile, makeFolder, moved } from '../../helpers/transfers.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

// Goal: a file can be asked for, whole or in part, from somebody who shares it (XEP-0234 §6.2), and nobody else.
// Method: our two ends on the embedded server.

async function setScene(t: ExecutionContext, init: Partial<ShareInit> & Pick<ShareInit, 'mayFetch'>) {
  const network = await startNetwork(t, ['desk', 'laptop', 'stranger'])
  const said: Jingle[] = []
  network.server.on('stanza', ({ element }) => {
    const payload = element.getChild('jingle', NS.jingle)
    if (payload) said.push(parseJingle(payload))
  })
  const into = await makeFolder(t)
  const desk = await network.connect('desk')
  const sharing = desk.share({ to: ['laptop@localhost'], ...init })
  const laptop = await network.connect('laptop')
  const fetch = (file: FetchInit['file'], more: Partial<FetchInit> = {}) =>
    laptop.fetch({ from: 'desk@localhost', into, file, ownHosts: ['127.0.0.1'], ...more })
  return { network, desk, sharing, laptop, fetch, into, said }
}

test('a file that is shared is asked for by name, checked, and told of on both sides', async (t) => {
  const { path, content, sha256 } = await makeFile(t, 70_000, 'report.pdf')
  const requests: FileRequest[] = []
  const { sharing, fetch, laptop, said } = await setScene(t, {
    mayFetch: (request) => {
      requests.push(request)
      return path
    },
  })
  const granted = once(sharing, 'transfer') as Promise<[Transfer]>
  const transfer = fetch({ name: 'report.pdf' })
  const result = await transfer.done
  t.like(result, { size: 70_000, sha256, verified: 'sha-256', confirmed: true })
  t.true(content.equals(await readFile(result.path)))
  t.is(transfer.direction, 'receive')
  const [sending] = await granted
  t.like(await sending.done, { path, sha256, confirmed: true })
  t.like(sending, { direction: 'send', peer: laptop.jid, name: 'report.pdf' })
  t.like(requests[0], { from: laptop.jid, name: 'report.pdf', size: undefined, hashes: [] })
  t.is(said[0]?.contents[0]?.senders, 'responder')
})

test('iterating over what is shared gives each transfer as it begins, until it is stopped', async (t) => {
  const { path } = await makeFile(t, 10, 'notes.txt')
  const { sharing, fetch } = await setScene(t, { mayFetch: () => path })
  const seen: string[] = []
  const iterating = (async () => {
    for await (const { name, size } of sharing) seen.push(`${name} ${size}`)
  })()
  await fetch({ name: 'first' }).done
  await fetch({ name: 'second' }).done
  sharing.stop()
  await iterating
  t.deepEqual(seen, ['notes.txt 10', 'notes.txt 10'])
})

test('it can be asked for by its hash, which has to be right', async (t) => {
  const { path, content } = await makeFile(t, 10)
  const value = createHash('sha256').update(content).digest()
  const { fetch, into } = await setScene(t, { mayFetch: ({ hashes: [hash] }) => (hash?.value.length === 32 ? path : undefined) })
  t.like(await fetch({ hashes: [{ algo: 'sha-256', value }] }).done, { verified: 'sha-256' })
  await t.throwsAsync(fetch({ hashes: [{ algo: 'sha-256', value: Buffer.alloc(32) }] }).done, { code: 'ERR_INTEGRITY' })
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('the hash it is asked for by is looked at, also where a stronger one is given; and so is its size', async (t) => {
  const { path, content } = await makeFile(t, 10)
  const { fetch, into } = await setScene(t, { mayFetch: () => path, hashes: ['blake2b-512'] })
  const sha256 = (value: Buffer) => ({ hashes: [{ algo: 'sha-256', value }] })
  await t.throwsAsync(fetch(sha256(Buffer.alloc(32))).done, { code: 'ERR_INTEGRITY', message: /SHA-256/ })
  await t.throwsAsync(fetch({ name: 'file.bin', size: 11 }).done, { code: 'ERR_NOT_ACCEPTABLE', message: /another size/ })
  t.deepEqual(await filesIn(into), [])
  const right = createHash('sha256').update(content).digest()
  t.like(await fetch({ size: 10, ...sha256(right) }).done, { verified: 'blake2b-512' })
})

for (const [what, range, start, end] of [
  ['from an offset on', { offset: 60_000 }, 60_000, 70_000],
  ['up to a length', { length: 5 }, 0, 5],
  ['from the midst', { offset: 100, length: 66_000 }, 100, 66_100],
  ['of nothing', { offset: 70_000 }, 70_000, 70_000],
  ['that is all of it', { offset: 0, length: 70_000 }, 0, 70_000],
] as const) {
  test(`a part of a file, ${what}, is what is sent, and what its hash is of (XEP-0234 §5, §8.2)`, async (t) => {
    const { path, content } = await makeFile(t, 70_000)
    const { fetch, said } = await setScene(t, { mayFetch: () => path })
    const part = content.subarray(start, end)
    const result = await fetch({ name: 'file.bin' }, { range }).done
    t.like(result, { size: part.length, sha256: createHash('sha256').update(part).digest('hex'), verified: 'sha-256' })
    t.true(part.equals(await readFile(result.path)))
    const checksum = said.find(({ info }) => info?.kind === 'checksum')?.info
    t.true(checksum?.kind === 'checksum' && (checksum.file.range !== undefined) === part.length < 70_000)
  })
}

for (const [what, asked, answered] of [
  ['a part, where all of it was asked for', undefined, { offset: 2 }],
  ['all of it, where a part was asked for', { offset: 2 }, {}],
  ['another part', { offset: 2, length: 2 }, { offset: 2, length: 3 }],
] as const) {
  test(`whoever answers with ${what}, is not taken at its word (XEP-0234 §5)`, async (t) => {
    const network = await startNetwork(t, ['desk', 'laptop'])
    const session = await network.logIn('desk')
    const basics = { session, clock: systemClock, logger: silentLogger, ...announcing(session) }
    const components = { ...basics, proxies: new ProxyFinder(session, systemClock, silentLogger), inBand: new InBandTarget(basics) }
    const transport = jingleTransport(components, { method: 'ibb' })
    const ends: Promise<JingleEnd>[] = []
    const part = JingleSessions.of(basics).handle('file', (begun) => {
      ends.push(begun.ended)
      const [content] = begun.contents
      const file = { name: 'file.bin', size: 10, hashes: [], hashUsed: [], range: answered }
      if (content) begun.accept([{ content, description: { kind: 'file', file }, transport }]).catch(() => {})
    })
    const discovery = new ServiceDiscovery(session.iqs)
    for (const each of [part, { identities: [], features: [NS.jingleInBand] }]) discovery.add(each)
    const laptop = await network.connect('laptop')
    const into = await makeFolder(t)
    const file = { name: 'file.bin' }
    const fetched = laptop.fetch({ from: session.jid, into, file, method: 'ibb', ...(asked && { range: asked }) }).done
    await t.throwsAsync(fetched, { code: 'ERR_NOT_ACCEPTABLE', message: /another part/ })
    t.like(await ends[0], { by: 'peer', reason: { condition: 'failed-application' } })
    t.deepEqual(await filesIn(into), [])
  })
}

const refused = test.macro({
  async exec(t: ExecutionContext, mayFetch: ShareInit['mayFetch'], more: Partial<FetchInit>, own: string) {
    const { fetch, sharing, into } = await setScene(t, { mayFetch })
    const refusals: string[] = []
    sharing.on('refused', ({ error }) => refusals.push(error.code))
    await t.throwsAsync(fetch({ name: 'file.bin' }, more).done, { code: 'ERR_ITEM_NOT_FOUND', message: /file-not-available/ })
    t.deepEqual(refusals, [own])
    t.deepEqual(await filesIn(into), [])
  },
  title: (given = '') => `${given} is not available, without a word about why`,
})
test('a file that is not shared', refused, () => undefined, {}, 'ERR_ITEM_NOT_FOUND')
test('a file that is not there', refused, () => '/does/not/exist', {}, 'ERR_FILE')
test('a part a file does not have', refused, async () => 'package.json', { range: { offset: 10_000_000 } }, 'ERR_ITEM_NOT_FOUND')
test(
  'a file about which the hook throws',
  refused,
  () => {
    throw new Error('of our own business')
  },
  {},
  'ERR_INTERNAL',
)

test('a stranger hears what somebody hears who shares nothing', async (t) => {
  const { network, desk, sharing, into } = await setScene(t, { mayFetch: () => 'package.json' })
  const stranger = await network.connect('stranger')
  const fetch = () => stranger.fetch({ from: desk.jid, into, file: { name: 'package.json' } }).done
  const heard = await t.throwsAsync(fetch())
  sharing.stop()
  t.is((await t.throwsAsync(fetch()))?.message, heard?.message)
  t.regex(heard?.message ?? '', /service-unavailable/)
})

test('whoever may send, and no more, gets nothing by asking in the session of an offer', async (t) => {
  const requests: FileRequest[] = []
  const { network, desk, sharing, into } = await setScene(t, {
    mayFetch: (request) => {
      requests.push(request)
      return 'package.json'
    },
  })
  desk.receive({ into, from: ['stranger@localhost'] })
  const refused = once(sharing, 'refused') as Promise<[{ from: string; error: BytestreamError }]>
  const stranger = await network.logIn('stranger')
  const sessions = JingleSessions.of({ session: stranger, clock: systemClock, logger: silentLogger })
  const { open: transport } = paperTransports()
  const offer = { senders: 'initiator', description: file('offered.bin'), transport } as const
  const session = await sessions.begin({ peer: desk.jid, contents: [offer] })
  if (session.state === 'pending') await once(session, 'accepted')
  const decision = new Promise<string | undefined>((resolve) => {
    session.once('contentAccepted', () => resolve('accepted'))
    session.once('contentRejected', ({ reason }) => resolve(reason.application))
  })
  await session.addContents([{ senders: 'responder', description: file('package.json'), transport }])
  t.is(await decision, 'file-not-available')
  t.like(await refused, [{ from: stranger.jid, error: { code: 'ERR_ITEM_NOT_FOUND' } }])
  t.deepEqual(requests, [])
})

test('whoever asks may have conditions of their own', async (t) => {
  const { path } = await makeFile(t, 100)
  const { fetch, sharing, into } = await setScene(t, { mayFetch: () => path })
  const granted = once(sharing, 'transfer') as Promise<[Transfer]>
  await t.throwsAsync(fetch({ name: 'file.bin' }, { fileBytesMax: 99 }).done, { code: 'ERR_FILE_TOO_LARGE' })
  const [sending] = await granted
  await t.throwsAsync(sending.done, { code: 'ERR_FILE_TOO_LARGE', message: /file-too-large/ })
  t.deepEqual(await filesIn(into), [])
})

test('more requests than there is room for are refused for the time being', async (t) => {
  const { path } = await makeFile(t, 32 * 1024 * 1024)
  const { fetch, sharing } = await setScene(t, { mayFetch: () => path, transfersMax: 1 })
  const granted = once(sharing, 'transfer') as Promise<[Transfer]>
  const first = fetch({ name: 'a' }, { method: 'ibb' })
  await granted
  await t.throwsAsync(fetch({ name: 'b' }).done, { code: 'ERR_LIMIT_WAITING', message: /busy/ })
  first.cancel()
  await t.throwsAsync(first.done, { code: 'ERR_ABORTED' })
})

test('of several who may ask, each has half of the places at the most, until what they asked for is over', async (t) => {
  const { path } = await makeFile(t, 10)
  let decide = (_: string) => {}
  const deciding = new Promise<string>((resolve) => {
    decide = resolve
  })
  const asked: string[] = []
  const { network, sharing, fetch, into } = await setScene(t, {
    to: ['laptop@localhost', 'stranger@localhost'],
    transfersMax: 3,
    mayFetch({ name = '' }) {
      asked.push(name)
      return name === 'slow' ? deciding : name === 'none' ? undefined : path
    },
  })
  const sent: Transfer[] = []
  sharing.on('transfer', (transfer) => sent.push(transfer))
  const slow = [fetch({ name: 'slow' }), fetch({ name: 'slow' })]
  await until(() => asked.length === 2)
  await t.throwsAsync(fetch({ name: 'more' }).done, { code: 'ERR_LIMIT_WAITING', message: /busy/ })
  const stranger = await network.connect('stranger')
  const ask = (name: string) => stranger.fetch({ from: 'desk@localhost', into, file: { name }, ownHosts: ['127.0.0.1'] }).done
  await t.throwsAsync(ask('none'))
  t.like(await ask('other'), { size: 10 })
  decide(path)
  await Promise.all(slow.map(({ done }) => done))
  await Promise.all(sent.map(({ done }) => done))
  t.like(await fetch({ name: 'more' }).done, { size: 10 })
  t.deepEqual(asked, ['slow', 'slow', 'none', 'other', 'more'])
})

for (const side of ['desk', 'laptop'] as const) {
  test(`cancelled by the ${side} in the midst: both fail, and what has come is kept`, async (t) => {
    const { path } = await makeFile(t, 32 * 1024 * 1024)
    const { fetch, sharing, into } = await setScene(t, { mayFetch: () => path })
    const granted = once(sharing, 'transfer') as Promise<[Transfer]>
    const receiving = fetch({ name: 'file.bin' }, { method: 'ibb' })
    const [sending] = await granted
    await moved(receiving, 1)
    const [cancelled, other] = side === 'desk' ? [sending, receiving] : [receiving, sending]
    cancelled.cancel()
    await t.throwsAsync(cancelled.done, { code: 'ERR_ABORTED' })
    await t.throwsAsync(other.done, { code: 'ERR_CANCELLED', message: /cancel/ })
    t.deepEqual(
      (await filesIn(into)).map((name) => name.replace(/[0-9a-f]{12}/, 'ID')),
      ['.file.bin.ID.part', '.file.bin.ID.part.json'],
    )
  })
}

test('sharing ends with what is under way, and may begin anew, beside receiving', async (t) => {
  const { path } = await makeFile(t, 10)
  const { desk, sharing, fetch, into } = await setScene(t, { mayFetch: () => path })
  t.throws(() => desk.share({ to: [], mayFetch: () => undefined }), { instanceOf: TypeError })
  desk.receive({ into, from: ['laptop@localhost'] })
  sharing.stop()
  desk.share({ to: ['laptop@localhost'], mayFetch: () => path })
  t.like(await fetch({ name: 'file.bin' }).done, { size: 10 })
})
