import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { offerStream } from '../../src/bytestreams/index.ts'
import type { BytestreamError } from '../../src/core/index.ts'
import type { FileOffer, ReceiveInit } from '../../src/transfer/index.ts'
import { buildSiFile, NS, type SiFile } from '../../src/xep/index.ts'
import { Peer } from '../helpers/peer.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer, offerByHand } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

// Goal: whatever a sender offers and sends, a receiver has the whole file or none.
// Method: our receiver on the embedded server, and senders that offer and send by hand.

async function setScene(t: ExecutionContext, init: Partial<ReceiveInit> = {}) {
  const network = await startNetwork(t, ['sender', 'receiver', 'stranger'])
  const into = join(await makeFolder(t), 'inbox')
  const client = await network.connect('receiver')
  const receiver = client.receive({ into, from: ['sender@localhost'], ...init })
  const declined: BytestreamError[] = []
  receiver.on('declined', ({ error }) => declined.push(error))
  const sender = await network.logIn('sender')
  /** Offers, without a bytestream. */
  const propose = (facts: Partial<SiFile>, { session = sender, id = 'offer', methods = [NS.bytestreams as string] } = {}) =>
    offerStream(session, {
      ...{ to: client.jid, id, profile: NS.siFileTransfer, methods, answerMsMax: 30_000 },
      payload: buildSiFile({ name: 'file.bin', size: 4, ...facts }),
    })
  return { network, client, receiver, sender, into, declined, propose, offer: (facts: SiFile) => offerByHand(sender, client.jid, facts) }
}

/** What a sender does after the bytestream is open, and how the receiver's transfer and the sender's socket end. */
const spoiled = test.macro({
  async exec(t: ExecutionContext, facts: Partial<SiFile>, send: (peer: Peer) => void, code: string, end: string) {
    const { receiver, into, offer } = await setScene(t)
    const incoming = nextTransfer(receiver)
    const { stream } = await offer({ name: 'file.bin', size: 4, ...facts })
    const peer = new Peer(stream as Socket)
    send(peer)
    const transfer = await incoming
    await t.throwsAsync(transfer.done, { code })
    t.is(await peer.drained(), end)
    t.deepEqual(await filesIn(into), [])
    t.is(receiver.running.size, 0)
  },
  title: (given = '') => `${given}: no file, and the sender sees that it failed`,
})
test(
  'another content than its SHA-256 says',
  spoiled,
  { hashes: [{ algo: 'sha-256', value: Buffer.alloc(32) }] },
  (peer) => peer.write('full'),
  'ERR_INTEGRITY',
  'ECONNRESET',
)
test('another content than its MD5 says', spoiled, { md5: '00'.repeat(16) }, (peer) => peer.write('full'), 'ERR_INTEGRITY', 'ECONNRESET')
test('an end before the last octet', spoiled, {}, (peer) => peer.socket.end('ful'), 'ERR_RESET', 'ECONNRESET')
test('a reset in the middle leaves no file', async (t) => {
  const { receiver, into, offer } = await setScene(t)
  const incoming = nextTransfer(receiver)
  const { stream } = await offer({ name: 'file.bin', size: 2 ** 20 })
  const peer = new Peer(stream as Socket)
  peer.write('the first octets')
  const transfer = await incoming
  await moved(transfer, 1)
  peer.reset()
  await t.throwsAsync(transfer.done, { code: 'ERR_RESET', message: 'the connection broke after 16 of 1048576 octets' })
  t.deepEqual(await filesIn(into), [])
})

test('octets behind the last one belong to no file', async (t) => {
  const { receiver, into, offer } = await setScene(t)
  const incoming = nextTransfer(receiver)
  const { stream } = await offer({ name: 'file.bin', size: 4 })
  stream.write('full and more')
  const { path } = await (await incoming).done
  t.is(await readFile(path, 'utf8'), 'full')
  t.deepEqual(await filesIn(into), ['file.bin'])
  new Peer(stream as Socket).reset()
})

test('a sender that does not close is not waited for: the file is there with its last octet', async (t) => {
  const { receiver, offer } = await setScene(t)
  const incoming = nextTransfer(receiver)
  const { stream } = await offer({ name: 'file.bin', size: 4 })
  const peer = new Peer(stream as Socket)
  peer.write('full')
  const { path } = await (await incoming).done
  t.is(await readFile(path, 'utf8'), 'full')
  t.is(String(await peer.readAll()), '', 'the receiver closes properly: it has the file')
  peer.end()
})

