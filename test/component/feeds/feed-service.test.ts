// Goal: a feed behind a server: who is away misses nothing, whether a program or somebody with any client; owners see what waits.
// Method: the embedded server, publish-subscribe as `serve` puts it together, accounts in raw XML.

import test from 'ava'
import { announcementBody, attribute, buildAnnouncement, type Element, NS, parseDelivery, writeXml } from '../../../src/xep/index.ts'
import { outcome, PubsubBehindServer, SERVICE, type WirePubsub } from '../../helpers/pubsub-service.ts'

const NODE = 'nightly'
const FEED = `${NODE}@${SERVICE}`

const announcement = (id: string, owner: string) => ({
  ...{ id, owner, protocols: ['jingle'] as const, state: 'available' as const },
  file: { name: `${id}.iso`, sizeBytes: 1000, hashes: [] },
})

async function publish(owner: WirePubsub, id: string): Promise<void> {
  const payload = writeXml(buildAnnouncement(announcement(id, owner.jid)))
  await owner.set(`<publish node='${NODE}'><item id='${id}'>${payload}</item></publish>`)
}

const subscribe = ({ whole }: PubsubBehindServer, { jid, account }: WirePubsub) =>
  whole.pubsub.subscribe({ jid }, { node: NODE, jid: account, options: { queue: true } })

/** Shows itself to the service, and answers what it is asked until something else comes. */
async function showUp(who: WirePubsub, features: readonly string[], to = SERVICE): Promise<() => Promise<Element>> {
  who.say(`<presence to='${to}'/>`)
  return async () => {
    for (;;) {
      const stanza = await who.message()
      if (stanza.name === 'message') return stanza
      if (stanza.name !== 'iq' || attribute(stanza, 'type') !== 'get') continue
      const shown = features.map((feature) => `<feature var='${feature}'/>`).join('')
      const info = `<query xmlns='${NS.discoInfo}'><identity category='client' type='pc'/>${shown}</query>`
      who.say(`<iq type='result' to='${stanza.attrs['from']}' id='${stanza.attrs['id']}'>${info}</iq>`)
    }
  }
}

test('a program that was away is told what it missed, acknowledges it, and is not told again', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const owner = await scene.enter('hamlet')
  const watcher = await scene.enter('bernardo')
  await owner.create(NODE)
  subscribe(scene, watcher)
  await publish(owner, 'a')
  await publish(owner, 'b')
  const next = await showUp(watcher, [NS.feeds])
  const [first, second] = [await next(), await next()]
  t.deepEqual(
    [first, second].map((message) => message.attrs['from']),
    [SERVICE, SERVICE],
  )
  const ids = [first, second].map(parseDelivery)
  const ack = `<ack xmlns='${NS.feeds}'>${ids.map((id) => `<message id='${id}'/>`).join('')}</ack>`
  t.is(outcome(await watcher.ask('set', ack)), 'result')
  t.is(scene.whole.pubsub.queues.counts.entries, 0)
})

test('somebody with any client reads it as a message of the feed, and can acknowledge it by a command', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const owner = await scene.enter('hamlet')
  const reader = await scene.enter('francisco')
  await owner.create(NODE)
  subscribe(scene, reader)
  await publish(owner, 'a')
  const next = await showUp(reader, [NS.receipts], FEED)
  const message = await next()
  t.like(message.attrs, { from: FEED, type: 'chat' })
  t.is(message.getChildText('body'), announcementBody(announcement('a', owner.jid)))
  t.truthy(message.getChild('request', NS.receipts))

  const command = (inside: string) =>
    reader.ask('set', `<command xmlns='${NS.commands}' node='${NS.feeds}-acknowledge' action='execute'>${inside}</command>`)
  const form = (await command('')).getChild('command', NS.commands)?.getChild('x', NS.dataForms)
  const option = form
    ?.getChildren('field')
    .find(({ attrs }) => attrs['var'] === 'messages')
    ?.getChild('option')
  t.regex(option?.attrs['label'] ?? '', /^a\.iso \(nightly, 20/)
  const chosen = option?.getChildText('value')
  const submitted = `<field var='messages'><value>${chosen}</value></field>`
  const answer = await command(`<x xmlns='${NS.dataForms}' type='submit'>${submitted}</x>`)
  t.is(answer.getChild('command', NS.commands)?.attrs['status'], 'completed')
  t.is(scene.whole.pubsub.queues.counts.entries, 0)
  t.regex((await command('')).toString(), /nothing to acknowledge/)
})

test('owners, and nobody else, see how much waits for whom, and what is dead, which they have delivered again', async (t) => {
  const scene = await PubsubBehindServer.start(t, { limits: { queueFailuresMax: 1 } })
  const owner = await scene.enter('hamlet')
  const reader = await scene.enter('francisco')
  await owner.create(NODE)
  subscribe(scene, reader)
  await publish(owner, 'a')
  const queue = `<queue xmlns='${NS.feeds}' node='${NODE}'/>`
  const dead = `<dead xmlns='${NS.feeds}' node='${NODE}'/>`
  const subscriber = (await owner.ask('get', queue)).getChild('queue', NS.feeds)?.getChild('subscriber')
  t.like(subscriber?.attrs, { account: reader.account, waiting: '1', handed: '0' })
  for (const asked of [queue, dead]) t.is(outcome(await reader.ask('get', asked)), 'auth forbidden')
  for (const order of ['again', 'drop']) {
    t.is(outcome(await reader.ask('set', `<${order} xmlns='${NS.feeds}' node='${NODE}' id='1'/>`)), 'auth forbidden')
    t.is(outcome(await owner.ask('set', `<${order} xmlns='${NS.feeds}' node='${NODE}' id='99'/>`)), 'cancel item-not-found')
  }

  const next = await showUp(reader, [], FEED)
  const { id } = (await next()).attrs
  const error = `<error type='modify'><not-acceptable xmlns='${NS.stanzas}'/></error>`
  reader.say(`<message type='error' to='${FEED}' id='${id}'>${error}</message>`)
  await reader.messages()
  const letter = (await owner.ask('get', dead)).getChild('dead', NS.feeds)?.getChild('letter')
  t.like(letter?.attrs, { account: reader.account, item: 'a', attempts: '1', reason: 'not-acceptable' })
  t.is(outcome(await owner.ask('set', `<again xmlns='${NS.feeds}' node='${NODE}' id='${letter?.attrs['id']}'/>`)), 'result')
  t.is((await next()).attrs['id'], id)
})

test('who publishes at a feed hears who may have what is there, nobody else does', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const owner = await scene.enter('hamlet')
  const publisher = await scene.enter('bernardo')
  const reader = await scene.enter('francisco')
  await owner.create(NODE)
  const question = `<readers xmlns='${NS.feeds}' node='${NODE}'><account jid='${reader.account}'/></readers>`
  t.is(outcome(await publisher.ask('get', question)), 'auth forbidden')
  const affiliate = (jid: string, affiliation: 'publisher' | 'outcast') =>
    scene.whole.pubsub.setNodeAffiliations({ jid: owner.jid }, NODE, [{ jid, affiliation }])
  affiliate(publisher.account, 'publisher')
  const readers = async () => (await publisher.ask('get', question)).getChild('readers', NS.feeds)?.getChildren('account').length
  t.is(await readers(), 1)
  affiliate(reader.account, 'outcast')
  t.is(await readers(), 0)
})
