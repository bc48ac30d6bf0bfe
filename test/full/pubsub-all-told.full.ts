// Goal: as test/component/pubsub/all-told.test.ts, with 10,000 subscribers of one node, and 100 publishes to 100 at once.

import { CROWD, PubsubCrowd } from '../helpers/pubsub-crowd.ts'
import { dataFolder, PUBSUB } from '../helpers/serve-pubsub.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'crowds of subscribers', { components: [PUBSUB, CROWD] }, (test) => {
    test('10,000 subscribers, 10 publishes, then 100 publishes to 100: each is told of each, once', async (t, server) => {
      t.timeout(300_000)
      const crowd = await PubsubCrowd.enter(t, server, await dataFolder(t))
      await crowd.node('large', 10_000)
      await Promise.all(Array.from({ length: 10 }, (_, at) => crowd.publish('large', `l${at}`)))
      await crowd.told(100_000)
      await crowd.node('news', 100)
      await Promise.all(Array.from({ length: 100 }, (_, at) => crowd.publish('news', `n${at}`)))
      await crowd.told(110_000)
      await crowd.isQuiet()
      t.is(crowd.heard.size, 110_000)
      t.deepEqual(crowd.twice, [])
    })
  })
}
