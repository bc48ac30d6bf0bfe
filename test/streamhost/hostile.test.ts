import test from 'ava'
import { heldBeyond, heldResources, untilHeld } from '../helpers/held.ts'
import { makeHandshakes } from '../helpers/hostile-handshakes.ts'
import { beginAssault } from '../helpers/hostile-streamhost.ts'
import { seedOf } from '../helpers/seed.ts'

// Goal: no handshake, however hostile, disturbs a pair that waits or a bytestream that runs, finds a place it has no
// right to, or leaves anything behind. Method: seeded handshakes against real sockets, a clock the test moves, and what
// a naive reading of RFC 1928 and XEP-0065 answers. test/full/hostile.full.ts does the same with 10,000.

test('300 hostile handshakes, then a clean transfer, and nothing is left', async (t) => {
  const before = heldResources()
  const handshakes = makeHandshakes(300, seedOf(t))
  const assault = await beginAssault(t)
  for (let done = 0; done < handshakes.length; done += 100) await assault.wave(handshakes.slice(done, done + 100))
  await assault.end()
  await untilHeld(before)
  t.deepEqual(heldBeyond(before), [])
})
