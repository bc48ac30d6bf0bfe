import test from 'ava'
import { heldResources, reachableBytes, untilHeld } from '../helpers/held.ts'
import { makeHandshakes } from '../helpers/hostile-handshakes.ts'
import { beginAssault } from '../helpers/hostile-streamhost.ts'
import { seedOf } from '../helpers/seed.ts'

const MIB = 2 ** 20

/** How much more may be reachable after all of it than after a fifth; the rest is the engine's own book-keeping. */
const GROWTH_BYTES_MAX = 2 * MIB

test.serial('10,000 hostile handshakes, then a clean transfer, and nothing is left', async (t) => {
  const before = heldResources()
  const handshakes = makeHandshakes(10_000, seedOf(t))
  const assault = await beginAssault(t)
  let early = 0
  for (let done = 0; done < handshakes.length; done += 100) {
    await assault.wave(handshakes.slice(done, done + 100))
    if (done === handshakes.length / 5) early = reachableBytes()
  }
  const growth = reachableBytes() - early
  t.log(`${(growth / MIB).toFixed(2)} MiB more reachable after 10,000 than after 2,000`)
  t.true(growth < GROWTH_BYTES_MAX)
  await assault.end()
  await untilHeld(before)
  t.deepEqual(heldResources(), before)
})
