// Goal: what is asked for by its id comes from its owner, under the id it answered with, and nothing else comes that way; there are bounds;
// whatever ends early ends on both sides, and can go on.
// Method: our two ends on the embedded server; owners by hand in raw XML where they do what ours does not.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import test from 'ava'
import { BytestreamError } from '../../../src/core/index.ts'
import type { Published, StartRequest, Transfer, TransferClientComponents } from '../../../src/transfer/index.ts'
import { HandClient } from '../../helpers/by-specification.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { publishing } from '../../helpers/publishing.ts'
import { embedded } from '../../helpers/server.ts'
import { filesIn, makeFile, makeFolder, moved, storedIn } from '../../helpers/transfers.ts'
import { networkOn } from '../../helpers/xmpp-network.ts'

const SI_OFFER = (sid: string) =>
  `<si xmlns='http://jabber.org/protocol/si' id='${sid}' profile='http://jabber.org/protocol/si/profile/file-transfer'>` +
  `<file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='other.bin' size='3'/>` +
  `<feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data' type='form'><field var='stream-method' ` +
  `type='list-single'><option><value>http://jabber.org/protocol/ibb</value></option></field></x></feature></si>`

const JINGLE_OFFER = (sid: string) =>
  `<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='${sid}'><content creator='initiator' name='a' senders='initiator'>` +
  `<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>other.bin</name><size>3</size></file></description>` +
  `<transport xmlns='urn:xmpp:jingle:transports:ibb:1' sid='${sid}-stream' block-size='4096'/></content></jingle>`

const conditionOf = (answer: { toString(): string }) =>
  /type="error"/.test(String(answer)) && /<([a-z-]+) xmlns="urn:ietf/.exec(String(answer))?.[1]

async function byHand(t: Parameters<typeof makeFile>[0], components?: TransferClientComponents) {
  const started = await embedded.start({ accounts: ['ours', 'theirs', 'stranger'], components: [] })
  t.teardown(() => started[Symbol.asyncDispose]())
  const ours = await networkOn(t, started).connect('ours', {}, components)
  const theirs = await HandClient.logIn(t, started, 'theirs')
  const stranger = await HandClient.logIn(t, started, 'stranger')
  const into = await makeFolder(t)
  const obtain = (protocol: 'jingle' | 'si') => ours.obtain({ from: theirs.jid, id: 'one', into, protocol, ownHosts: ['127.0.0.1'] })
  return { ours, theirs, stranger, into, obtain }
}

for (const [protocol, offer, refusal] of [
  ['jingle', JINGLE_OFFER, 'service-unavailable'],
  ['si', SI_OFFER, 'bad-request'],
] as const) {
  test(`by ${protocol}, a session of somebody else under the same id, and another one of the owner, are refused as ever`, async (t) => {
    const { ours, theirs, stranger, into, obtain } = await byHand(t)
    const transfer = obtain(protocol)
    await theirs.started(protocol, 'a0')
    t.is(conditionOf(await stranger.ask('set', ours.jid, offer('a0'))), refusal)
    t.is(conditionOf(await theirs.ask('set', ours.jid, offer('a1'))), refusal)
    const content = Buffer.from('right')
    if (protocol === 'jingle') await theirs.giveByJingle(ours.jid, 'a0', content, 'ibb')
    else await theirs.giveBySi(ours.jid, 'a0', content, 'ibb')
    t.true(content.equals(await readFile((await transfer.done).path)))
    t.is(conditionOf(await theirs.ask('set', ours.jid, offer('a2'))), refusal)
    t.deepEqual(await filesIn(into), ['by hand.bin'])
  })

  test(`by ${protocol}, what the owner begins in the same chunk as its answer is what was asked for`, async (t) => {
    const { ours, theirs, obtain } = await byHand(t)
    const transfer = obtain(protocol)
    const asked = await theirs.next('start', protocol === 'jingle' ? 'urn:xmpp:jinglepub:1' : 'http://jabber.org/protocol/sipub')
    const answered = theirs.together(() => {
      theirs.answer(asked, `<starting xmlns='${asked.payload.getNS()}' sid='a0'/>`)
      return theirs.ask('set', ours.jid, offer('a0'))
    })
    t.false(conditionOf(await answered))
    transfer.cancel()
    await t.throwsAsync(transfer.done, { code: 'ERR_ABORTED' })
  })
}

