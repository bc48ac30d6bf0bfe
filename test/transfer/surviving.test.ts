import { once } from 'node:events'
import { readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { SendInit, Transfer, TransferClientInit } from '../../src/transfer/index.ts'
import { startCutLine } from '../helpers/cut-line.ts'
import { PROXY } from '../helpers/prosody.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer } from '../helpers/transfers.ts'
import { networkOn, startNetwork, type XmppNetwork } from '../helpers/xmpp-network.ts'

// Goal: whatever breaks between two accounts, a file that was accepted arrives whole, and what is there is not sent again.
// Method: both ends are ours, over real sockets; a proxy, a line, a receiver and a session that go in the midst, and come back.

const MiB = 2 ** 20

/** Both ends, and a proxy behind a line that can be cut. */
async function setScene(
  t: ExecutionContext,
  network: XmppNetwork,
  { bytes = 24 * MiB, service }: { bytes?: number; service?: string } = {},
) {
  const line = await startCutLine(t)
  const startProxy = async () => {
    const proxy = await network.startProxy(PROXY, { advertised: [{ jid: PROXY, host: line.host, port: line.port }] })
    line.to = proxy.address
    return proxy
  }
  const proxy = await startProxy()
  const into = join(await makeFolder(t), 'inbox')
  const file = await makeFile(t, bytes)
  const sender = await network.connect('sender', { reconnect: true, ...(service && { service }) })
  const told: string[] = []
  const send = (init: Partial<SendInit> = {}) => {
    const transfer = sender.send(file.path, { to: network.account('receiver').jid, method: 'proxy', ...init })
    transfer.on('interrupted', ({ attempt }) => told.push(`interrupted ${attempt}`))
    return transfer.on('resumed', ({ offset }) => told.push(offset > 0 ? 'resumed' : 'begun again'))
  }
  const receive = async (init: Partial<TransferClientInit> = {}) => {
    const client = await network.connect('receiver', init)
    return { client, receiver: client.receive({ into, from: [network.account('sender').jid] }) }
  }
  /** The file is there, and nothing else; what was there is not sent again. */
  const arrived = async (transfer: Transfer) => {
    const result = await transfer.done
    t.like(result, { size: bytes, sha256: file.sha256, confirmed: true })
    t.true(file.content.equals(await readFile(join(into, 'file.bin'))))
    t.deepEqual(await filesIn(into), ['file.bin'])
    return result
  }
  return { line, proxy, startProxy, into, file, sender, told, send, receive, arrived }
}

type Scene = Awaited<ReturnType<typeof setScene>>

/** A file is sent, and some of it has arrived. */
async function sendHalf(scene: Scene, init: Partial<SendInit> = {}) {
  const { client, receiver } = await scene.receive()
  const held = scene.line.held(16 * MiB)
  const transfer = scene.send(init)
  const first = await nextTransfer(receiver)
  await held
  await moved(first, 1)
  return { client, receiver, transfer, first }
}

/** A file is fetched, and some of it has arrived. */
async function fetchHalf({ line, file, sender, into }: Scene, network: XmppNetwork) {
  const granted: Transfer[] = []
  sender.share({ to: ['receiver@localhost'], mayFetch: () => file.path }).on('transfer', (each) => granted.push(each))
  const client = await network.connect('receiver', { reconnect: true })
  const held = line.held(16 * MiB)
  const transfer = client.fetch({ from: 'sender@localhost', into, file: { name: 'file.bin' }, method: 'proxy' })
  let interruptions = 0
  transfer.on('interrupted', () => {
    interruptions += 1
  })
  await held
  await moved(transfer, 1)
  return { transfer, granted, interruptions: () => interruptions }
}

for (const negotiation of ['jingle', 'si'] as const) {
  test(`a connection that is cut in the midst (${negotiation}): it goes on behind what is there`, async (t) => {
    const scene = await setScene(t, await startNetwork(t, ['sender', 'receiver']))
    const { line, told, arrived } = scene
    const { receiver, transfer, first } = await sendHalf(scene, { negotiation })
    const kept = once(first, 'kept')
    line.cut()
    await t.throwsAsync(first.done)
    const [{ bytes }] = (await kept) as [{ bytes: number }]
    const second = await nextTransfer(receiver)
    const { resumedFrom, attempts } = await arrived(transfer)
    t.deepEqual([resumedFrom, attempts], [bytes, 2])
    t.true(bytes > 0)
    t.is((await second.done).movedBytes, 24 * MiB - bytes, 'no octet has come twice')
    t.deepEqual(told, ['interrupted 1', 'resumed'])
  })
}

test('in band, where little is on its way at once, at most 5 % are sent twice', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const { send, receive, arrived } = await setScene(t, network, { bytes: 2 * MiB })
  const { client, receiver } = await receive()
  const transfer = send({ method: 'ibb' })
  await moved(await nextTransfer(receiver), MiB)
  const interrupted = once(transfer, 'interrupted')
  receiver.stop()
  await interrupted
  await client.close()
  await receive()
  const { movedBytes, resumedFrom } = await arrived(transfer)
  t.true(resumedFrom >= MiB)
  t.true(movedBytes <= 1.05 * 2 * MiB, `${movedBytes}`)
})

