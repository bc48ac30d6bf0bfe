// Goal: whatever is announced reaches every subscriber, and is fetched once, though the service is killed at any moment. Method: 50
// subscribers, 10 of whom come when two thirds are over, 5 behind a NAT; an owner offers file after file while `serve --data` is killed a
// hundred times, at moments by chance, also before it is ready. What helpers/feed-trial.ts says is held; here, that those behind
// the NAT went through it.
//
// FEED_KILLS=10 is a look.

import { FeedAccounts } from '../helpers/feed-accounts.ts'
import { runFeedTrial, trialAccounts } from '../helpers/feed-trial.ts'
import { foreign } from '../helpers/foreign.ts'
import { forwardLoopback } from '../helpers/namespaces.ts'
import { countLeaving, startHomes } from '../helpers/nats.ts'
import { seedOf } from '../helpers/seed.ts'
import { PUBSUB } from '../helpers/serve-pubsub.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const KILLS = Number(process.env['FEED_KILLS'] ?? 100)
const SUBSCRIBERS = 50
const AWAY = 10
/** The first. */
const BEHIND_NAT = 5

for (const kind of [prosody, ejabberd]) {
  const test = foreign(`feeds that are killed behind ${kind.name}`, ['namespaces', 'nftables', ...kind.needs])

  test.serial(`50 subscribers have every file once, though the service is killed ${KILLS} times, behind ${kind.name}`, async (t) => {
    t.timeout(1_500_000)
    const { centre, homes } = await startHomes(t, 1)
    const [home] = homes
    if (!home) throw new Error('there is no home')
    const server = await kind.start({ accounts: trialAccounts(SUBSCRIBERS), components: [PUBSUB], on: centre })
    t.teardown(() => server[Symbol.asyncDispose]())
    const left = await countLeaving(home, server.client.port)
    const enter = async (on: typeof centre) => new FeedAccounts(t, server, { on, port: await forwardLoopback(t, on, server.client) })
    const [owner, near, far] = [await enter(centre), await enter(centre), await enter(home.host)]
    const { opened, lives, ...trial } = await runFeedTrial(t, server, {
      ...{ seed: seedOf(t), kills: KILLS, subscribers: SUBSCRIBERS, away: AWAY },
      ...{ owner, home: (at) => (at < BEHIND_NAT ? far : near), on: centre },
    })
    const accounts = new Set(
      trialAccounts(SUBSCRIBERS)
        .slice(1, 1 + BEHIND_NAT)
        .map((local) => `${local}@${server.domain}`),
    )
    const through = opened.filter(({ account }) => accounts.has(account))
    const connections = await left()
    t.log({ ...trial, throughNat: through.length, connections })
    t.log(`killed: ${lives.join('; ')}`)
    // Whoever is behind the NAT can be reached by nobody, and reaches the owner at addresses beyond it.
    t.deepEqual([...new Set(through.map(({ method }) => method))], ['direct'])
    t.deepEqual(
      through.filter(({ host = '' }) => !host.startsWith('65.65.')),
      [],
    )
    t.true(connections >= through.length, 'fewer connections have left the home than files have come there')
    t.is(new Set(through.map(({ account }) => account)).size, BEHIND_NAT)
    t.true(connections >= BEHIND_NAT * trial.files, 'somebody in the home has a file that did not come through the NAT')
  })
}