test('a bytestream that never comes ends with its time, and leaves no file', async (t) => {
  const { receiver, into, propose } = await setScene(t, { timings: { overallMsMax: 50 } })
  const incoming = nextTransfer(receiver)
  await propose({})
  await t.throwsAsync((await incoming).done, { code: 'ERR_TIMEOUT' })
  t.deepEqual(await filesIn(into), [])
})

for (const [name, stored] of [
  ['../../x', 'x'],
  ['/etc/passwd', 'passwd'],
  ['CON', '_CON'],
  ['a\nb', 'a_b'],
  ['x'.repeat(5_000), 'x'.repeat(200)],
] as const) {
  test(`a file called ${JSON.stringify(name.slice(0, 20))} is stored inside the folder`, async (t) => {
    const { receiver, into, offer } = await setScene(t)
    const incoming = nextTransfer(receiver)
    const { stream } = await offer({ name, size: 4 })
    stream.write('full')
    t.is((await (await incoming).done).path, join(into, stored))
    t.deepEqual(await filesIn(into), [stored])
    t.deepEqual(await filesIn(join(into, '..')), ['inbox'])
    stream.resume().end()
  })
}

const refusal = test.macro({
  async exec(t: ExecutionContext, init: Partial<ReceiveInit>, facts: Partial<SiFile>, code: string, heard: RegExp) {
    const { into, declined, propose } = await setScene(t, init)
    const error = await t.throwsAsync(propose(facts))
    t.regex(error?.message ?? '', heard)
    t.deepEqual(
      declined.map((each) => each.code),
      [code],
    )
    t.deepEqual(await filesIn(into), [])
  },
  title: (given = '') => `declined: ${given}`,
})
test(
  'a size above the limit',
  refusal,
  { fileBytesMax: 1024 },
  { size: 1025 },
  'ERR_FILE_TOO_LARGE',
  /declined: files of at most 1 KiB are accepted/,
)
test('what the hook does not want', refusal, { mayAccept: () => false }, {}, 'ERR_DECLINED', /declined: Offer Declined/)
test(
  'what the hook does not want, after a while',
  refusal,
  { mayAccept: async () => false },
  {},
  'ERR_DECLINED',
  /declined: Offer Declined/,
)
test('a name of nothing', refusal, {}, { name: '..' }, 'ERR_FILE_NAME', /cannot be the name of a file/)
test('more than the disk has room for', refusal, {}, { size: Number.MAX_SAFE_INTEGER }, 'ERR_DISK_SPACE', /there is no room for the file$/)
test(
  'a hook that throws, whose reason is not told',
  refusal,
  {
    mayAccept: () => {
      throw new Error('of our own business')
    },
  },
  {},
  'ERR_INTERNAL',
  /declined: the file cannot be stored$/,
)
test(
  'a folder that cannot be written to, which is not told',
  refusal,
  { into: '/dev/null/x' },
  {},
  'ERR_FILE',
  /declined: the file cannot be stored$/,
)

test('a sender hears which rule its file breaks, and what it says of the type counts', async (t) => {
  const { network, client, receiver } = await setScene(t, { names: ['*.png'], types: ['image/*'] })
  const sender = await network.connect('sender')
  const send = async (name: string, mimeType?: string) => {
    const { path } = await makeFile(t, 10, name)
    return sender.send(path, { to: client.jid, ownHosts: ['127.0.0.1'], ...(mimeType && { mimeType }) }).done
  }
  await t.throwsAsync(send('a.exe', 'image/png'), { code: 'ERR_DECLINED', message: /files of this name are not accepted$/ })
  await t.throwsAsync(send('a.png'), { code: 'ERR_DECLINED', message: /files of this type are not accepted$/ })
  const incoming = nextTransfer(receiver)
  await send('a.png', 'image/png')
  t.is((await (await incoming).done).verified, 'sha-256')
})

test('a size at the limit is accepted', async (t) => {
  const { propose } = await setScene(t, { fileBytesMax: 1024 })
  t.is(await propose({ size: 1024 }), NS.bytestreams)
})

test('the hook hears of name, size, sender, type and description, the name already safe', async (t) => {
  let heard: FileOffer | undefined
  const { propose, sender } = await setScene(t, {
    mayAccept: (offer) => {
      heard = offer
      return true
    },
  })
  await propose({ name: '../photo.jpg', description: 'us' })
  t.deepEqual(heard, { from: sender.jid, name: 'photo.jpg', size: 4, mimeType: undefined, description: 'us', hashes: [] })
})

