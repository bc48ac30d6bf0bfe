import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import {
  type Bytestream,
  InBandTarget,
  type IncomingOffer,
  offerStream,
  openInBand,
  StreamInitiationResponder,
} from '../../src/bytestreams/index.ts'
import { type BytestreamError, silentLogger, systemClock } from '../../src/core/index.ts'
import type { SendInit, Transfer } from '../../src/transfer/index.ts'
import { buildSiFile, NS, type SiFile } from '../../src/xep/index.ts'
import { stanzaError } from '../helpers/scripted-session.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer, offerByHand, storedIn } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

// Goal: what goes in band by stream initiation is held to what is held over SOCKS5, and no streamhost that works is no reason to give up.
// Method: our two ends on the embedded server, or one of them, and the other by hand.

/** A streamhost nobody listens at. */
const nowhere = { jid: 'proxy.localhost', host: '127.0.0.1', port: 1 }

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['sender', 'receiver'], ['proxy.localhost', 'one.localhost', 'two.localhost'])
  const into = await makeFolder(t)
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'] })
  const send = async (path: string, init: Partial<SendInit> = {}) => {
    const sender = await network.connect('sender')
    return told(sender.send(path, { to: 'receiver@localhost', negotiation: 'si', ...init }))
  }
  return { network, client, receiver, into, send }
}

/** A transfer, and why it went in band where it was not asked to. */
function told(transfer: Transfer) {
  const reasons: string[] = []
  transfer.on('step', (step) => {
    if (step.step === 'in band') reasons.push(step.reason)
  })
  return { transfer, reasons }
}

test('no streamhost that works: in band under the same sid, and both say so', async (t) => {
  const { network, receiver, send } = await setScene(t)
  await network.startProxy('proxy.localhost', { advertised: [nowhere] })
  const { path, content } = await makeFile(t, 20_000)
  const incoming = nextTransfer(receiver)
  const { transfer, reasons } = await send(path, { ownHosts: [] })
  const [sent, received] = await Promise.all([transfer.done, (await incoming).done])
  t.deepEqual([sent.method, received.method], ['ibb', 'ibb'])
  t.true(content.equals(await readFile(received.path)))
  t.deepEqual(reasons, [`${transfer.peer} could reach none of the streamhosts offered: 127.0.0.1:1`])
})

test('a proxy that does not activate what the receiver has connected to: in band, too', async (t) => {
  const { network, receiver, send } = await setScene(t)
  const { streamhosts } = await network.startProxy('one.localhost')
  const other = { jid: 'two.localhost', host: '127.0.0.1', port: streamhosts[0]?.port ?? 0 }
  // The sockets are with the one proxy, and the other is asked to activate them.
  await network.startProxy('two.localhost', { advertised: [other] })
  const { path, content } = await makeFile(t, 20_000)
  const incoming = nextTransfer(receiver)
  const { transfer, reasons } = await send(path, { ownHosts: [], proxy: 'two.localhost' })
  const [sent, received] = await Promise.all([transfer.done, (await incoming).done])
  t.deepEqual([sent.method, received.method], ['ibb', 'ibb'])
  t.true(content.equals(await readFile(received.path)))
  t.is(reasons.length, 1)
  t.regex(reasons[0] ?? '', /^two\.localhost answered item-not-found/)
})

test('without a streamhost to offer, only the way in band is offered', async (t) => {
  const { send, receiver } = await setScene(t)
  const { path } = await makeFile(t, 10)
  const incoming = nextTransfer(receiver)
  const { transfer, reasons } = await send(path, { ownHosts: [] })
  t.is((await transfer.done).method, 'ibb')
  t.is((await (await incoming).done).method, 'ibb')
  t.deepEqual(reasons, ['there is no streamhost to offer'])
})

for (const method of ['direct', 'proxy'] as const) {
  test(`${method} never goes in band`, async (t) => {
    const { network, receiver, into, send } = await setScene(t)
    await network.startProxy('proxy.localhost', { advertised: [nowhere] })
    const { path } = await makeFile(t, 10)
    const incoming = nextTransfer(receiver)
    const { transfer, reasons } = await send(path, { method, ownHosts: method === 'direct' ? ['192.0.2.1'] : [] })
    await t.throwsAsync(transfer.done, { code: 'ERR_NO_STREAMHOST' })
    t.deepEqual(reasons, [])
    const receiving = await incoming
    receiving.cancel()
    await t.throwsAsync(receiving.done, { code: 'ERR_ABORTED' })
    t.deepEqual(await filesIn(into), [])
  })
}

