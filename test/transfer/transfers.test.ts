import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { StreamEngine, type StreamhostInit } from '../../src/streamhost/index.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer, storedIn } from '../helpers/transfers.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

// Goal: whole files, between two accounts that never met, by bare JID, on each server, each way and by each negotiation.
// Method: every size goes every way, and by either negotiation at least once; test/full/transfers.full.ts has all of it.

const SMALL_SIZES = [0, 1, 65_535, 65_536, 65_537]
const MIB = 1024 ** 2
const SIZES = [...SMALL_SIZES, 20 * MIB]

/** No file is whole before somebody has heard that it moves, however fast the machine. */
const held = { rates: { bytestreamBytes: 4 * MIB } }

/** Tests share a server, but neither accounts nor proxies. */
const labels = ['direct', 'proxy', 'stream', 'ibb', 'proxy-sender', 'proxy-receiver', 'ibb-sender', 'ibb-receiver'] as const
const accounts = labels.flatMap((label) => [`${label}-from`, `${label}-to`])
const components = labels.map((label) => `${label}.${DOMAIN}`)

/** Two accounts that never met, and a proxy. */
async function setScene(t: ExecutionContext, server: ServerUnderTest, label: (typeof labels)[number], init: Partial<StreamhostInit> = {}) {
  const network = networkOn(t, server)
  const proxy = `${label}.${DOMAIN}`
  const { streamhost } = await network.startProxy(proxy, init)
  const inbox = join(await makeFolder(t), 'inbox')
  const [from, to] = [`${label}-from`, `${label}-to`]
  const [receiver, sender] = [await network.connect(to), await network.connect(from)]
  return { sender, receiver, inbox, streamhost, proxy, from: `${from}@${DOMAIN}`, to: `${to}@${DOMAIN}` }
}

const negotiations = ['si', 'jingle'] as const
const ways = [
  ['direct', 'direct', 'direct', SIZES, {}],
  ['proxy', 'proxy', 'proxy', SIZES, {}],
  ['stream', 'proxy', 'proxy with the stream engine', SIZES, { engine: new StreamEngine() }],
  ['ibb', 'ibb', 'in band', SMALL_SIZES, {}],
] as const

/** What a method needs to know; in band there is nothing. */
const whereTo = (method: 'direct' | 'proxy' | 'ibb', proxy: string) =>
  ({ direct: { ownHosts: ['127.0.0.1'] }, proxy: { proxy }, ibb: {} })[method]

onEachServer('transfers', { accounts, components }, (test) => {
  for (const [way, [label, method, what, sizes, init]] of ways.entries()) {
    test(`files of all sizes, ${what}`, async (t, server) => {
      const { sender, receiver, inbox, streamhost, from, to, proxy } = await setScene(t, server, label, init)
      const receiving = receiver.receive({ into: inbox, from: [from] })
      for (const [at, size] of sizes.entries()) {
        const negotiation = negotiations[(way + at) % 2] as (typeof negotiations)[number]
        const { path, content, sha256 } = await makeFile(t, size, `${size}.bin`)
        const incoming = nextTransfer(receiving)
        const sending = sender.send(path, { to, negotiation, method, ...whereTo(method, proxy) })
        const opened: string[] = []
        sending.on('opened', (facts) => void opened.push(facts.negotiation, facts.method))
        const [sent, received] = await Promise.all([sending.done, incoming.then(({ done }) => done)])
        t.like(sent, { path, size, sha256, method, confirmed: true })
        t.like(received, { path: join(inbox, basename(path)), size, sha256, method })
        t.true((await readFile(received.path)).equals(content), `${size} octets`)
        t.deepEqual(opened, [negotiation, method])
        t.is(sending.peer, receiver.jid)
      }
      t.is(streamhost.counters.activated, method === 'proxy' ? sizes.length : 0)
      t.is((await filesIn(inbox)).length, sizes.length)
      await Promise.all([sender.close(), receiver.close()])
    })
  }

  for (const [label, method, side, negotiation] of [
    ['proxy-sender', 'proxy', 'sender', 'si'],
    ['proxy-receiver', 'proxy', 'receiver', 'jingle'],
    ['ibb-sender', 'ibb', 'sender', 'jingle'],
    ['ibb-receiver', 'ibb', 'receiver', 'si'],
  ] as const) {
    test(`cancelling at the ${side} ends both sides, and leaves a part at most, with ${negotiation} and ${method}`, async (t, server) => {
      const { sender, receiver, inbox, streamhost, from, to, proxy } = await setScene(t, server, label, held)
      const incoming = nextTransfer(receiver.receive({ into: inbox, from: [from] }))
      const { path } = await makeFile(t, 32 * MIB)
      const sending = sender.send(path, { to, negotiation, method, ...whereTo(method, proxy) })
      const receiving = await Promise.race([incoming, sending.done.then(() => incoming)])
      await moved(receiving, 1)
      const [cancelled, other] = side === 'sender' ? [sending, receiving] : [receiving, sending]
      cancelled.cancel()
      await t.throwsAsync(cancelled.done, { code: 'ERR_ABORTED' })
      const error = await t.throwsAsync<BytestreamError>(other.done, { instanceOf: BytestreamError })
      t.true(['ERR_RESET', 'ERR_CANCELLED'].includes(error.code), error.code)
      t.deepEqual([sending.state, receiving.state], ['failed', 'failed'])
      t.deepEqual(await storedIn(inbox), [])
      await Promise.all([sender.close(), receiver.close()])
      await streamhost.close()
      t.is(streamhost.gauges().openSockets, 0)
    })
  }
})