for (const protocol of ['jingle', 'si'] as const) {
  test(`by ${protocol}, an owner that says that it begins, and does not, is waited for two minutes`, async (t) => {
    const clock = new FakeClock()
    const { theirs, obtain } = await byHand(t, { clock })
    const transfer = obtain(protocol)
    const granted = new Promise((resolve) => transfer.on('step', ({ step }) => step === 'accepted' && resolve(undefined)))
    await theirs.started(protocol, 'a0')
    await granted
    clock.advance(119_000)
    t.is(transfer.state, 'negotiating')
    clock.advance(1_000)
    await t.throwsAsync(transfer.done, { code: 'ERR_TIMEOUT', message: /has not begun to send the file within 120 s/ })
  })
}

test('two that are asked of one owner at once do not mix, whichever it begins first', async (t) => {
  const { ours, theirs, into } = await byHand(t)
  const [one, two] = ['one', 'two'].map((id) => ours.obtain({ from: theirs.jid, id, into, as: id, ownHosts: [] })) as [Transfer, Transfer]
  const first = await theirs.started('jingle', 'sid-1')
  const second = await theirs.started('jingle', 'sid-2')
  await theirs.giveByJingle(ours.jid, 'sid-2', Buffer.from(second.id), 'ibb')
  await theirs.giveByJingle(ours.jid, 'sid-1', Buffer.from(first.id), 'ibb')
  for (const transfer of [one, two]) {
    const { path } = await transfer.done
    t.is(await readFile(path, 'utf8'), transfer === one ? 'one' : 'two')
  }
})

test('an owner that answers two with the same id, or with none, is not believed', async (t) => {
  const { ours, theirs, into } = await byHand(t)
  const ask = (id: string) => ours.obtain({ from: theirs.jid, id, into })
  const first = ask('one')
  await theirs.started('jingle', 'same')
  const second = ask('two')
  await theirs.started('jingle', 'same')
  await t.throwsAsync(second.done, { code: 'ERR_BAD_REQUEST' })
  const third = ask('three')
  theirs.answer(await theirs.next('start', 'urn:xmpp:jinglepub:1'))
  await t.throwsAsync(third.done, { code: 'ERR_BAD_REQUEST' })
  first.cancel()
  await t.throwsAsync(first.done, { code: 'ERR_ABORTED' })
})

/** Much of it is on its way still when it is seen that some has come. */
const SIZE = 4_000_000

for (const protocol of ['jingle', 'si'] as const) {
  test(`by ${protocol}, what was interrupted is asked for anew, and goes on behind what is here`, async (t) => {
    const { path, sha256 } = await makeFile(t, SIZE)
    const { obtain, publications, owner } = await publishing(t, () => ({ path }), { method: 'ibb' })
    const transfer = obtain('one', { protocol, retry: { forMs: 60_000 } })
    await moved(transfer, 100_000)
    publications.stop()
    owner.publish({ mayStart: () => ({ path }), method: 'ibb' })
    const result = await transfer.done
    t.like(result, { sha256, attempts: 2 })
    t.true(result.resumedFrom > 0)
  })

  test(`by ${protocol}, another run goes on behind what is here`, async (t) => {
    const { path, sha256 } = await makeFile(t, SIZE)
    const { obtain, network, owner, wall, into } = await publishing(t, () => ({ path }), { method: 'ibb' })
    const first = obtain('one', { protocol, file: { size: SIZE } })
    await moved(first, 100_000)
    await wall.close()
    await t.throwsAsync(first.done)
    t.deepEqual(await storedIn(into), [])
    const again = await network.connect('wall')
    const result = await again.obtain({ from: owner.jid, id: 'one', into, protocol, file: { size: SIZE } }).done
    t.like(result, { sha256, size: SIZE })
    t.true(result.resumedFrom > 0 && result.movedBytes < SIZE)
  })

  test(`by ${protocol}, whoever gives up, the other side hears it`, async (t) => {
    const { path } = await makeFile(t, 20_000_000)
    const { obtain, sending, into } = await publishing(t, () => ({ path }), { method: 'ibb' })
    const begun = sending()
    const given = obtain('one', { protocol, retry: { forMs: 0 } })
    const [sent] = await begun
    await moved(given, 1)
    given.cancel()
    await t.throwsAsync(given.done, { code: 'ERR_ABORTED' })
    await t.throwsAsync(sent.done)
    const next = sending()
    const taken = obtain('one', { protocol, retry: { forMs: 0 } })
    const [taking] = await next
    await moved(taken, 1)
    taking.cancel()
    await t.throwsAsync(taking.done, { code: 'ERR_ABORTED' })
    await t.throwsAsync(taken.done)
    t.deepEqual(await storedIn(into), [])
  })
}

