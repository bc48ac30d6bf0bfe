// Goal: whatever `serve` acknowledged or told of is there after kill -9, whenever that comes. Method: it publishes behind a server, and is
// killed a hundred times, after a number of requests, answers or notifications by chance; then what it keeps is held against what it said.

import { foreign } from '../helpers/foreign.ts'
import { killWhilePublishing } from '../helpers/pubsub-kills.ts'
import { seedOf } from '../helpers/seed.ts'
import { PUBSUB } from '../helpers/serve-pubsub.ts'
import { prosody } from '../helpers/server.ts'

const KILLS = 100

const test = foreign('publish-subscribe that is killed behind Prosody', prosody.needs)

test('killed 100 times while somebody publishes, nothing acknowledged is lost, and nobody was told of what is not stored', async (t) => {
  t.timeout(1_200_000)
  await using server = await prosody.start({ accounts: ['hamlet', 'francisco'], components: [PUBSUB] })
  const { acknowledged, told, stored, unanswered } = await killWhilePublishing(t, server, { kills: KILLS, seed: seedOf(t) })
  t.log(`${acknowledged} acknowledged, ${told} told of, ${stored} stored, of which ${unanswered} were not answered any more`)
  t.true(acknowledged > KILLS && told > KILLS)
})