test('nobody else may send, and hears no more than that it is declined', async (t) => {
  const { network, declined, propose } = await setScene(t)
  const stranger = await network.logIn('stranger')
  await t.throwsAsync(propose({}, { session: stranger }), { code: 'ERR_DECLINED', message: /declined: Offer Declined$/ })
  await t.throwsAsync(propose({ name: '..' }, { session: stranger }), { code: 'ERR_DECLINED', message: /declined: Offer Declined$/ })
  t.is(declined.length, 2)
})

test('a full JID lets that device in only', async (t) => {
  const { network, client, propose, sender, receiver } = await setScene(t)
  receiver.stop()
  client.receive({ into: await makeFolder(t), from: [sender.jid] })
  t.is(await propose({}), NS.bytestreams)
  await t.throwsAsync(propose({}, { session: await network.logIn('sender'), id: 'other' }), { code: 'ERR_DECLINED' })
})

test('an offer of neither SOCKS5 nor in-band bytestreams is no-valid-streams', async (t) => {
  const { propose, declined } = await setScene(t)
  await t.throwsAsync(propose({}, { methods: ['jabber:iq:oob'] }), { code: 'ERR_NO_VALID_STREAMS' })
  t.is(declined[0]?.code, 'ERR_NO_VALID_STREAMS')
})

test('of several methods, SOCKS5 bytestreams are chosen (XEP-0047 §5), else those in band', async (t) => {
  const { propose } = await setScene(t)
  t.is(await propose({}, { methods: ['http://jabber.org/protocol/ibb', NS.bytestreams] }), NS.bytestreams)
  t.is(await propose({}, { id: 'other', methods: ['jabber:iq:oob', 'http://jabber.org/protocol/ibb'] }), NS.inBand)
})

test('more files at once than allowed are refused for the time being, also while the first is decided about', async (t) => {
  let decide = (_: boolean) => {}
  const deciding = new Promise<boolean>((resolve) => {
    decide = resolve
  })
  const { propose, receiver } = await setScene(t, { transfersMax: 1, mayAccept: () => deciding })
  const first = propose({}, { id: 'first' })
  const heard = once(receiver, 'declined')
  await t.throwsAsync(propose({}, { id: 'second' }), { code: 'ERR_STANZA', message: /resource-constraint/ })
  await heard
  decide(false)
  await t.throwsAsync(first, { code: 'ERR_DECLINED' })
  await t.throwsAsync(propose({}, { id: 'third' }), { code: 'ERR_DECLINED' }, 'there is room again')
})

test('the same offer twice is refused, and the first goes on', async (t) => {
  const { propose, receiver } = await setScene(t)
  t.is(await propose({}), NS.bytestreams)
  await t.throwsAsync(propose({}), { code: 'ERR_STANZA', message: /bad-request/ })
  t.is(receiver.running.size, 1)
})

test('stopping ends what is under way, accepts nothing more, and ends the iteration', async (t) => {
  const { receiver, propose, into } = await setScene(t)
  const seen: string[] = []
  const iterating = (async () => {
    for await (const { name } of receiver) seen.push(name)
  })()
  const incoming = nextTransfer(receiver)
  await propose({})
  const transfer = await incoming
  receiver.stop()
  await t.throwsAsync(transfer.done, { code: 'ERR_SHUTTING_DOWN' })
  await iterating
  t.deepEqual(seen, ['file.bin'])
  t.deepEqual(await filesIn(into), [])
  await t.throwsAsync(propose({}, { id: 'late' }))
})

test('a client receives into one folder at a time, and into another after it was stopped', async (t) => {
  const { client, receiver, network } = await setScene(t)
  const elsewhere = await makeFolder(t)
  t.throws(() => client.receive({ into: elsewhere, from: ['sender@localhost'] }), { instanceOf: TypeError })
  receiver.stop()
  const next = client.receive({ into: elsewhere, from: ['sender@localhost'] })
  const incoming = nextTransfer(next)
  const { path } = await makeFile(t, 10)
  const sender = await network.connect('sender')
  await sender.send(path, { to: 'receiver@localhost', ownHosts: ['127.0.0.1'] }).done
  await (await incoming).done
  t.deepEqual(await filesIn(elsewhere), ['file.bin'])
})

test('a sender that is no JID is ERR_JID_MALFORMED', async (t) => {
  const network = await startNetwork(t, ['receiver'])
  const client = await network.connect('receiver')
  t.throws(() => client.receive({ into: '.', from: ['a b@c'] }), { code: 'ERR_JID_MALFORMED' })
})
