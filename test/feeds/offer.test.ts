// Goal: what is on offer is announced as long as it is to be had, and goes to whom, and as often as, its owner has said.
// Method: the embedded server with our own publish-subscribe service, whole transfers, what the feed holds afterwards.

import { once } from 'node:events'
import { rm, utimes, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { type BytestreamError, StanzaError } from '../../src/core/index.ts'
import type { Offer, OfferInit } from '../../src/feeds/index.ts'
import type { PubsubClient } from '../../src/pubsub-client/index.ts'
import { type Announcement, parseAnnouncement } from '../../src/xep/index.ts'
import { type CutLine, startCutLine } from '../helpers/cut-line.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { type FeedsClient, type FeedsNetwork, nextOf, startFeeds, startFeedsWithQueues } from '../helpers/feeds.ts'
import { meddle, refuseResources } from '../helpers/meddler.ts'
import { steadyClock } from '../helpers/steady-clock.ts'
import { makeFile, makeFolder } from '../helpers/transfers.ts'

const NODE = 'builds/nightly'

/** What a feed holds. */
async function announcedAt(pubsub: PubsubClient, node = NODE): Promise<Announcement[]> {
  const announcements: Announcement[] = []
  for await (const { payload } of pubsub.items(node)) {
    const announcement = payload && parseAnnouncement(payload)
    if (announcement) announcements.push(announcement)
  }
  return announcements
}

/**
 * Asks for an offer by its link.
 *
 * @returns the SHA-256 of what came, when its owner has counted it too; or the conditions of the answer
 */
async function get({ feeds }: FeedsClient, offer: Offer, t: ExecutionContext): Promise<string> {
  const counted = once(offer, 'finished')
  try {
    const { sha256 } = await feeds.get(offer.announcement, { into: await makeFolder(t), method: 'direct' }).done
    await counted
    return sha256
  } catch (error) {
    const { cause } = error as Error
    const { condition, stanzaError } = (cause ?? error) as StanzaError
    return [condition, stanzaError.application?.[0] ?? ''].join(' ').trim()
  }
}

/** Asks for an offer eight times at once. @returns how many of them came */
async function askAtOnce({ feeds }: FeedsClient, offer: Offer, t: ExecutionContext): Promise<number> {
  const into = await makeFolder(t)
  const asked = Array.from({ length: 8 }, (_, at) => feeds.get(offer.announcement, { into, as: `${at}`, method: 'direct' }).done)
  return (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length
}

async function meet(
  t: ExecutionContext,
  accounts = ['ci', 'wall', 'desk', 'owner'],
  start = startFeeds,
): Promise<{ network: FeedsNetwork; ci: FeedsClient; wall: FeedsClient; desk: FeedsClient }> {
  const network = await start(t, accounts)
  const [ci, wall, desk] = await Promise.all(['ci', 'wall', 'desk'].map((local) => network.join(local)))
  return { network, ci: ci as FeedsClient, wall: wall as FeedsClient, desk: desk as FeedsClient }
}

/** Where an account finds its server. */
function serverOf(network: FeedsNetwork, local: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^xmpp:\/\/(.+):(\d+)$/.exec(network.account(local).service ?? '') ?? []
  return { host, port: Number(port) }
}

/** Somebody whose line to the server can be held: as long as it is, what is sent to them does not come to its end. */
async function joinByLine(t: ExecutionContext, network: FeedsNetwork): Promise<{ slow: FeedsClient; line: CutLine }> {
  const line = await startCutLine(t)
  line.to = serverOf(network, 'owner')
  return { line, slow: await network.join('owner', { server: `xmpp://${line.host}:${line.port}` }) }
}

test('an announcement is an item with the id of the offer, and says what the file is', async (t) => {
  const { ci } = await meet(t)
  const file = await makeFile(t, 1_234, 'image.iso')
  const offer = await ci.feeds.offer(NODE, file.path, {
    ...{ description: 'nightly', mimeType: 'image/x', routingKey: 'linux.amd64', forMs: 3_600_000, downloadsMax: 5, atOnceMax: 2 },
    hashes: ['sha-256', 'blake2b-512'],
  })
  const [announcement] = await announcedAt(ci.pubsub)
  t.like(announcement, {
    ...{ id: offer.id, owner: ci.client.jid, protocols: ['jingle', 'si'], state: 'available' },
    ...{ routingKey: 'linux.amd64', downloadsMax: 5, atOnceMax: 2 },
    file: { name: 'image.iso', sizeBytes: 1_234, mediaType: 'image/x', description: 'nightly' },
  })
  t.deepEqual(announcement?.file.hashes.map(({ algo }) => algo).sort(), ['blake2b-512', 'sha-256'])
  t.is(announcement?.file.hashes.find(({ algo }) => algo === 'sha-256')?.value.toString('hex'), file.sha256)
  const expiresMs = announcement?.expiresMs ?? 0
  t.true(Math.abs(expiresMs - Date.now() - 3_600_000) < 60_000)
})

test('an offer for two downloads ends with the second, and whoever asks then hears that it is used up', async (t) => {
  const { ci, wall, desk } = await meet(t)
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path, { downloadsMax: 2 })
  t.is(await get(wall, offer, t), sha256)
  t.is(offer.downloads, 1)
  t.is(await get(desk, offer, t), sha256)
  t.like(await offer.done, { reason: 'used up', downloads: 2 })
  t.is(await get(wall, offer, t), 'not-acceptable used-up')
})

test('while as many download as may at once, others are told to wait, and may afterwards', async (t) => {
  const { network, ci, desk } = await meet(t)
  const { slow, line } = await joinByLine(t, network)
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path, { atOnceMax: 1 })
  const [begun, counted] = [once(offer, 'started'), once(offer, 'finished')]
  const first = slow.feeds.get(offer.announcement, { into: await makeFolder(t), method: 'direct' })
  await begun
  const release = line.hold()
  t.is(await get(desk, offer, t), 'resource-constraint')
  release()
  await first.done
  await counted
  t.is(await get(desk, offer, t), sha256)
})

