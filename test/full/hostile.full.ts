import test, { type ExecutionContext } from 'ava'
import { heldBeyond, heldResources, reachableBytes, untilHeld } from '../helpers/held.ts'
import { makeHandshakes } from '../helpers/hostile-handshakes.ts'
import { harass, type Victim } from '../helpers/hostile-line.ts'
import { beginAssault } from '../helpers/hostile-streamhost.ts'
import { makeSoundStanzas, makeStanzas } from '../helpers/hostile-streams.ts'
import { startProxy } from '../helpers/proxy.ts'
import { seedOf } from '../helpers/seed.ts'
import { ejabberd, embedded, onServer, prosody } from '../helpers/server.ts'
import { hostileClient, hostileComponent, hostileServerOfAccount, hostileServerOfComponent } from '../helpers/victims.ts'

const MIB = 2 ** 20

const ROUNDS = 20
const ROUND = 500

/**
 * 10,000 hostile stanzas, in rounds that leave nothing behind themselves.
 */
async function harassAtLength(t: ExecutionContext, victim: Victim): Promise<void> {
  const seed = seedOf(t)
  let answered = 0
  let early = 0
  for (let round = 0; round < ROUNDS; round++) {
    answered += await harass(t, victim, makeStanzas(ROUND, seed + round))
    if (round === ROUNDS / 5) early = reachableBytes()
  }
  const growthBytes = reachableBytes() - early
  t.log(`${victim.name}: ${answered} answers; ${(growthBytes / MIB).toFixed(2)} MiB more reachable in the end than after a fifth`)
  t.true(growthBytes < GROWTH_BYTES_MAX)
  t.true(answered > 1_000)
}

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
  t.deepEqual(heldBeyond(before), [])
})

for (const [name, begin] of [
  ['a component', hostileServerOfComponent],
  ['an account', hostileServerOfAccount],
] as const) {
  test.serial(`10,000 hostile stanzas of a server for ${name}, then it works as before, and nothing is left`, async (t) => {
    const before = heldResources()
    const victim = await begin()
    await harassAtLength(t, victim)
    await victim.prove(t)
    await victim.close()
    t.deepEqual(victim.errors, [])
    t.is(victim.clock.waiting, 0)
    await untilHeld(before)
    t.deepEqual(heldBeyond(before), [])
  })
}

test.serial('10,000 hostile stanzas of a client, and of a component, for the embedded server', async (t) => {
  const before = heldResources()
  {
    await using server = await embedded.start({ accounts: ['romeo'], components: ['proxy.localhost', 'evil.localhost'] })
    await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
    await harassAtLength(t, hostileClient(server, 'romeo', proxy.jid))
    await harassAtLength(t, hostileComponent(server, 'evil.localhost', proxy.jid))
    t.true(proxy.session.isOnline)
  }
  await untilHeld(before)
  t.deepEqual(heldBeyond(before), [])
})

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'hostile stanzas', { components: ['proxy.localhost', 'evil.localhost'] }, (serverTest) => {
    serverTest('2,000 hostile stanzas that another component has passed on', async (t, server) => {
      await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
      const victim = hostileComponent(server, 'evil.localhost', proxy.jid)
      t.true((await harass(t, victim, makeSoundStanzas(2_000, seedOf(t)))) > 1_000)
      t.true(proxy.session.isOnline)
    })
  })
}
