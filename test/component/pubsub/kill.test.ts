import test from 'ava'
import { killWhilePublishing } from '../../helpers/pubsub-kills.ts'
import { seedOf } from '../../helpers/seed.ts'
import { PUBSUB } from '../../helpers/serve-pubsub.ts'
import { embedded } from '../../helpers/server.ts'

const KILLS = 3

test('serve that is killed while somebody publishes has what it acknowledged, and told of nothing else', async (t) => {
  await using server = await embedded.start({ accounts: ['hamlet', 'francisco'], components: [PUBSUB] })
  const { acknowledged } = await killWhilePublishing(t, server, { kills: KILLS, seed: seedOf(t) })
  t.true(acknowledged > 0)
})