/** A receiver that accepts every offer with `choose`, and whatever else the test has it do. */
async function setHand(t: ExecutionContext, choose: (methods: readonly string[], offer: IncomingOffer) => string) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.logIn('receiver')
  new StreamInitiationResponder(receiver).handle(NS.siFileTransfer, (offer) => ({ method: choose(offer.methods, offer) }))
  const sender = await network.connect('sender')
  const { path } = await makeFile(t, 10)
  const send = (init: Partial<SendInit> = {}) => told(sender.send(path, { to: receiver.jid, ownHosts: ['127.0.0.1'], ...init }))
  return { network, receiver, send }
}

test('SOCKS5 is offered before in band, and each alone where it is asked for (XEP-0095 §3.2)', async (t) => {
  const seen: (readonly string[])[] = []
  const { send } = await setHand(t, (methods) => {
    seen.push(methods)
    throw stanzaError('forbidden')
  })
  for (const method of ['auto', 'direct', 'proxy', 'ibb'] as const)
    await t.throwsAsync(send({ method }).transfer.done, { code: 'ERR_DECLINED' })
  t.deepEqual(seen, [[NS.bytestreams, NS.inBand], [NS.bytestreams], [NS.bytestreams], [NS.inBand]])
})

test('a receiver that wants neither after all fails the transfer with both reasons', async (t) => {
  const { receiver, send } = await setHand(t, () => NS.bytestreams)
  receiver.iqs.handle('set', NS.bytestreams, 'query', () => {
    throw stanzaError('item-not-found')
  })
  await t.throwsAsync(send().transfer.done, {
    code: 'ERR_NO_STREAMHOST',
    message: /could reach none of the streamhosts .*; and in band: .* answered service-unavailable/,
  })
})

test('a receiver that does not want the bytestream is not asked again in band', async (t) => {
  const { receiver, send } = await setHand(t, () => NS.bytestreams)
  receiver.iqs.handle('set', NS.bytestreams, 'query', () => {
    throw stanzaError('not-acceptable')
  })
  const { transfer, reasons } = send()
  await t.throwsAsync(transfer.done, { code: 'ERR_NOT_ACCEPTABLE' })
  t.deepEqual(reasons, [])
})

test('a transfer that is cancelled while no streamhost works does not go on in band', async (t) => {
  const { receiver, send } = await setHand(t, () => NS.bytestreams)
  const { transfer, reasons } = send()
  receiver.iqs.handle('set', NS.bytestreams, 'query', () => {
    transfer.cancel()
    throw stanzaError('item-not-found')
  })
  await t.throwsAsync(transfer.done, { code: 'ERR_ABORTED' })
  t.deepEqual(reasons, [])
})

/** Offers and opens by hand, sends, and ends; the receiver's transfer fails with `code`, and the sender's stream as a reset. */
const spoiled = test.macro({
  async exec(t: ExecutionContext, facts: Partial<SiFile>, content: string, code: string) {
    const { network, client, receiver, into } = await setScene(t)
    const sender = await network.logIn('sender')
    const incoming = nextTransfer(receiver)
    const { stream, totals } = await offerByHand(sender, client.jid, { name: 'file.bin', size: 4, ...facts }, 'ibb')
    stream.on('error', () => {})
    stream.end(content)
    await t.throwsAsync((await incoming).done, { code })
    t.is((await totals).end, 'reset')
    t.deepEqual(await filesIn(into), [])
  },
  title: (given = '') => `${given}: no file, and the sender sees that it failed`,
})
const zeros = { algo: 'sha-256', value: Buffer.alloc(32) }
test('in band, another content than its SHA-256 says', spoiled, { hashes: [zeros] }, 'full', 'ERR_INTEGRITY')
test('in band, another content than its MD5 says', spoiled, { md5: '00'.repeat(16) }, 'full', 'ERR_INTEGRITY')
test('in band, a close before the last octet', spoiled, {}, 'ful', 'ERR_RESET')
test('in band, a close before the first octet', spoiled, {}, '', 'ERR_RESET')

