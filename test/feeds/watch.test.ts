// Goal: who watches is told of what is on offer, has each file once, and asks nobody it should not ask.
// Method: the embedded server with our own publish-subscribe service, offers of ours and announcements made by hand.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import type { FeedAddress, FeedEvent, WatchInit } from '../../src/feeds/index.ts'
import { type Announcement, buildAnnouncement, buildTextEntry, feedOptions } from '../../src/xep/index.ts'
import { startCutLine } from '../helpers/cut-line.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type FeedsClient, nextOf, startFeeds, startFeedsWithQueues } from '../helpers/feeds.ts'
import { makeFile, makeFolder, storedIn } from '../helpers/transfers.ts'

const NODE = 'pictures'
const way = { method: 'direct' } as const

/** An announcement made by hand. */
function announcement(owner: string, given: Partial<Announcement> = {}): Announcement {
  const file = { name: 'picture.png', sizeBytes: 100, hashes: [{ algo: 'sha-256', value: Buffer.alloc(32, 7) }] }
  return { id: 'by-hand', owner, protocols: ['jingle', 'si'], state: 'available', file, ...given }
}

async function publish({ pubsub }: FeedsClient, ...announcements: readonly Announcement[]): Promise<void> {
  for (const each of announcements) await pubsub.publish(NODE, { id: each.id, payload: buildAnnouncement(each) })
}

test('what is there when watching begins is fetched, as is what comes, and each file once', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const into = await makeFolder(t)
  const [old, young] = [await makeFile(t, 1_000, 'old.png'), await makeFile(t, 2_000, 'young.png')]
  await ci.feeds.offer(NODE, old.path)
  const watch = wall.feeds.watch([NODE], { into, ...way })
  t.false((await nextOf(watch, 'announced')).fresh)
  t.like(await nextOf(watch, 'fetched'), { sha256: old.sha256, bytes: 1_000 })
  await ci.feeds.offer(NODE, young.path)
  t.true((await nextOf(watch, 'announced')).fresh)
  t.like(await nextOf(watch, 'fetched'), { sha256: young.sha256 })
  await watch.return()
  const again = wall.feeds.watch([NODE], { into, ...way })
  const found = [await nextOf(again, 'there already', 'fetched'), await nextOf(again, 'there already', 'fetched')]
  t.deepEqual(
    found.map(({ kind }) => kind),
    ['there already', 'there already'],
  )
  t.deepEqual(await storedIn(into), ['old.png', 'young.png'])
})

test('a loop that is left ends the watch: what runs is ended, and nobody is subscribed any more', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const { path } = await makeFile(t, 64 * 1024 * 1024)
  const offer = await ci.feeds.offer(NODE, path)
  const into = await makeFolder(t)
  for await (const event of wall.feeds.watch([NODE], { into, ...way })) if (event.kind === 'fetching') break
  t.deepEqual(await storedIn(into), [])
  const subscribers = []
  for await (const { jid } of ci.pubsub.subscribers(NODE)) subscribers.push(jid)
  t.deepEqual(subscribers, [])
  await offer.withdraw()
})

test('a watch for once ends with the first file, and without a folder with the first announcement', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const { path } = await makeFile(t, 1_000)
  await ci.feeds.offer(NODE, path)
  const kinds = async (init: Parameters<typeof wall.feeds.watch>[1]) => {
    const events: FeedEvent['kind'][] = []
    for await (const { kind } of wall.feeds.watch([NODE], { once: true, ...init })) events.push(kind)
    return events
  }
  t.deepEqual(await kinds({}), ['announced'])
  t.deepEqual(await kinds({ into: await makeFolder(t), ...way }), ['announced', 'fetching', 'fetched'])
})

