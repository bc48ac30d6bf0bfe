// Goal: nothing waits in the proxy that could go out. Where Nagle's algorithm is on, the second of two small writes waits
// until the first is acknowledged, and Linux puts that off for 40 ms.
import test from 'ava'

import { type Peer, until } from '../helpers/peer.ts'
import { relayEngines } from '../helpers/relay-engines.ts'
import { dstAddrOf, joinBoth, openStreamhost } from '../helpers/streamhost.ts'

const ROUND_TRIPS = 200
const DELAYED_ACK_MS = 40

for (const { name, makeEngine } of relayEngines) {
  test(`${ROUND_TRIPS} round trips, each of two small writes one behind the other, wait for no acknowledgement: ${name} engine`, async (t) => {
    const { streamhost, ports } = await openStreamhost(t, { engine: makeEngine() })
    const [one, other] = await joinBoth(t, ports[0], dstAddrOf(1))
    streamhost.activate(dstAddrOf(1))
    let moved = 0
    let waited = 0
    const say = async (from: Peer, to: Peer) => {
      const startedMs = performance.now()
      for (const octet of ['a', 'b']) {
        from.write(octet)
        moved += 1
        // The second is not sent before the first has gone out.
        await until(() => streamhost.counters.firstToSecondBytes + streamhost.counters.secondToFirstBytes === moved)
      }
      t.is(`${await to.read(2)}`, 'ab')
      if (performance.now() - startedMs >= DELAYED_ACK_MS) waited += 1
    }
    for (let round = 0; round < ROUND_TRIPS; round += 1) {
      await say(one, other)
      await say(other, one)
    }
    // Each of them would have.
    t.true(waited < ROUND_TRIPS, `${waited} of ${2 * ROUND_TRIPS} took ${DELAYED_ACK_MS} ms or longer`)
  })
}
