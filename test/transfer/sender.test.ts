import { createHash } from 'node:crypto'
import { appendFileSync, truncateSync } from 'node:fs'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { BytestreamTarget, bytestreamsPart, StreamInitiationResponder } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { ServiceDiscovery } from '../../src/session/index.ts'
import type { TransferResult } from '../../src/transfer/index.ts'
import { attribute, buildPresence, type Element, NS, parseSiFile } from '../../src/xep/index.ts'
import { anywhere } from '../helpers/anywhere.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { Peer } from '../helpers/peer.ts'
import { stanzaError } from '../helpers/scripted-session.ts'
import { settle } from '../helpers/settle.ts'
import { steadyClock } from '../helpers/steady-clock.ts'
import { makeFile, moved } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

// Goal: a sender knows whether its file has arrived, and says what went wrong.
// Method: our sender on the embedded server, and receivers that take what comes by hand.

/** A receiver that accepts every file and does `take` with it. */
async function setScene(t: ExecutionContext, take: (peer: Peer, size: number) => unknown, clock = steadyClock()) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.logIn('receiver')
  const target = new BytestreamTarget(receiver, systemClock, silentLogger, anywhere)
  const discovery = new ServiceDiscovery(receiver.iqs)
  discovery.add(bytestreamsPart)
  const offers: Element[] = []
  const part = new StreamInitiationResponder(receiver).handle(NS.siFileTransfer, ({ from, id, payload }) => {
    offers.push(payload)
    const { size } = parseSiFile(payload)
    void target.expect({ from, sid: id, mayBeEmpty: size === 0 }).then(
      ({ stream }) => take(new Peer(stream as Socket), size),
      () => {}, // The sender gave up.
    )
    return { method: NS.bytestreams }
  })
  discovery.add(part)
  receiver.send(buildPresence({ type: 'available' }))
  const sender = await network.connect('sender', {}, { clock })
  const send = (path: string, init = {}) => sender.send(path, { to: receiver.jid, ownHosts: ['127.0.0.1'], method: 'direct', ...init })
  return { network, receiver, sender, send, offers }
}

test('a receiver that closes after the last octet has confirmed it', async (t) => {
  const { send } = await setScene(t, async (peer, size) => {
    await peer.read(size)
    peer.end()
  })
  const { path, sha256 } = await makeFile(t, 100_000)
  t.like(await send(path).done, { path, size: 100_000, sha256, confirmed: true } as Partial<TransferResult>)
})