test('what a loop was left with, by a break or an error, is told again; what it has gone on from is not', async (t) => {
  const network = await startFeedsWithQueues(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  await wall.pubsub.subscribe(NODE, { settings: { [feedOptions.queue]: true } })
  await publish(ci, announcement(ci.client.jid, { id: 'one' }), announcement(ci.client.jid, { id: 'two' }))
  const told: string[] = []
  const look = async (init: WatchInit, leave: () => 'break' | 'go on') => {
    for await (const event of wall.feeds.watch([NODE], init)) {
      if (event.kind !== 'announced') continue
      told.push(event.announcement.id)
      if (leave() === 'break') break
    }
  }
  await look({}, () => 'break')
  const error = await t.throwsAsync(
    look({}, () => {
      throw new Error('the disk is full')
    }),
  )
  t.is(error?.message, 'the disk is full')
  await look({ once: true }, () => 'go on')
  await look({ once: true }, () => 'go on')
  t.deepEqual(told, ['one', 'one', 'one', 'two'])
})

test('what comes when a watch for once has its file is neither fetched nor acknowledged, however long the loop takes', async (t) => {
  const network = await startFeedsWithQueues(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  await wall.pubsub.subscribe(NODE, { settings: { [feedOptions.queue]: true } })
  const into = await makeFolder(t)
  const offers = []
  for (const name of ['a', 'b', 'c']) offers.push(await ci.feeds.offer(NODE, (await makeFile(t, 1_000, name)).path))
  const told: string[] = []
  for await (const event of wall.feeds.watch([NODE], { into, once: true, concurrency: 1, ...way })) {
    if (event.kind !== 'fetched') continue
    told.push(event.announcement.file.name)
    for (const { announcement } of offers) await wall.feeds.get(announcement, { into: await makeFolder(t), ...way }).done
  }
  t.is(told.length, 1)
  t.deepEqual(await storedIn(into), told)
  const again = wall.feeds.watch([NODE], { into, ...way })
  for (const _ of ['two', 'others']) told.push((await nextOf(again, 'fetched')).announcement.file.name)
  t.deepEqual(told.sort(), ['a', 'b', 'c'])
})

test('what comes while a watch stops is not fetched by it, and is told again', async (t) => {
  const network = await startFeedsWithQueues(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  await wall.pubsub.subscribe(NODE, { settings: { [feedOptions.queue]: true } })
  await publish(ci, announcement(ci.client.jid, { id: 'one' }))
  const asked: string[] = []
  const mayFetch = ({ announcement: { id } }: { announcement: Announcement }) => asked.push(id) === 0
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), mayFetch, ...way })
  await nextOf(watch, 'passed over')
  const stopped = new Promise<void>((resolve) => {
    wall.client.session.prependOnceListener('message', () => resolve(watch.stop()))
  })
  await publish(ci, announcement(ci.client.jid, { id: 'two' }))
  await stopped
  t.deepEqual(asked, ['one'])
  t.is((await nextOf(wall.feeds.watch([NODE]), 'announced')).announcement.id, 'two')
})

test('a signal ends a watch, which fails with its reason; one that is stopped just ends', async (t) => {
  const network = await startFeeds(t, ['wall'])
  const { feeds, pubsub } = await network.join('wall')
  await pubsub.create(NODE)
  const stopping = new AbortController()
  const watch = feeds.watch([NODE], { signal: stopping.signal })
  const next = watch.next()
  stopping.abort(new BytestreamError('ERR_SHUTTING_DOWN', 'we close'))
  await t.throwsAsync(next, { code: 'ERR_SHUTTING_DOWN' })
  const other = feeds.watch([NODE])
  const end = other.next()
  await other.stop()
  t.true((await end).done)
})

test('a feed that is not there fails the watch', async (t) => {
  const network = await startFeeds(t, ['wall'])
  const { feeds } = await network.join('wall')
  const error = await t.throwsAsync(feeds.watch(['nowhere']).next())
  t.like(error, { code: 'ERR_STANZA', condition: 'item-not-found' })
  await t.throwsAsync(feeds.watch([]).next(), { code: 'ERR_CONFIG' })
})

test('while its owner is away an offer is paused, and it is fetched as soon as it is announced anew', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const file = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, file.path, { keep: 'pause' })
  await publish(ci, { ...offer.announcement, owner: 'ci@localhost/gone' })
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  const paused = await nextOf(watch, 'paused')
  t.true((paused.retryMs ?? 0) > 0)
  await publish(ci, offer.announcement)
  t.is((await nextOf(watch, 'fetched')).sha256, file.sha256)
})

test('what says of itself that it is paused is not asked for until it is back, and what is withdrawn meanwhile never', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const file = await makeFile(t, 1_000)
  const first = await ci.feeds.offer(NODE, file.path, { keep: 'pause' })
  await first.pause()
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  t.like(await nextOf(watch, 'paused', 'fetching'), { kind: 'paused' })
  const second = await ci.feeds.offer(NODE, file.path)
  t.is(second.id, first.id)
  t.is((await nextOf(watch, 'fetched')).sha256, file.sha256)
  await publish(ci, announcement(ci.client.jid, { state: 'paused' }))
  await nextOf(watch, 'paused')
  await ci.pubsub.retract(NODE, 'by-hand', { isNotified: true })
  t.like(await nextOf(watch, 'withdrawn', 'fetching'), { kind: 'withdrawn' })
})

test('an id that comes again with another file is another file: both are fetched, and neither overwrites the other', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const [one, two] = [await makeFile(t, 1_000, 'same.png'), await makeFile(t, 1_000, 'same.png')]
  const offer = await ci.feeds.offer(NODE, one.path)
  const into = await makeFolder(t)
  const watch = wall.feeds.watch([NODE], { into, ...way })
  await nextOf(watch, 'fetched')
  await offer.replace(two.path)
  t.is((await nextOf(watch, 'fetched')).sha256, two.sha256)
  t.deepEqual(await readFile(join(into, 'same.png')), one.content)
  t.deepEqual(await readFile(join(into, 'same (1).png')), two.content)
})