test('who asks many times at once has no more than may be had at once, nor more than may be had in all', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000_000)
  const offer = await ci.feeds.offer(NODE, path, { downloadsMax: 2, atOnceMax: 1 })
  let mostAtOnce = 0
  let begun = 0
  offer.on('started', () => {
    begun += 1
    mostAtOnce = Math.max(mostAtOnce, offer.running.size)
  })
  let came = 0
  while (!offer.end) came += await askAtOnce(wall, offer, t)
  t.deepEqual([came, mostAtOnce, begun], [2, 1, 2])
  t.like(await offer.done, { reason: 'used up', downloads: 2 })
})

test('what was granted and does not begin is free for others at once, and takes nothing from another that was granted', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path, { atOnceMax: 2 })
  const ask = () => offer.grant({ from: wall.client.jid, id: offer.id, protocol: 'jingle' })
  const [first] = [await ask(), await ask()]
  await t.throwsAsync(ask(), { code: 'ERR_OFFER_BUSY' })
  first.onNotBegun?.()
  first.onNotBegun?.()
  await ask()
  await t.throwsAsync(ask(), { code: 'ERR_OFFER_BUSY' })
})

test('what is withdrawn is gone from the feed, subscribers hear of it, and it cannot be had', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  const watch = wall.feeds.watch([NODE])
  t.is((await nextOf(watch, 'announced')).announcement.id, offer.id)
  await offer.withdraw()
  t.like(await nextOf(watch, 'withdrawn'), { id: offer.id, node: NODE })
  t.deepEqual(await announcedAt(ci.pubsub), [])
  t.like(await offer.done, { reason: 'withdrawn', downloads: 0 })
  t.is(await get(wall, offer, t), 'not-acceptable withdrawn')
})

test('what has expired is gone from the feed, and whoever asks hears that it has', async (t) => {
  const { network, wall } = await meet(t)
  const clock = new FakeClock()
  const { feeds, pubsub } = await network.join('ci', {}, { clock })
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await feeds.offer(NODE, path, { forMs: 60_000 })
  clock.advance(59_000)
  t.is(await get(wall, offer, t), sha256)
  clock.advance(1_000)
  t.like(await offer.done, { reason: 'expired', downloads: 1 })
  t.is(await get(wall, offer, t), 'not-acceptable expired')
  await feeds.close()
  t.deepEqual(await announcedAt(pubsub), [])
})