test('in band, octets behind the last one belong to no file', async (t) => {
  const { network, client, receiver, into } = await setScene(t)
  const incoming = nextTransfer(receiver)
  const { stream } = await offerByHand(await network.logIn('sender'), client.jid, { name: 'file.bin', size: 4 }, 'ibb')
  stream.end('full and more').resume()
  const { path } = await (await incoming).done
  t.is(await readFile(path, 'utf8'), 'full')
  t.deepEqual(await filesIn(into), ['file.bin'])
})

for (const [what, isWell] of [
  ['closes', true],
  ['breaks off', false],
] as const) {
  test(`in band, a receiver that ${what} after the last octet is heard so`, async (t) => {
    const streams: Promise<Bytestream>[] = []
    const { receiver, send } = await setHand(t, (_, { from, id }) => {
      streams.push(target.expect({ from, sid: id }))
      return NS.inBand
    })
    const target = new InBandTarget({ session: receiver, clock: systemClock, logger: silentLogger })
    const { transfer } = send({ method: 'ibb' })
    await once(transfer, 'opened')
    const { stream, reset } = (await streams[0]) as Bytestream
    for await (const octets of stream.iterator({ destroyOnReturn: false })) if (octets.length === 10) break
    if (isWell) stream.end()
    else reset()
    if (isWell) t.like(await transfer.done, { method: 'ibb', confirmed: true })
    else await t.throwsAsync(transfer.done, { code: 'ERR_RESET', message: /broke the connection after the last octet/ })
  })
}

for (const side of ['sender', 'receiver'] as const) {
  test(`the ${side} loses its session in the middle: both fail, and a part is left at most`, async (t) => {
    const { network, client, receiver, into } = await setScene(t)
    const { path } = await makeFile(t, 32 * 1024 * 1024)
    const sender = await network.connect('sender')
    const incoming = nextTransfer(receiver)
    const sending = sender.send(path, { to: client.jid, method: 'ibb', negotiation: 'si' })
    const receiving = await incoming
    await moved(receiving, 1)
    const lost = side === 'sender' ? sender : client
    await lost.session.stop()
    const codes = await Promise.all([sending, receiving].map(({ done }) => done.catch(({ code }: BytestreamError) => code)))
    t.deepEqual(codes, side === 'sender' ? ['ERR_SESSION_CLOSED', 'ERR_RESET'] : ['ERR_RESET', 'ERR_SESSION_CLOSED'])
    t.deepEqual(await storedIn(into), [])
  })
}

test('a sender may come in band at once where it has offered both ways', async (t) => {
  const { network, client, receiver } = await setScene(t)
  const session = await network.logIn('sender')
  const incoming = nextTransfer(receiver)
  const payload = buildSiFile({ name: 'file.bin', size: 4 })
  const methods = [NS.bytestreams, NS.inBand]
  const offer = { to: client.jid, id: 'both', profile: NS.siFileTransfer, payload, methods, answerMsMax: 30_000 }
  t.is(await offerStream(session, offer), NS.bytestreams)
  const { stream } = await openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: 'both' })
  stream.end('full')
  t.is((await (await incoming).done).method, 'ibb')
})

test('a sender that has offered SOCKS5 alone may not come in band', async (t) => {
  const { network, client, receiver } = await setScene(t)
  const session = await network.logIn('sender')
  const incoming = nextTransfer(receiver)
  const offer = { to: client.jid, id: 'one', profile: NS.siFileTransfer, payload: buildSiFile({ name: 'file.bin', size: 4 }) }
  t.is(await offerStream(session, { ...offer, methods: [NS.bytestreams], answerMsMax: 30_000 }), NS.bytestreams)
  const opening = openInBand({ session, clock: systemClock, logger: silentLogger }, { to: client.jid, sid: 'one' })
  await t.throwsAsync(opening, { code: 'ERR_STANZA', message: /not-acceptable/ })
  ;(await incoming).cancel()
})