test('a file of somebody else than whoever published it is passed over, unless that was asked for and it has a hash (XEP-0447 §6)', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall', 'desk'])
  const [ci, wall, desk] = [await network.join('ci'), await network.join('wall'), await network.join('desk')]
  const file = await makeFile(t, 1_000)
  const { announcement: owned } = await desk.feeds.offer('elsewhere', file.path)
  await ci.pubsub.create(NODE, { itemreply: 'publisher' })
  await publish(ci, owned, { ...owned, id: 'unhashed', file: { ...owned.file, name: 'other', hashes: [] } })
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  const passed = [await nextOf(watch, 'passed over'), await nextOf(watch, 'passed over')]
  t.deepEqual(
    passed.map(({ error }) => error.code),
    ['ERR_FORBIDDEN', 'ERR_FORBIDDEN'],
  )
  await watch.return()
  const trusting = wall.feeds.watch([NODE], { into: await makeFolder(t), anyOwner: true, concurrency: 1, ...way })
  const kinds = [(await nextOf(trusting, 'fetched', 'passed over')).kind, (await nextOf(trusting, 'fetched', 'passed over')).kind]
  t.deepEqual(kinds.sort(), ['fetched', 'passed over'])
})

test('what this client itself offers is not fetched by it', async (t) => {
  const network = await startFeeds(t, ['ci'])
  const ci = await network.join('ci')
  await ci.feeds.offer(NODE, (await makeFile(t, 10)).path)
  const watch = ci.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  t.is((await nextOf(watch, 'passed over', 'fetching')).kind, 'passed over')
})

test('what is too large, of another type, or not wanted by the program is passed over before its owner is asked', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  const file = { ...announcement('').file, mediaType: 'image/png' }
  await publish(
    ci,
    announcement(ci.client.jid, { id: 'huge', file: { ...file, sizeBytes: Number.MAX_SAFE_INTEGER } }),
    announcement(ci.client.jid, { id: 'text', file: { ...file, mediaType: 'text/plain' } }),
    announcement(ci.client.jid, { id: 'unwanted', file }),
  )
  const accept = { sizeBytesMax: 1_000, mediaTypes: ['image/*'] }
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), accept, mayFetch: () => false, concurrency: 1, ...way })
  const passed = new Map<string, string>()
  while (passed.size < 3) {
    const { announcement, error } = await nextOf(watch, 'passed over')
    passed.set(announcement.id, error.code)
  }
  t.deepEqual(Object.fromEntries(passed), { huge: 'ERR_FILE_TOO_LARGE', text: 'ERR_DECLINED', unwanted: 'ERR_DECLINED' })
})

test('a name is never a path, and what is there under it is not taken for the file unless it is', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const folder = await makeFolder(t)
  const into = join(folder, 'in')
  await mkdir(into)
  const file = await makeFile(t, 1_000, 'evil')
  const { announcement: owned } = await ci.feeds.offer('elsewhere', file.path)
  await ci.pubsub.create(NODE)
  await writeFile(join(folder, 'evil'), file.content)
  await writeFile(join(into, 'evil'), Buffer.alloc(1_000))
  await publish(ci, { ...owned, file: { ...owned.file, name: '../evil' } })
  const watch = wall.feeds.watch([NODE], { into, ...way })
  const fetched = await nextOf(watch, 'fetched', 'there already')
  t.deepEqual([fetched.kind, fetched.path], ['fetched', join(into, 'evil (1)')])
  t.deepEqual(await readFile(join(into, 'evil')), Buffer.alloc(1_000))
})

test('another content than was announced is not kept', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const file = await makeFile(t, 1_000)
  const { announcement: owned } = await ci.feeds.offer('elsewhere', file.path)
  await ci.pubsub.create(NODE)
  const hashes = [{ algo: 'sha-256', value: Buffer.alloc(32, 1) }]
  await publish(ci, { ...owned, file: { ...owned.file, hashes } })
  const into = await makeFolder(t)
  const watch = wall.feeds.watch([NODE], { into, ...way })
  t.true(['ERR_INTEGRITY', 'ERR_NOT_ACCEPTABLE'].includes((await nextOf(watch, 'failed')).error.code))
  t.deepEqual(await storedIn(into), [])
})