test('an id under which nothing was ever offered is not acceptable (XEP-0358 §2.2)', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  const other = { ...offer.announcement, id: 'never' }
  await t.throwsAsync(wall.feeds.get(other, { into: await makeFolder(t) }).done, { code: 'ERR_NOT_ACCEPTABLE' })
})

test('a file for certain accounts is forbidden to others, and not to those of a domain that is named', async (t) => {
  const { ci, wall, desk } = await meet(t)
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path, { to: ['wall@localhost'] })
  const refused = once(offer, 'refused')
  t.is(await get(wall, offer, t), sha256)
  t.is(await get(desk, offer, t), 'forbidden')
  const [{ from, error }] = await refused
  t.deepEqual([from, error.code], [desk.client.jid, 'ERR_FORBIDDEN'])
  t.is(await get(desk, await ci.feeds.offer(NODE, path, { to: ['localhost'] }), t), sha256)
})

test('who may see an open node may have what is announced there: all but outcasts, from one moment to the next', async (t) => {
  const { ci, wall } = await meet(t)
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  t.is(await get(wall, offer, t), sha256)
  await ci.pubsub.setAffiliates(NODE, [{ jid: 'wall@localhost', affiliation: 'outcast' }])
  t.is(await get(wall, offer, t), 'forbidden')
  await ci.pubsub.setAffiliates(NODE, [{ jid: 'wall@localhost', affiliation: 'none' }])
  t.is(await get(wall, offer, t), sha256)
})

test('at a node for members, members and subscribers may have it, and nobody else', async (t) => {
  const { ci, wall, desk } = await meet(t)
  await ci.pubsub.create(NODE, { access_model: 'whitelist' })
  await ci.pubsub.setAffiliates(NODE, [{ jid: 'wall@localhost', affiliation: 'member' }])
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  t.deepEqual(await Promise.all([get(wall, offer, t), get(desk, offer, t)]), [sha256, 'forbidden'])
})

test('a subscription from the time when a node was open lets nobody in who is no member', async (t) => {
  const { ci, wall, desk } = await meet(t)
  await ci.pubsub.create(NODE, { access_model: 'open' })
  await wall.pubsub.subscribe(NODE)
  await ci.pubsub.configure(NODE, { access_model: 'whitelist' })
  await ci.pubsub.setAffiliates(NODE, [{ jid: 'desk@localhost', affiliation: 'member' }])
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  t.deepEqual([await get(wall, offer, t), await get(desk, offer, t)], ['forbidden', sha256])
})

test('at a node that belongs to somebody else, whoever knows the id may have it', async (t) => {
  const { ci, wall, desk } = await meet(t)
  await desk.pubsub.create(NODE, { publish_model: 'open', access_model: 'open' })
  const { path, sha256 } = await makeFile(t, 1_000)
  t.is(await get(wall, await ci.feeds.offer(NODE, path), t), sha256)
})

test('our service tells also who only publishes at a node who is shut out, and who has been let in', async (t) => {
  const { network, wall, desk } = await meet(t, undefined, startFeedsWithQueues)
  const owner = await network.join('owner')
  await owner.pubsub.create(NODE, { publish_model: 'publishers', access_model: 'open' })
  await owner.pubsub.setAffiliates(NODE, [
    { jid: 'desk@localhost', affiliation: 'publisher' },
    { jid: 'wall@localhost', affiliation: 'outcast' },
  ])
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await desk.feeds.offer(NODE, path)
  t.is(await get(wall, offer, t), 'forbidden')
  await owner.pubsub.setAffiliates(NODE, [{ jid: 'wall@localhost', affiliation: 'none' }])
  t.is(await get(wall, offer, t), sha256)
  await owner.pubsub.configure(NODE, { access_model: 'whitelist' })
  t.is(await get(wall, offer, t), 'forbidden')
  await owner.pubsub.setAffiliates(NODE, [{ jid: 'desk@localhost', affiliation: 'outcast' }])
  t.is(await get(wall, offer, t), 'forbidden', 'its owner may not know any more')
})

