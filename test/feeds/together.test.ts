// Goal: several watches of one client on the same feed take nothing from each other.
// Method: the embedded server with our own service, with queues and without; what the service still keeps afterwards.

import test, { type ExecutionContext } from 'ava'
import type { Watch } from '../../src/feeds/index.ts'
import { type Announcement, buildAnnouncement, feedOptions } from '../../src/xep/index.ts'
import { type FeedsClient, nextOf, startFeeds, startFeedsWithQueues } from '../helpers/feeds.ts'

const NODE = 'pictures'

async function publish({ pubsub, client }: FeedsClient, id: string, routingKey?: string): Promise<void> {
  const file = { name: 'picture.png', sizeBytes: 100, hashes: [{ algo: 'sha-256', value: Buffer.alloc(32, 7) }] }
  const announcement: Announcement = { id, owner: client.jid, protocols: ['jingle'], state: 'available', file, routingKey }
  await pubsub.publish(NODE, { id, payload: buildAnnouncement(announcement) })
}

/** How much is in the queue of whoever watches: to be handed over, or not acknowledged. */
async function keptFor({ pubsub }: FeedsClient): Promise<number> {
  let count = 0
  for await (const { waiting, handed } of pubsub.waiting(NODE)) count += waiting + handed
  return count
}

const nextId = async (watch: Watch) => (await nextOf(watch, 'announced')).announcement.id

async function meet(t: ExecutionContext, start = startFeedsWithQueues) {
  const network = await start(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  return { ci, wall }
}

/** Watches for each of some keys, when the service knows of all of them. */
async function watchBoth({ feeds, pubsub }: FeedsClient, keys: readonly [string, string]): Promise<readonly [Watch, Watch]> {
  await pubsub.subscribe(NODE, { settings: { [feedOptions.queue]: true, [feedOptions.keys]: ['nothing'] } })
  const watches = keys.map((key) => feeds.watch([NODE], { keys: [key] })) as [Watch, Watch]
  for (;;) {
    const { fields } = await pubsub.settings(NODE)
    const known = fields.find((field) => field.var === feedOptions.keys)?.values ?? []
    if (keys.every((key) => known.includes(key))) return watches
  }
}

test('each is told of what it wants, and what it does not want is not acknowledged for another', async (t) => {
  const { ci, wall } = await meet(t)
  const [linux, mac] = await watchBoth(wall, ['linux.*', 'mac.*'])
  await publish(ci, 'one', 'linux.amd64')
  t.is(await nextId(linux), 'one')
  await wall.pubsub.describe()
  t.is(await keptFor(ci), 1)
  await publish(ci, 'two', 'mac.arm64')
  t.is(await nextId(mac), 'two')
  const next = nextId(linux)
  await publish(ci, 'three', 'linux.arm64')
  t.is(await next, 'three')
  await wall.pubsub.describe()
  t.is(await keptFor(ci), 2)
  await Promise.all([linux.return(), mac.return()])
  const again = wall.feeds.watch([NODE])
  t.deepEqual([await nextId(again), await nextId(again)].sort(), ['three', 'two'])
})

test('what several want is acknowledged when all of them are done, and not while one of them has not asked for more', async (t) => {
  const { ci, wall } = await meet(t)
  const [linux, arm] = await watchBoth(wall, ['linux.*', '*.arm64'])
  await publish(ci, 'one', 'linux.arm64')
  t.deepEqual([await nextId(linux), await nextId(arm)], ['one', 'one'])
  const next = nextId(linux)
  await wall.pubsub.describe()
  t.is(await keptFor(ci), 1)
  await arm.return()
  await publish(ci, 'two', 'linux.amd64')
  t.is(await next, 'two')
  await linux.stop()
  const again = wall.feeds.watch([NODE])
  t.deepEqual([await nextId(again), await nextId(again)].sort(), ['one', 'two'], 'one was left with it')
})

test('where this client alone is subscribed, the first that ends leaves the others their subscription, the last ends it', async (t) => {
  const { ci, wall } = await meet(t, startFeeds)
  const subscribers = async () => {
    const jids: string[] = []
    for await (const { jid } of ci.pubsub.subscribers(NODE)) jids.push(jid)
    return jids
  }
  await publish(ci, 'one')
  const [first, second] = [wall.feeds.watch([NODE]), wall.feeds.watch([NODE, NODE])]
  t.deepEqual([await nextId(first), await nextId(second)], ['one', 'one'])
  await first.return()
  const next = nextId(second)
  await publish(ci, 'two')
  t.is(await next, 'two')
  await second.return()
  t.deepEqual(await subscribers(), [])
})