test('words on a feed are told, what is neither is passed over in silence, and other keys than are wanted are as well', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  const watch = wall.feeds.watch([NODE], { keys: ['linux.*'] })
  const heard = nextOf(watch, 'said', 'announced')
  const text = buildTextEntry({ id: 'urn:uuid:1', text: 'the disk is full', author: 'ci@localhost', updatedMs: 0 })
  await publish(ci, announcement(ci.client.jid, { routingKey: 'mac.arm64' }))
  await ci.pubsub.publish(NODE, { id: 'broken', payload: buildAnnouncement(announcement('')) })
  await ci.pubsub.publish(NODE, { id: 'words', payload: text })
  t.like(await heard, { kind: 'said', id: 'words', text: 'the disk is full' })
  await publish(ci, announcement(ci.client.jid, { id: 'second', routingKey: 'linux.amd64' }))
  t.like(await nextOf(watch, 'said', 'announced'), { kind: 'announced', announcement: { id: 'second' } })
})

test('what has expired is not fetched, and what expires while it waits is told of', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const clock = new FakeClock()
  const startMs = Date.UTC(2040, 0)
  const [ci, wall] = [await network.join('ci'), await network.join('wall', {}, { clock, now: () => startMs + clock.now() })]
  await ci.pubsub.create(NODE)
  const gone = 'ci@localhost/gone'
  await publish(ci, announcement(ci.client.jid, { id: 'old', expiresMs: startMs - 10_000 }), announcement(gone, { id: 'stays' }))
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  t.is((await nextOf(watch, 'announced')).announcement.id, 'stays')
  t.is((await nextOf(watch, 'paused')).announcement.id, 'stays')
  await publish(ci, announcement(gone, { id: 'short', expiresMs: startMs + 1_000 }))
  t.is((await nextOf(watch, 'announced')).announcement.id, 'short')
  t.is((await nextOf(watch, 'paused')).announcement.id, 'short')
  // Sooner than either owner is asked again.
  clock.advance(999)
  t.is(clock.waiting, 2)
  clock.advance(1)
  t.like(await nextOf(watch, 'expired', 'failed'), { kind: 'expired', id: 'short' })
})

test('whoever watches hears that a feed is followed: once, before anything of it, and not of one that is not there', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const { path } = await makeFile(t, 1_000)
  await ci.feeds.offer(NODE, path)
  const course: string[] = []
  const onFollowed = (feed: FeedAddress) => course.push(`followed ${feed.node} at ${feed.service}`)
  const watch = wall.feeds.watch([NODE, NODE, 'nowhere'], { onFollowed })
  const failure = (async () => {
    for await (const { kind } of watch) course.push(kind)
  })()
  await t.throwsAsync(failure, { message: /item-not-found/ })
  t.deepEqual(course, [`followed ${NODE} at ${ci.pubsub.service}`, 'announced'])
})

test('where it fails to hear that, the watch fails', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const { path } = await makeFile(t, 1_000)
  await ci.feeds.offer(NODE, path)
  const onFollowed = () => {
    throw new BytestreamError('ERR_FILE', 'the disk is full')
  }
  await t.throwsAsync(wall.feeds.watch([NODE], { onFollowed }).next(), { code: 'ERR_FILE' })
  await t.throwsAsync(wall.feeds.watch([NODE], { onFollowed: async () => onFollowed() }).next(), { code: 'ERR_FILE' })
})

test('a feed that is deleted is closed, and the watch ends with the last one', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  await ci.pubsub.create(NODE)
  const watch = wall.feeds.watch([NODE])
  const text = buildTextEntry({ id: 'urn:uuid:1', text: 'hello', author: 'ci@localhost', updatedMs: 0 })
  await ci.pubsub.publish(NODE, { payload: text })
  await nextOf(watch, 'said')
  await ci.pubsub.delete(NODE)
  t.like(await nextOf(watch, 'closed'), { node: NODE, reason: 'deleted' })
  t.true((await watch.next()).done)
})

test('what was announced while there was no connection is found afterwards', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const ci = await network.join('ci')
  const line = await startCutLine(t)
  const [, host = '', port = ''] = /^xmpp:\/\/(.+):(\d+)$/.exec(network.account('wall').service ?? '') ?? []
  line.to = { host, port: Number(port) }
  const wall = await network.join('wall', { server: `xmpp://${line.host}:${line.port}`, reconnect: true })
  const [one, two] = [await makeFile(t, 1_000, 'one.png'), await makeFile(t, 1_000, 'two.png')]
  await ci.feeds.offer(NODE, one.path)
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), ...way })
  await nextOf(watch, 'fetched')
  line.to = undefined
  line.cut()
  await ci.feeds.offer(NODE, two.path)
  line.to = { host, port: Number(port) }
  t.like(await nextOf(watch, 'fetched', 'failed'), { kind: 'fetched', sha256: two.sha256 })
  const subscribed = []
  for await (const { jid } of ci.pubsub.subscribers(NODE)) subscribed.push(jid)
  t.deepEqual(subscribed, [wall.client.jid])
})
