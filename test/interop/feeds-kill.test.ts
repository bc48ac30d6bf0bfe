// Goal: what is announced while subscribers are away, or the service is gone, arrives: once. Method: an owner and three subscribers, one
// of them away, in processes of their own; the service is killed as `kill -9` does. test/full/feeds-kill.full.ts has more of all.

import { FeedAccounts } from '../helpers/feed-accounts.ts'
import { runFeedTrial, trialAccounts } from '../helpers/feed-trial.ts'
import { seedOf } from '../helpers/seed.ts'
import { PUBSUB } from '../helpers/serve-pubsub.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'

const SUBSCRIBERS = 3
const KILLS = 3

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'a feed that is killed', { accounts: trialAccounts(SUBSCRIBERS), components: [PUBSUB] }, (test) => {
    test('a file reaches three subscribers, one of them away, though the service is killed, and each fetches it once', async (t, server) => {
      const accounts = new FeedAccounts(t, server)
      const { opened: _, ...trial } = await runFeedTrial(t, server, {
        ...{ seed: seedOf(t), kills: KILLS, subscribers: SUBSCRIBERS, away: 1 },
        ...{ owner: accounts, home: () => accounts },
      })
      t.log(trial)
    })
  })
}
