// Goal: as test/component/pubsub/trespasses.test.ts, at length, with what servers of others let through: payloads of 10 MiB, elements 500 deep,
// 10,000 nodes by one account; and in bounded memory. Method: the largest resident set `serve` has had, from before to after.

import { peakBytes } from '../helpers/memory.ts'
import { pubsub } from '../helpers/pubsub-examples.ts'
import { PubsubAssault, parties, refusalsLogged } from '../helpers/pubsub-hostile.ts'
import { PubsubLine } from '../helpers/pubsub-line.ts'
import { outcome } from '../helpers/pubsub-service.ts'
import { dataFolder, PUBSUB, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'

const KIB = 1024
const MIB = 1024 * KIB
const ROUNDS = 50
const NODES = 10_000
const NODES_MAX = 1_000
/** How much more may be resident, at most, than before. */
const GROWTH_BYTES_MAX = 128 * MIB
const MINUTE_MS = 60_000

const LEVELS = 500
const deep = `${'<a>'.repeat(LEVELS)}${'</a>'.repeat(LEVELS)}`
const publish = (payload: string) =>
  pubsub(`<publish node='many-0'><item><note xmlns='urn:example:note'>${payload}</note></item></publish>`)
const large = (octets: number) => publish('x'.repeat(octets))

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'a hostile client of publish-subscribe', { accounts: parties, components: [PUBSUB] }, (test) => {
    test('50 times everything that is refused, 10,000 nodes, payloads of 10 MiB: refused, logged once a minute, in bounded memory', async (t, server) => {
      t.timeout(600_000)
      const beginMs = Date.now()
      const serve = await servePubsub(t, server, await dataFolder(t))
      const pid = serve.child.pid as number
      const before = peakBytes(pid)
      const assault = await PubsubAssault.begin(t, server)
      for (let round = 0; round < ROUNDS; round++) await assault.trespass()
      await assault.nameOddly()
      await assault.createMany(NODES, NODES_MAX)
      t.is(outcome(await assault.attacker.ask('set', large(200 * KIB))), 'modify not-acceptable payload-too-big')
      t.is(outcome(await assault.attacker.ask('set', publish(deep))), 'modify not-acceptable payload-too-big')
      // Prosody ends the stream of a client that says so much; ejabberd passes it on.
      const shouter = await PubsubLine.enter(server.client, server.account('francisco'), 'shouting')
      t.teardown(() => shouter.close())
      const huge = shouter.ask('set', large(10 * MIB)).then(outcome, () => 'hung up')
      t.is(await huge, kind === prosody ? 'hung up' : 'modify not-acceptable payload-too-big')
      await assault.prove()
      const growth = peakBytes(pid) - before
      t.log(`${(before / MIB).toFixed(0)} MiB before, ${(growth / MIB).toFixed(0)} MiB more at most`)
      t.true(growth < GROWTH_BYTES_MAX)
      const refusals = await refusalsLogged(serve)
      const timesMax = 1 + (Date.now() - beginMs) / MINUTE_MS
      t.deepEqual(
        [...refusals].filter(([, times]) => times > timesMax),
        [],
      )
    })
  })
}
