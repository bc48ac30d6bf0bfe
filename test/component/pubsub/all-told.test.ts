// Goal: everybody who is subscribed is told once, however much is told at once, also when the XMPP server is gone meanwhile.
// Method: real servers; a component counts what comes for each of its addresses. test/full/pubsub-all-told.full.ts has larger crowds.

import { once } from 'node:events'
import ava from 'ava'
import type { SessionEvents } from '../../../src/session/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { foreign } from '../../helpers/foreign.ts'
import { CROWD, PubsubCrowd } from '../../helpers/pubsub-crowd.ts'
import { dataFolder, PUBSUB } from '../../helpers/serve-pubsub.ts'
import { ejabberd, embeddedProcess, prosody } from '../../helpers/server.ts'

const components = [PUBSUB, CROWD]

for (const kind of [embeddedProcess, prosody, ejabberd]) {
  const test = kind.needs.length === 0 ? ava : foreign(`everybody is told, on ${kind.name}`, kind.needs)

  test(`each of many publishes at once reaches each of many subscribers once, on ${kind.name}`, async (t) => {
    await using server = await kind.start({ components })
    const crowd = await PubsubCrowd.enter(t, server, await dataFolder(t))
    await crowd.node('news', 100)
    await crowd.node('large', 1_000)
    const ids = Array.from({ length: 20 }, (_, at) => `i${at}`)
    await Promise.all([...ids.map((id) => crowd.publish('news', id)), crowd.publish('large', 'all')])
    await crowd.told(3_000)
    await crowd.isQuiet()
    t.is(crowd.heard.size, 3_000)
    t.deepEqual(crowd.twice, [])
  })

  test(`what is published while the server is gone is told when it is back, in its order, on ${kind.name}`, async (t) => {
    await using server = await kind.start({ components })
    const clock = new FakeClock()
    const crowd = await PubsubCrowd.enter(t, server, await dataFolder(t), clock)
    await crowd.node('news', 100)
    await crowd.publish('news', 'before')
    await crowd.told(100)
    const [lost, away] = [once(crowd.session, 'offline'), once(crowd.crowd, 'offline')]
    await server.kill()
    const [{ retryMs }] = (await lost) as SessionEvents['offline']
    await away
    for (const id of ['a', 'b', 'c']) await crowd.publishHere('news', id)
    t.is(crowd.whole.notifications?.counts.waiting, 3)
    const back = once(crowd.crowd, 'online')
    await server.start()
    await back
    clock.advance(retryMs)
    await crowd.told(400)
    await crowd.isQuiet()
    t.is(crowd.heard.size, 400)
    t.deepEqual(crowd.twice, [])
    t.deepEqual(
      [...crowd.heard.keys()].filter((key) => key.startsWith('u7@')),
      ['before', 'a', 'b', 'c'].map((id) => `u7@${CROWD} ${id}`),
    )
  })
}
