// Goal: in-band bytestreams survive servers that limit the rate, as Debian configures them: no disconnect, no hang, and the
// session can be used for other things meanwhile. And 4 MiB go through the embedded server.

import { createHash, randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { Session } from '../../src/session/index.ts'
import { buildPing } from '../../src/xep/index.ts'
import { inBandBetween } from '../helpers/in-band.ts'
import { ejabberd, embedded, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const sha256 = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')

/** Asks the server for signs of life, one right after the other, until `over` settles. @returns the longest wait, in milliseconds */
async function longestPing(session: Session, over: Promise<unknown>): Promise<number> {
  let isOver = false
  let longestMs = 0
  void over.then(() => {
    isOver = true
  })
  while (!isOver) {
    const askedMs = performance.now()
    await session.request({ type: 'get', to: 'localhost', payload: buildPing() })
    longestMs = Math.max(longestMs, performance.now() - askedMs)
  }
  return longestMs
}

async function send(t: ExecutionContext, server: ServerUnderTest, size: number): Promise<void> {
  const network = networkOn(t, server)
  const [from, to] = [await network.logIn('full-from'), await network.logIn('full-to')]
  const { initiator, responder } = await inBandBetween(from, to)()
  const octets = randomBytes(size)
  const startMs = performance.now()
  initiator.stream.resume().end(octets)
  const pinged = longestPing(from, initiator.totals)
  const hash = createHash('sha256')
  for await (const chunk of responder.stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) hash.update(chunk)
  responder.stream.end()
  t.is(hash.digest('hex'), sha256(octets))
  t.deepEqual(await initiator.totals, { sent: size, received: 0, end: 'closed' })
  t.deepEqual(await responder.totals, { sent: 0, received: size, end: 'closed' })
  t.true(from.isOnline && to.isOnline)
  const seconds = (performance.now() - startMs) / 1000
  const longestMs = await pinged
  t.log(`${size} octets in ${seconds.toFixed(1)} s; the server answered within ${(longestMs / 1000).toFixed(1)} s`)
  t.true(longestMs < 20_000, 'other questions do not wait for the whole window')
}

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'limited rates', { accounts: ['full-from', 'full-to'], isRateLimited: true }, (test) => {
    test('256 KiB in band, at the rate Debian lets a client send', async (t, server) => {
      t.timeout(300_000)
      await send(t, server, 256 * 1024)
    })
  })
}

onServer(embedded, '4 MiB', { accounts: ['full-from', 'full-to'] }, (test) => {
  test('4 MiB in band', async (t, server) => {
    t.timeout(120_000)
    await send(t, server, 4 * 1024 * 1024)
  })
})
