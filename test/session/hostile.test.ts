import test from 'ava'
import { heldResources, untilHeld } from '../helpers/held.ts'
import { harass } from '../helpers/hostile-line.ts'
import { makeStanzas } from '../helpers/hostile-streams.ts'
import { seedOf } from '../helpers/seed.ts'
import { hostileServerOfAccount, hostileServerOfComponent } from '../helpers/victims.ts'

// Goal: whatever a server says, or lets strangers say, each question is answered once, each answer is let pass, and what
// is no XML of a stream ends it; the session comes back and works, and nothing is left behind.
// Method: seeded stanzas, over sockets, from a server that is the test. test/full/hostile.full.ts takes 10,000 of them.

// An account's login takes its time (RFC 5802), and is repeated whenever a stream has ended.
for (const [count, name, begin] of [
  [250, 'a component', hostileServerOfComponent],
  [100, 'an account', hostileServerOfAccount],
] as const) {
  test.serial(`a hostile server: ${count} hostile stanzas for ${name}, then it works as before, and nothing is left`, async (t) => {
    const before = heldResources()
    const victim = await begin()
    const answered = await harass(t, victim, makeStanzas(count, seedOf(t)))
    t.true(answered > count / 10, `${answered} answers`)
    await victim.prove(t)
    await victim.close()
    t.deepEqual(victim.errors, [])
    t.is(victim.clock.waiting, 0)
    await untilHeld(before)
    t.deepEqual(heldResources(), before)
  })
}