test('the proxy goes in the midst, and another comes: the transfer goes on through that', async (t) => {
  const scene = await setScene(t, await startNetwork(t, ['sender', 'receiver']))
  const { line, proxy, startProxy, told, arrived } = scene
  const { transfer } = await sendHalf(scene)
  const interrupted = once(transfer, 'interrupted')
  line.to = undefined
  await proxy[Symbol.asyncDispose]()
  await interrupted
  await startProxy()
  t.true((await arrived(transfer)).resumedFrom > 0)
  t.is(told.at(-1), 'resumed')
})

test('a receiver that stops, and begins anew after a while', async (t) => {
  const scene = await setScene(t, await startNetwork(t, ['sender', 'receiver']))
  const { told, receive, arrived } = scene
  const { client, transfer } = await sendHalf(scene)
  const interrupted = once(transfer, 'interrupted')
  await client.close()
  await interrupted
  await receive()
  t.true((await arrived(transfer)).resumedFrom > 0)
  t.is(told.at(-1), 'resumed')
})

test('the session of the sender is lost, and comes back', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const toServer = await startCutLine(t)
  const { hostname: host, port } = new URL(network.account('sender').service ?? '')
  toServer.to = { host, port: Number(port) }
  const service = `xmpp://${toServer.host}:${toServer.port}`
  const { send, sender, receive, arrived } = await setScene(t, network, { bytes: 4 * MiB, service })
  const { receiver } = await receive()
  const transfer = send({ method: 'ibb' })
  await moved(await nextTransfer(receiver), MiB)
  const back = once(sender.session, 'online')
  const interrupted = once(transfer, 'interrupted')
  toServer.cut()
  await interrupted
  await back
  t.true((await arrived(transfer)).resumedFrom >= MiB)
})

test('a file that is fetched goes on behind what is there, too', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const scene = await setScene(t, network)
  const { line, file, into } = scene
  const { transfer, granted } = await fetchHalf(scene, network)
  line.cut()
  const result = await transfer.done
  t.like(result, { size: 24 * MiB, sha256: file.sha256, verified: 'sha-256', attempts: 2 })
  t.true(result.resumedFrom > 0)
  t.is(result.movedBytes, 24 * MiB)
  t.deepEqual(await filesIn(into), ['file.bin'])
  t.is((await granted[1]?.done)?.resumedFrom, result.resumedFrom)
})

test('a file that is fetched, and was changed in between, is not gone on with, and not asked for again and again', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const scene = await setScene(t, network)
  const { line, file } = scene
  const { transfer, interruptions } = await fetchHalf(scene, network)
  await utimes(file.path, 0, 0)
  line.cut()
  await t.throwsAsync(transfer.done, { code: 'ERR_INTEGRITY', message: 'file.bin changed while it was being sent' })
  t.is(interruptions(), 1)
})

for (const [kind, negotiation] of [
  [prosody, 'jingle'],
  [ejabberd, 'si'],
] as const) {
  onServer(kind, 'what survives', { accounts: ['sender', 'receiver'] }, (test) => {
    test(`a connection that is cut in the midst (${negotiation}): it goes on behind what is there`, async (t, server) => {
      const scene = await setScene(t, networkOn(t, server))
      const { transfer } = await sendHalf(scene, { negotiation })
      scene.line.cut()
      const { resumedFrom, attempts } = await scene.arrived(transfer)
      t.is(attempts, 2)
      t.true(resumedFrom > 0)
    })
  })
}
