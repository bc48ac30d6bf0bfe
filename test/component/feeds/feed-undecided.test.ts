// Goal: a request to be subscribed that could not be decided about is not forgotten.
// Method: a feed for contacts of its owner, and rosters that cannot be asked for some time.

import test, { type ExecutionContext } from 'ava'
import { Availability } from '../../../src/component/feeds/availability.ts'
import { feedCapabilities } from '../../../src/component/feeds/feed-entity.ts'
import { FeedPresence } from '../../../src/component/feeds/feed-presence.ts'
import { BytestreamError } from '../../../src/core/index.ts'
import { MemoryPresence, MemoryStore, Pubsub } from '../../../src/pubsub/index.ts'
import { attribute, buildPresencePacket } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { keepLines } from '../../helpers/log-lines.ts'
import { scriptSession } from '../../helpers/scripted-session.ts'
import { settle } from '../../helpers/settle.ts'

const FEEDS = 'feeds.example.org'
const OWNER = 'ci@example.org'
const ACCOUNT = 'wall7@example.org'
const NEWS = `news@${FEEDS}`

async function open(t: ExecutionContext) {
  const clock = new FakeClock()
  const store = new MemoryStore()
  const pubsub = new Pubsub({ store }, { limits: {}, hasRosters: () => true })
  pubsub.create({ jid: OWNER }, { node: 'news', config: { accessModel: 'presence' } })
  const asked: string[] = []
  let canBeAsked = false
  const rosters = {
    async contacts(_: readonly string[], account: string) {
      asked.push(account)
      if (!canBeAsked) throw new BytestreamError('ERR_SESSION_CLOSED', 'the connection was lost')
      return [{ subscription: 'from' as const, groups: [] }]
    },
  }
  const serve = async () => {
    const script = await scriptSession(t, clock, FEEDS, () => 'silence')
    const availability = new Availability({ store: new MemoryPresence(), isSubscriber: () => true })
    const { logger } = keepLines()
    const components = { session: script.session, pubsub, rosters, notifications: { tell() {} }, availability, clock, logger }
    const presence = new FeedPresence(components, { jid: FEEDS, capabilities: feedCapabilities })
    t.teardown(() => presence[Symbol.dispose]())
    const say = async (kind: 'subscribe' | 'presence' | 'probe', from = ACCOUNT, keys?: readonly string[]) => {
      const value = keys && ({ type: 'selector', json: { keys } } as const)
      script.receive(buildPresencePacket({ kind, from, to: NEWS, ...(value && { value }) }))
      await settle()
    }
    return { script, say, presence }
  }
  const letAsk = () => {
    canBeAsked = true
  }
  const own = () => pubsub.subscriptions({ jid: ACCOUNT }, { node: 'news' }).found
  const keys = () => store.queueSubscriptions(pubsub.node('news').id, { after: 0, limit: 9 })[0]?.options?.keys
  return { ...(await serve()), serve, asked, letAsk, own, keys }
}

test('a request for which rosters could not be asked is decided about when its contact is heard of again, with what it wanted', async (t) => {
  const { say, asked, letAsk, own, keys, script } = await open(t)
  await say('subscribe', ACCOUNT, ['linux.*'])
  t.deepEqual([asked.length, own().length], [1, 0])
  letAsk()
  await say('presence', `${ACCOUNT}/screen`)
  t.is(own()[0]?.state, 'subscribed')
  t.deepEqual(keys(), ['linux.*'])
  t.true(script.sent.some((stanza) => attribute(stanza, 'type') === 'subscribed'))
  await say('presence', `${ACCOUNT}/screen`)
  t.is(asked.length, 2)
})

test('it is decided about when there is a connection again', async (t) => {
  const { say, letAsk, own, script } = await open(t)
  await say('subscribe')
  letAsk()
  script.session.emit('online', { jid: FEEDS })
  await settle()
  t.is(own()[0]?.state, 'subscribed')
})

test('another process decides about it, too, once its contact is heard of', async (t) => {
  const { say, letAsk, own, serve, presence } = await open(t)
  await say('subscribe')
  presence[Symbol.dispose]()
  const next = await serve()
  letAsk()
  await next.say('probe', `${ACCOUNT}/screen`)
  t.is(own()[0]?.state, 'subscribed')
})