test('an offer carries name, size, date, description, MD5 and SHA-256 (XEP-0096 §3)', async (t) => {
  const { send, offers } = await setScene(t, async (peer) => peer.end())
  const { path } = await makeFile(t, 0, 'nothing & more.txt')
  await send(path, { description: 'as promised' }).done
  const [file] = offers
  t.like(file && parseSiFile(file), {
    name: 'nothing & more.txt',
    size: 0,
    description: 'as promised',
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    hashes: [{ algo: 'sha-256', value: createHash('sha256').digest() }],
  })
  t.regex(file ? (attribute(file, 'date') ?? '') : '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('an offer carries the hashes that were asked for, or none but its MD5', async (t) => {
  const { send, offers } = await setScene(t, async (peer, size) => {
    await peer.read(size)
    peer.end()
  })
  const { path, content, sha256 } = await makeFile(t, 10)
  const digest = (name: string) => createHash(name).update(content).digest()
  t.is((await send(path, { hashes: ['sha3-256', 'blake2b-512'] }).done).sha256, sha256)
  await send(path, { hashes: [] }).done
  t.deepEqual(
    offers.map((offer) => parseSiFile(offer).hashes),
    [
      [
        { algo: 'sha3-256', value: digest('sha3-256') },
        { algo: 'blake2b-512', value: digest('blake2b512') },
      ],
      [],
    ],
  )
  t.is(offers[1] && parseSiFile(offers[1]).md5, digest('md5').toString('hex'))
})

test('a receiver that breaks the connection after the last octet did not want it', async (t) => {
  const { send } = await setScene(t, async (peer, size) => {
    await peer.read(size)
    peer.reset()
  })
  const { path } = await makeFile(t, 100_000)
  await t.throwsAsync(send(path).done, { code: 'ERR_RESET', message: /broke the connection after the last octet/ })
})

test('a receiver that leaves in the middle is ERR_RESET, with how far it was', async (t) => {
  const { send } = await setScene(t, async (peer) => {
    await peer.read(1_000)
    peer.reset()
  })
  const { path } = await makeFile(t, 32 * 1024 * 1024)
  await t.throwsAsync(send(path).done, { code: 'ERR_RESET', message: /^the connection broke after \d+ of 33554432 octets/ })
})

test('a receiver that takes all and neither closes nor breaks is believed after its time, unconfirmed', async (t) => {
  const clock = new FakeClock()
  let taken = () => {}
  const all = new Promise<void>((resolve) => {
    taken = resolve
  })
  const { send } = await setScene(
    t,
    async (peer) => {
      await peer.readAll() // The sender has closed its direction: from here on it waits for the other.
      taken()
    },
    clock,
  )
  const { path } = await makeFile(t, 100)
  const sending = send(path)
  await all
  await moved(sending, 100)
  for (let looks = 0; sending.state === 'moving' && looks < 100; looks++) {
    clock.advance(10_000)
    await settle()
  }
  t.like(await sending.done, { confirmed: false } as Partial<TransferResult>)
})

test('a receiver that stops reading is given up after five minutes without an octet', async (t) => {
  const clock = new FakeClock()
  const { send } = await setScene(t, () => {}, clock)
  const { path } = await makeFile(t, 64 * 1024 * 1024)
  const sending = send(path)
  await new Promise((opened) => sending.once('opened', opened))
  const failed = t.throwsAsync(sending.done, { code: 'ERR_TIMEOUT', message: /no octet has moved for 5 minutes/ })
  // What fits into buffers moves first.
  for (let looks = 0; sending.state === 'moving' && looks < 10_000; looks++) {
    clock.advance(75_000)
    await settle()
  }
  await failed
})

test('a file that grows or shrinks while it is sent is not passed off as whole', async (t) => {
  for (const change of [(path: string) => appendFileSync(path, 'more'), (path: string) => truncateSync(path, 10)]) {
    const { send } = await setScene(t, (peer) => void peer.drained())
    const { path } = await makeFile(t, 5 * 1024 * 1024)
    const sending = send(path)
    // It was hashed, and is not read again before there is a bytestream.
    sending.on('step', ({ step }) => step === 'accepted' && change(path))
    await t.throwsAsync(sending.done, { code: 'ERR_INTEGRITY', message: /changed while it was being sent/ })
  }
})

test('a file that is not there is ERR_FILE, before anybody hears of it', async (t) => {
  const { send, offers } = await setScene(t, () => {})
  await t.throwsAsync(send('does/not/exist').done, { code: 'ERR_FILE' })
  t.is(offers.length, 0)
})

test('a receiver that declines is ERR_DECLINED, one that is not there what its server says', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.logIn('receiver')
  receiver.iqs.handle('set', NS.si, 'si', () => {
    throw stanzaError('forbidden', {}, 'not today')
  })
  const sender = await network.connect('sender')
  const { path } = await makeFile(t, 1)
  await t.throwsAsync(sender.send(path, { to: receiver.jid }).done, { code: 'ERR_DECLINED', message: /not today/ })
  await t.throwsAsync(sender.send(path, { to: 'receiver@localhost/gone' }).done, { code: 'ERR_STANZA', message: /service-unavailable/ })
})

test('a receiver that is no JID is ERR_JID_MALFORMED', async (t) => {
  const network = await startNetwork(t, ['sender'])
  const sender = await network.connect('sender')
  const { path } = await makeFile(t, 1)
  await t.throwsAsync(sender.send(path, { to: 'a b@c' }).done, { code: 'ERR_JID_MALFORMED' })
})

for (const [method, isAsked] of [
  ['auto', true],
  ['proxy', true],
  ['direct', false],
  ['ibb', false],
] as const) {
  test(`the server is ${isAsked ? '' : 'not '}asked for proxies while the receiver is looked for, with the method ${method}`, async (t) => {
    const network = await startNetwork(t, ['sender', 'receiver'])
    const sender = await network.connect('sender', {}, { clock: new FakeClock() })
    const { path } = await makeFile(t, 1)
    const asked: unknown[] = []
    const greeted = new Promise<void>((resolve) => {
      network.server.on('stanza', ({ to, element }) => {
        if (element.getChild('query', NS.discoItems)) asked.push(to)
        if (element.name === 'presence' && to === 'receiver@localhost') resolve()
      })
    })
    const sending = sender.send(path, { to: 'receiver@localhost', method })
    await greeted
    t.deepEqual(asked, isAsked ? ['localhost'] : [])
    sending.cancel()
    await t.throwsAsync(sending.done, { code: 'ERR_ABORTED' })
  })
}

test('nobody who accepts files is ERR_NO_RESOURCE', async (t) => {
  const clock = new FakeClock()
  const network = await startNetwork(t, ['sender', 'receiver'])
  const sender = await network.connect('sender', {}, { clock })
  const { path } = await makeFile(t, 1)
  const greeted = new Promise<void>((resolve) => {
    network.server.on('stanza', ({ to, element }) => {
      if (element.name === 'presence' && to === 'receiver@localhost') resolve()
    })
  })
  const sending = sender.send(path, { to: 'receiver@localhost' })
  await greeted
  clock.advance(10_000)
  await t.throwsAsync(sending.done, {
    code: 'ERR_NO_RESOURCE',
    message: /^no device of receiver@localhost that takes files has answered within 10 s$/,
  })
})