test('a file that is changed, or gone, is offered no more, and says why', async (t) => {
  const { ci, wall } = await meet(t)
  const changed = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, changed.path)
  await writeFile(changed.path, 'something else')
  await utimes(changed.path, 1_000_000, 1_000_000)
  t.is(await get(wall, offer, t), 'not-acceptable withdrawn')
  const end = await offer.done
  t.deepEqual([end.reason, end.error?.code], ['changed', 'ERR_INTEGRITY'])
  const gone = await makeFile(t, 1_000)
  const second = await ci.feeds.offer(NODE, gone.path)
  await rm(gone.path)
  t.is(await get(wall, second, t), 'not-acceptable withdrawn')
  t.is((await second.done).error?.code, 'ERR_FILE')
  await ci.feeds.close()
  t.deepEqual(await announcedAt(wall.pubsub), [])
})

test('another file in its place has the same id, is announced anew, and is what comes', async (t) => {
  const { ci, wall } = await meet(t)
  const [first, second] = [await makeFile(t, 1_000, 'one.bin'), await makeFile(t, 2_000, 'two.bin')]
  const offer = await ci.feeds.offer(NODE, first.path, { downloadsMax: 1 })
  const watch = wall.feeds.watch([NODE])
  await nextOf(watch, 'announced')
  await offer.replace(second.path)
  t.like(await nextOf(watch, 'announced'), { announcement: { id: offer.id, file: { name: 'two.bin' } } })
  t.is((await announcedAt(ci.pubsub)).length, 1)
  t.is(await get(wall, offer, t), second.sha256)
  await offer.done
  await t.throwsAsync(offer.replace(first.path), { code: 'ERR_OFFER_USED_UP' })
})

test('a download of the file before counts for that one, also when it ends after another has taken its place', async (t) => {
  const { network, ci, wall } = await meet(t)
  const { slow, line } = await joinByLine(t, network)
  const [first, second] = [await makeFile(t, 1_000, 'one.bin'), await makeFile(t, 2_000, 'two.bin')]
  const offer = await ci.feeds.offer(NODE, first.path, { downloadsMax: 1 })
  const [begun, finished] = [once(offer, 'started'), once(offer, 'finished')]
  const old = slow.feeds.get(offer.announcement, { into: await makeFolder(t), method: 'direct' })
  await begun
  const release = line.hold()
  await offer.replace(second.path)
  release()
  t.is((await old.done).sha256, first.sha256)
  await finished
  t.deepEqual([offer.end, offer.downloads], [undefined, 0])
  t.is(await get(wall, offer, t), second.sha256)
  t.like(await offer.done, { reason: 'used up', downloads: 1 })
})

test('what was granted before the offer was withdrawn, and has not begun, does not begin', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  const { signal } = await offer.grant({ from: wall.client.jid, id: offer.id, protocol: 'jingle' })
  t.false(signal?.aborted)
  await offer.withdraw()
  t.is((signal?.reason as BytestreamError | undefined)?.code, 'ERR_OFFER_WITHDRAWN')
})

test('contacts are told of what they may have: on a feed that is open, or where it is said whom a file is for', async (t) => {
  const { ci } = await meet(t)
  const { path } = await makeFile(t, 10)
  const outcome = async (node: string, init: OfferInit = {}) =>
    await ci.feeds.offer(node, path, { onPep: true, ...init }).then(
      () => 'offered',
      ({ code }: BytestreamError) => code,
    )
  await ci.pubsub.create('members', { access_model: 'whitelist' })
  await ci.pubsub.create('all', { access_model: 'open' })
  t.is(await outcome('members'), 'ERR_CONFIG')
  // The server of these tests has no such nodes (XEP-0163): so far it comes, and leaves nothing behind on the feed.
  t.is(await outcome('members', { to: ['localhost'] }), 'ERR_STANZA')
  t.is(await outcome('all'), 'ERR_STANZA')
  t.is(await outcome('new'), 'ERR_STANZA')
  for (const node of ['members', 'all', 'new']) t.deepEqual(await announcedAt(ci.pubsub, node), [])
  t.deepEqual(ci.feeds.offers, [])
})

