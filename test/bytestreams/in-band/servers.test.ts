import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { inBandBetween, readAll } from '../../helpers/in-band.ts'
import { onEachServer } from '../../helpers/server.ts'
import { networkOn } from '../../helpers/xmpp-network.ts'

// Goal: whole streams of every size, through each server, in both directions at once, and each server's word of a peer that
// is gone. Rates are not limited here: see test/full/in-band.full.ts.

const BLOCK_SIZE = 4096
const SIZES = [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 64 * 1024]

onEachServer('in-band bytestreams', { accounts: ['ibb-from', 'ibb-to', 'lost-from', 'lost-to'] }, (test) => {
  test('octets of every size, there and back in one bytestream', async (t, server) => {
    const network = networkOn(t, server)
    const open = inBandBetween(await network.logIn('ibb-from'), await network.logIn('ibb-to'))
    for (const [index, size] of SIZES.entries()) {
      const [there, back] = [randomBytes(size), randomBytes(SIZES.at(-1 - index) ?? 0)]
      const { initiator, responder } = await open()
      t.is(initiator.blockSize, BLOCK_SIZE)
      initiator.stream.end(there)
      responder.stream.end(back)
      const [heard, answered] = await Promise.all([readAll(responder.stream), readAll(initiator.stream)])
      t.true(heard.equals(there), `${size} octets`)
      t.true(answered.equals(back), `${back.length} octets back`)
      t.deepEqual(await initiator.totals, { sent: there.length, received: back.length, end: 'closed' })
      t.deepEqual(await responder.totals, { sent: back.length, received: there.length, end: 'closed' })
    }
  })

  test('a peer that has gone breaks the bytestream', async (t, server) => {
    const network = networkOn(t, server)
    const [from, to] = [await network.logIn('lost-from'), await network.logIn('lost-to')]
    const { initiator, responder } = await inBandBetween(from, to)()
    initiator.stream.write('octets')
    await once(responder.stream, 'readable')
    await to.stop()
    t.is((await responder.totals).end, 'reset')
    initiator.stream.write('more')
    t.is((await initiator.totals).end, 'reset')
    t.like(initiator.stream.errored, { code: 'ERR_RESET' })
  })
})
