// Goal: whatever is announced reaches every subscriber, and is fetched once, though the service is killed at any moment. Method: 50
// subscribers, 10 of whom come when two thirds are over, 5 behind a NAT; an owner offers files while `serve --data` is killed a hundred
// times, after a number of things by chance that have happened to them.
//
// FEED_KILLS=10 is a look.

import { FeedAccounts } from '../helpers/feed-accounts.ts'
import { runFeedTrial, trialAccounts } from '../helpers/feed-trial.ts'
import { foreign } from '../helpers/foreign.ts'
import { forwardLoopback } from '../helpers/namespaces.ts'
import { startHomes } from '../helpers/nats.ts'
import { seedOf } from '../helpers/seed.ts'
import { PUBSUB, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const KILLS = Number(process.env['FEED_KILLS'] ?? 100)
/** Kills while one file is on its way. */
const KILLS_EACH = 10
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
    const enter = async (on: typeof centre) => new FeedAccounts(t, server, { on, port: await forwardLoopback(t, on, server.client) })
    const [owner, near, far] = [await enter(centre), await enter(centre), await enter(home.host)]
    const trial = await runFeedTrial(t, server, {
      ...{ seed: seedOf(t), kills: KILLS, offers: Math.ceil(KILLS / KILLS_EACH), subscribers: SUBSCRIBERS, away: AWAY },
      ...{ owner, home: (at) => (at < BEHIND_NAT ? far : near) },
      start: (context, at, directory) => servePubsub(context, at, directory, [], PUBSUB, centre),
    })
    t.log(trial)
  })
}
