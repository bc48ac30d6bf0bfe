// Goal: what whoever has a feed in its roster can ask of it.

import test from 'ava'
import { feedCapabilities } from '../../../src/component/feeds/feed-entity.ts'
import { capabilitiesVersion, NS, parseDiscoInfo, parseDiscoItems } from '../../../src/xep/index.ts'
import { outcomeOf } from '../../helpers/component-line.ts'
import { ACCOUNT, accessModel, DEVICE, FEEDS, FeedLine, NEWS, NODE, OWNER } from '../../helpers/feed-line.ts'
import { field } from '../../helpers/pubsub-service.ts'

const info = (node = '') => `<query xmlns='${NS.discoInfo}'${node && ` node='${node}'`}/>`
const items = (node = '') => `<query xmlns='${NS.discoItems}'${node && ` node='${node}'`}/>`
const vcard = `<vCard xmlns='${NS.vcard}'/>`

test('a feed is a leaf of publish-subscribe, with what is known of its node', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(field('title', 'Nightly builds'))
  const answer = parseDiscoInfo((await feed.ask(DEVICE, 'get', info(), NEWS)).getChild('query') as never)
  t.deepEqual(answer.identities, [{ category: 'pubsub', type: 'leaf', name: 'Nightly builds' }])
  t.true(answer.features.includes(NS.pubsub) && answer.features.includes(NS.feeds) && answer.features.includes(NS.vcard))
  t.is(answer.forms?.[0]?.formType, 'http://jabber.org/protocol/pubsub#meta-data')
})

test('its items say where its node is', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  const answer = parseDiscoItems((await feed.ask(DEVICE, 'get', items(), NEWS)).getChild('query') as never)
  t.deepEqual(answer, [{ jid: FEEDS, node: NODE, name: undefined }])
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', items('x'), NEWS)), 'cancel item-not-found: there is nothing by that name here')
})

test('what its presence says it can is what it answers to that', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(field('title', 'Nightly builds'))
  const { node, ver } = feedCapabilities
  const answer = await feed.ask(DEVICE, 'get', info(`${node}#${ver}`), NEWS)
  t.is(capabilitiesVersion(parseDiscoInfo(answer.getChild('query') as never)), ver)
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', info(`${node}#x`), NEWS)), 'cancel item-not-found: there is nothing by that name here')
})

test('where there is no feed nothing is found', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  for (const question of [info(), items()]) {
    t.is(outcomeOf(await feed.ask(DEVICE, 'get', question, `nobody@${FEEDS}`)), 'cancel item-not-found: there is nothing by that name here')
  }
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', vcard, `nobody@${FEEDS}`)), 'cancel service-unavailable')
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', vcard)), 'cancel service-unavailable')
})

test('its vCard has its title and its description, for whoever may find its node', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create(field('title', 'Nightly builds'), field('description', 'Each night'), accessModel('whitelist'))
  const answer = (await feed.ask(OWNER, 'get', vcard, NEWS)).getChild('vCard', NS.vcard)
  t.deepEqual([answer?.getChildText('FN'), answer?.getChildText('DESC')], ['Nightly builds', 'Each night'])
  t.is(outcomeOf(await feed.ask(ACCOUNT, 'get', vcard, NEWS)), 'cancel item-not-found: there is nothing by that name here')
})

test('it answers ping and version as any entity does, and no publish-subscribe', async (t) => {
  const feed = await FeedLine.open(t)
  await feed.create()
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', `<ping xmlns='${NS.ping}'/>`, NEWS)), 'result')
  t.is(outcomeOf(await feed.ask(DEVICE, 'get', `<query xmlns='${NS.version}'/>`, NEWS)), 'result')
  const wrong = await feed.ask(DEVICE, 'get', `<pubsub xmlns='${NS.pubsub}'><items node='${NODE}'/></pubsub>`, NEWS)
  t.is(outcomeOf(wrong), 'cancel service-unavailable')
})

test('the service says that it escapes names (XEP-0106)', async (t) => {
  const feed = await FeedLine.open(t)
  const answer = parseDiscoInfo((await feed.ask(DEVICE, 'get', info())).getChild('query') as never)
  t.true(answer.features.includes('jid\\20escaping'))
})