test('so many are sent at once, and of them half to one account; the others wait for their turn', async (t) => {
  const { path } = await makeFile(t, 7)
  const decide: ((published: Published) => void)[] = []
  const mayStart = ({ from }: StartRequest) => {
    asking.push(from.split('@')[0] as string)
    return new Promise<Published>((resolve) => void decide.push(resolve))
  }
  const asking: string[] = []
  const { network, obtain, publications, owner, into } = await publishing(t, mayStart, { transfersMax: 3 })
  publications.on('refused', ({ error }) => t.fail(error.message))
  const asked = [obtain('one', { as: '1' }), obtain('one', { as: '2' }), obtain('one', { as: '3' })]
  while (decide.length < 2) await new Promise(setImmediate)
  const stranger = await network.connect('stranger')
  const other = stranger.obtain({ from: owner.jid, id: 'one', into, as: '4', ownHosts: ['127.0.0.1'] })
  while (decide.length < 3) await new Promise(setImmediate)
  t.deepEqual(asking, ['wall', 'wall', 'stranger'])
  for (const each of decide.splice(0)) each({ path })
  await other.done
  while (decide.length < 1) await new Promise(setImmediate)
  t.is(asking.at(-1), 'wall')
  for (const each of decide) each({ path })
  await Promise.all(asked.map(({ done }) => done))
  t.is((await filesIn(into)).length, 4)
})

test('a request that is being decided about when publishing ends, and one that comes behind, hear that nothing is here', async (t) => {
  const { obtain, publications } = await publishing(t, () => new Promise<Published>(() => publications.stop()))
  for (const protocol of ['jingle', 'si'] as const) {
    await t.throwsAsync(obtain('one', { protocol }).done, { code: 'ERR_STANZA', message: /service-unavailable/ })
  }
  t.true(publications.isStopped)
})

test('a file that is gone is told as one that is not published, without a word about where it was', async (t) => {
  const { obtain, publications } = await publishing(t, () => ({ path: '/nowhere/secret' }))
  const refused = once(publications, 'refused') as Promise<[{ error: BytestreamError }]>
  const error = (await t.throwsAsync(obtain('one').done, { code: 'ERR_NOT_ACCEPTABLE' })) as Error
  t.false(/secret/.test(`${error.message} ${error.cause}`))
  t.is((await refused)[0].error.code, 'ERR_FILE')
})

test('the owner is found by its bare JID by those it is shown to', async (t) => {
  const { path } = await makeFile(t, 7)
  const { obtain, owner } = await publishing(t, () => ({ path }), { isShownTo: (from) => from.startsWith('wall@') })
  const transfer = obtain('one', { from: 'owner@localhost' })
  await transfer.done
  t.is(transfer.peer, owner.jid)
})

test('an owner that goes offline before it has begun is waited for no longer', async (t) => {
  const { theirs, obtain, ours } = await byHand(t)
  const transfer = obtain('jingle')
  await theirs.started('jingle', 'a0')
  for (const type of ['', "type='unavailable'"]) theirs.say(`<presence to='${ours.jid}' ${type}/>`)
  await t.throwsAsync(transfer.done, { code: 'ERR_NO_RESOURCE' })
})

test('what is taken back after it was granted, and before it begins, does not begin', async (t) => {
  const { path } = await makeFile(t, 1_000)
  const published = (signal: AbortSignal): Published => ({ path, signal })
  const taking = new AbortController()
  const { obtain, publications, into } = await publishing(t, () => {
    // Behind the decision, and before the file is open.
    setImmediate(() => taking.abort(new BytestreamError('ERR_OFFER_WITHDRAWN', 'it was withdrawn')))
    return published(taking.signal)
  })
  publications.on('transfer', () => t.fail('it was sent'))
  const refused = once(publications, 'refused')
  await t.throwsAsync(obtain('one').done, { code: 'ERR_NOT_ACCEPTABLE' })
  t.is((await refused)[0].error.code, 'ERR_OFFER_WITHDRAWN')
  t.deepEqual(await storedIn(into), [])
})
