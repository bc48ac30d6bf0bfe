import test from 'ava'
import { BACKLOG_BYTES_MAX } from '../../src/session/xml-stream.ts'
import { heldBeyond, heldResources, untilHeld } from '../helpers/held.ts'
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
    t.deepEqual(heldBeyond(before), [])
  })
}

test.serial(
  'a flood of questions whose answers nobody reads ends the connection at its maximum, and the component comes back',
  async (t) => {
    const victim = await hostileServerOfComponent()
    const { from, to } = victim.addresses
    const stream = await victim.open()
    stream.stall()
    let isOver = false
    const over = stream.rest().then(() => {
      isOver = true
    })
    // Each answer has the id of its question: what is held grows as fast as what is asked.
    const question = `<iq type='get' id='${'x'.repeat(60_000)}' from='${from}' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`
    let asked = 0
    while (!isOver) {
      stream.send(question)
      asked += question.length
      await new Promise(setImmediate)
    }
    await over
    t.true(asked > BACKLOG_BYTES_MAX, `${asked} octets`)
    await victim.prove(t)
    await victim.close()
    t.deepEqual(victim.errors, [])
    t.is(victim.clock.waiting, 0)
  },
)