test('the same file offered twice is two offers, each with its own end', async (t) => {
  const { ci, wall } = await meet(t)
  const { path, sha256 } = await makeFile(t, 1_000)
  const [one, other] = [await ci.feeds.offer(NODE, path), await ci.feeds.offer(NODE, path)]
  t.not(one.id, other.id)
  await one.withdraw()
  t.deepEqual(
    (await announcedAt(ci.pubsub)).map(({ id }) => id),
    [other.id],
  )
  t.is(await get(wall, other, t), sha256)
})

test('who comes back takes over what it has left announced, unless another client of the account still has it', async (t) => {
  const { network, ci, wall } = await meet(t)
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path, { keep: 'pause' })
  const second = await network.join('ci', { clock: steadyClock() })
  const beside = await second.feeds.offer(NODE, path)
  t.not(beside.id, offer.id)
  await beside.withdraw()
  await ci.feeds.close()
  t.like(await announcedAt(ci.pubsub), [{ id: offer.id, state: 'paused' }])
  await ci.client.close()
  const again = await second.feeds.offer(NODE, path)
  t.is(again.id, offer.id)
  t.like(await announcedAt(second.pubsub), [{ id: offer.id, state: 'available', owner: second.client.jid }])
  t.is(await get(wall, again, t), sha256)
})

/** A file on offer whose owner has a line of its own to the server, that of `meddling`. */
async function offerByLine(t: ExecutionContext, meddling: Parameters<typeof meddle>[2] = {}) {
  const { network, wall } = await meet(t)
  const line = await meddle(t, serverOf(network, 'ci'), meddling)
  const { client, feeds } = await network.join('ci', { server: `xmpp://${line.host}:${line.port}`, reconnect: true })
  const { path, sha256 } = await makeFile(t, 1_000)
  const offer = await feeds.offer(NODE, path)
  const watch = wall.feeds.watch([NODE], { into: await makeFolder(t), method: 'direct' })
  await nextOf(watch, 'fetched')
  return { wall, client, offer, sha256, cut: () => line.link.client.resetAndDestroy() }
}

test('an offer is to be had at the address that was announced after its connection was lost, and is not announced again', async (t) => {
  const { wall, client, offer, sha256, cut } = await offerByLine(t)
  offer.on('announced', () => t.fail('announced'))
  const before = client.jid
  const back = once(client.session, 'online')
  cut()
  await back
  t.is(client.jid, before)
  t.is(await get(wall, offer, t), sha256)
  t.like(await announcedAt(wall.pubsub), [{ id: offer.id, owner: before }])
})

test('an offer is announced again under the address its client has after its connection was lost, where it is another', async (t) => {
  const { wall, client, offer, sha256, cut } = await offerByLine(t, refuseResources)
  const before = client.jid
  const announced = once(offer, 'announced')
  cut()
  await announced
  t.not(client.jid, before)
  t.like(await announcedAt(wall.pubsub), [{ id: offer.id, owner: client.jid }])
  t.is(await get(wall, offer, t), sha256)
})

test('feeds that are closed leave nothing behind, and nothing is to be had any more', async (t) => {
  const { ci, wall } = await meet(t)
  const { path } = await makeFile(t, 1_000)
  const offer = await ci.feeds.offer(NODE, path)
  await ci.feeds.close()
  t.like(await offer.done, { reason: 'withdrawn' })
  t.deepEqual(await announcedAt(ci.pubsub), [])
  t.deepEqual(ci.feeds.offers, [])
  t.is(await get(wall, offer, t), 'service-unavailable')
})

test('what cannot be announced is not on offer: a file that is not there, a feed of somebody else, a limit that lets nobody in', async (t) => {
  const { ci, desk } = await meet(t)
  await t.throwsAsync(ci.feeds.offer(NODE, '/no/such/file'), { code: 'ERR_FILE' })
  const { path } = await makeFile(t, 10)
  await t.throwsAsync(ci.feeds.offer(NODE, path, { downloadsMax: 0 }), { code: 'ERR_CONFIG' })
  await t.throwsAsync(ci.feeds.offer('', path), { code: 'ERR_CONFIG' })
  await t.throwsAsync(ci.feeds.offer(NODE, path, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
  await desk.pubsub.create('theirs')
  const error = await t.throwsAsync(ci.feeds.offer('theirs', path), { instanceOf: StanzaError })
  t.is(error.condition, 'forbidden')
  t.deepEqual(ci.feeds.offers, [])
})
