// Goal: who is in an owner's roster is let in and told, for as long as the server grants rosters, and nobody forges either.
// Method: the test is the server, moves the clock, and counts the questions about rosters.

import test from 'ava'
import { type Element, NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { contact, DOMAIN, FRIEND, grants, OTHER, OWNER, RosterScene } from '../../helpers/pubsub-rosters.ts'
import { field, outcome } from '../../helpers/pubsub-service.ts'

const NOT_OFFERED = 'modify not-acceptable unsupported-access-model'
const PRESENCE_REQUIRED = 'auth not-authorized presence-subscription-required'
const NOT_IN_GROUP = 'auth not-authorized not-in-roster-group'
const ROSTER_MS = 10_000
const GRANT_MS = 5_000

test('the access models presence and roster come and go with what the server grants (XEP-0356 §4.2)', async (t) => {
  const scene = await RosterScene.open(t, { isGranted: false })
  for (const type of ['none', 'set']) {
    scene.grant(type)
    t.deepEqual(await scene.shown(), ['open'])
    for (const model of ['presence', 'roster']) t.is(await scene.create('n', model), NOT_OFFERED)
    t.notRegex(String(await scene.asOwner('get', '<default/>')), /roster/)
  }
  for (const type of ['get', 'both']) {
    scene.grant(type)
    t.deepEqual(await scene.shown(), ['open', 'presence', 'roster'])
    t.regex(String(await scene.asOwner('get', '<default/>')), /<value>presence<.*<value>roster<.*pubsub#roster_groups_allowed/)
    for (const model of ['presence', 'roster']) t.is(await scene.create(`${type} ${model}`, model), 'result')
  }
  scene.say(DOMAIN, grants('get', 'urn:xmpp:privilege:1'))
  t.deepEqual(await scene.shown(), ['open', 'presence', 'roster'], 'as ejabberd writes it')
  scene.say(DOMAIN, `<privilege xmlns='${NS.privilege}'><perm access='message' type='outgoing'/></privilege>`)
  t.deepEqual(await scene.shown(), ['open'])
  t.is(await scene.create('m', 'presence'), NOT_OFFERED)
})

test('a node stays what it is while nothing is granted: closed to contacts, and its owner can still change the rest', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'roster')
  await scene.create('open', 'open')
  t.is(await scene.subscribe(FRIEND, 'n'), 'result')
  scene.grant('none')
  t.is(await scene.retrieve(FRIEND, 'n'), NOT_IN_GROUP)
  t.is(await scene.subscribe(FRIEND, 'n'), NOT_IN_GROUP)
  await scene.publish('n', 'a')
  t.deepEqual(await scene.toldSoFar(), [])
  t.is(await scene.retrieve(OWNER, 'n'), 'result')
  t.regex(
    String(await scene.asOwner('get', "<configure node='n'/>")),
    /access_model.*<value>roster<\/value><\/option>.*roster_groups_allowed/,
  )
  const configure = async (node: string, ...fields: string[]) =>
    outcome(await scene.asOwner('set', `<configure node='${node}'>${formText('submit', 'node_config', fields.join(''))}</configure>`))
  t.is(await configure('n', field('access_model', 'roster'), field('title', 'Still there')), 'result')
  t.is(await configure('open', field('access_model', 'roster')), NOT_OFFERED)
  scene.grant('get')
  await scene.publish('n', 'b')
  t.is(await scene.told(), `${FRIEND} items n b`)
})

test('whoever is not our server grants nothing, and takes nothing away', async (t) => {
  const scene = await RosterScene.open(t, { isGranted: false })
  const forgers = [
    `${OWNER}/x`,
    OWNER,
    'evil.example',
    `sub.${DOMAIN}`,
    `${DOMAIN}/x`,
    `x@${DOMAIN}`,
    `pubsub.${DOMAIN}`,
    `${DOMAIN}.evil.example`,
  ]
  for (const forger of forgers) {
    scene.say(forger, grants('both'))
    t.deepEqual(await scene.shown(), ['open'], forger)
  }
  scene.say(DOMAIN, grants('both'), "type='error'")
  scene.say(DOMAIN, `<forwarded xmlns='urn:xmpp:forward:0'><message from='${DOMAIN}'>${grants('both')}</message></forwarded>`)
  t.deepEqual(await scene.shown(), ['open'], 'what comes back, or is inside of something else')
  scene.grant('get')
  for (const forger of forgers) scene.say(forger, grants('none'))
  t.deepEqual(await scene.shown(), ['open', 'presence', 'roster'])
  const told = scene.log.lines.filter(({ sentence }) => sentence.includes('not believed'))
  t.deepEqual(
    told.map(({ from, level }) => [from, level]),
    [[`${OWNER}/x`, 'warn']],
    'once, however many',
  )
})

test('what was granted ends with the connection', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  await scene.comeBack()
  t.deepEqual(await scene.shown(), ['open'])
  const early = scene.subscribe(FRIEND, 'n')
  scene.grant('get')
  t.is(await early, 'result', 'who asks before the server has said what it grants is answered when it has')
  await scene.comeBack()
  await scene.publish('n', 'a')
  scene.grant('get')
  t.is(await scene.told(), `${FRIEND} items n a`, 'and whoever is to be told is told then')
  await scene.comeBack()
  const refused = scene.retrieve(FRIEND, 'n')
  t.deepEqual(await scene.shown(), ['open'])
  scene.clock.advance(GRANT_MS - 1)
  t.is(await Promise.race([refused, scene.shown().then(() => 'waits')]), 'waits')
  scene.clock.advance(1)
  t.is(await refused, PRESENCE_REQUIRED, 'it grants nothing any more')
})

test('access is judged when somebody subscribes, and when he retrieves (XEP-0060 §6.1.3.2, §6.1.3.3, §6.5.9.6, §6.5.9.7)', async (t) => {
  const scene = await RosterScene.open(t)
  const judged: readonly [roster: string, presence: string, roster: string][] = [
    [contact(FRIEND, 'both', 'Friends', 'Students'), 'result', 'result'],
    [contact(FRIEND, 'from', 'Friends'), 'result', 'result'],
    [contact(`${FRIEND.toUpperCase()}`, 'from', 'Friends'), 'result', 'result'],
    [contact(FRIEND, 'from', 'Students'), 'result', NOT_IN_GROUP],
    [contact(FRIEND, 'from'), 'result', NOT_IN_GROUP],
    [contact(FRIEND, 'to', 'Friends'), PRESENCE_REQUIRED, NOT_IN_GROUP],
    [contact(FRIEND, 'none', 'Friends'), PRESENCE_REQUIRED, NOT_IN_GROUP],
    [contact(FRIEND, 'remove', 'Friends'), PRESENCE_REQUIRED, NOT_IN_GROUP],
    [contact(OTHER, 'both', 'Friends'), PRESENCE_REQUIRED, NOT_IN_GROUP],
    ['<item/>', PRESENCE_REQUIRED, NOT_IN_GROUP],
  ]
  await scene.create('seen', 'presence')
  await scene.create('known', 'roster')
  for (const [roster, presence, group] of judged) {
    scene.rosters.set(OWNER, roster)
    scene.clock.advance(ROSTER_MS)
    for (const use of ['retrieve', 'subscribe'] as const) {
      t.deepEqual([await scene[use](FRIEND, 'seen'), await scene[use](FRIEND, 'known')], [presence, group], roster)
    }
    const items = outcome(await scene.ask(`${FRIEND}/x`, 'get', `<query xmlns='${NS.discoItems}' node='known'/>`))
    t.is(items, group, 'its items are in its disco#items')
  }
})

test('a roster is asked for once in ten seconds, and not at all for those who need none', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  await scene.create('open', 'open')
  for (const use of ['subscribe', 'retrieve'] as const) {
    t.is(await scene[use](OWNER, 'n'), 'result')
    t.is(await scene[use](OTHER, 'open'), 'result')
  }
  t.deepEqual(scene.asked, [])
  await Promise.all([FRIEND, OTHER, FRIEND].map((account) => scene.subscribe(account, 'n')))
  scene.clock.advance(ROSTER_MS - 1)
  t.is(await scene.retrieve(FRIEND, 'n'), 'result')
  t.deepEqual(scene.asked, [OWNER])
  scene.rosters.set(OWNER, '')
  t.is(await scene.retrieve(FRIEND, 'n'), 'result', 'who has just been removed may retrieve until then')
  scene.clock.advance(1)
  t.is(await scene.retrieve(FRIEND, 'n'), PRESENCE_REQUIRED)
  t.deepEqual(scene.asked, [OWNER, OWNER])
})

test('a server that tells of changes is heard at once; nobody else is, and what is told is not believed (XEP-0356 §4.4)', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  t.is(await scene.retrieve(FRIEND, 'n'), 'result')
  const push = (from: string, inside: string) => scene.ask(from, 'set', `<query xmlns='${NS.roster}'>${inside}</query>`)
  scene.rosters.set(OWNER, '')
  for (const forger of [`${OWNER}/x`, OTHER, 'evil.example', `${OTHER}/x`]) {
    t.is(outcome(await push(forger, contact(FRIEND, 'remove'))), 'cancel service-unavailable')
  }
  t.is(outcome(await push(FRIEND, contact(OTHER))), 'result', 'of another account')
  t.is(await scene.retrieve(FRIEND, 'n'), 'result')
  t.deepEqual(scene.asked, [OWNER])
  t.is(outcome(await push(OWNER, contact(OTHER))), 'result')
  t.deepEqual([await scene.retrieve(FRIEND, 'n'), await scene.retrieve(OTHER, 'n')], [PRESENCE_REQUIRED, PRESENCE_REQUIRED])
  t.deepEqual(scene.asked, [OWNER, OWNER])

  scene.held = []
  scene.clock.advance(ROSTER_MS)
  const early = scene.retrieve(FRIEND, 'n')
  await scene.haveAsked(3)
  await push(OWNER, contact(FRIEND))
  const late = scene.retrieve(FRIEND, 'n')
  await scene.haveAsked(4)
  const [first, second] = scene.held as [Element, Element]
  scene.answer(first)
  t.is(await early, PRESENCE_REQUIRED)
  scene.rosters.set(OWNER, contact(FRIEND))
  scene.answer(second)
  t.is(await late, 'result', 'an answer that was on its way when something changed is not remembered')
  t.is(await scene.retrieve(FRIEND, 'n'), 'result')
  t.is(scene.asked.length, 4)
})

test('an owner elsewhere has no roster we may read: he has no contacts, and nobody asks', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('seen', 'presence')
  await scene.create('known', 'roster')
  for (const node of ['seen', 'known']) {
    const change = `<affiliation jid='${OTHER}' affiliation='owner'/><affiliation jid='${OWNER}' affiliation='none'/>`
    t.is(outcome(await scene.asOwner('set', `<affiliations node='${node}'>${change}</affiliations>`)), 'result')
  }
  scene.rosters.set(OTHER, contact(FRIEND, 'both', 'Friends'))
  t.deepEqual([await scene.subscribe(FRIEND, 'seen'), await scene.retrieve(FRIEND, 'known')], [PRESENCE_REQUIRED, NOT_IN_GROUP])
  t.is(await scene.subscribe(OTHER, 'seen'), 'result')
  t.deepEqual(scene.asked, [])
})

test('a roster that cannot be read has nobody in it; that is in the log once a minute', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  scene.rosters.delete(OWNER)
  t.is(await scene.subscribe(FRIEND, 'n'), PRESENCE_REQUIRED, 'the server says no')
  scene.clock.advance(ROSTER_MS)
  scene.held = []
  const silent = scene.subscribe(FRIEND, 'n')
  await scene.haveAsked(2)
  scene.clock.advance(5_000)
  t.is(await silent, PRESENCE_REQUIRED, 'it says nothing')
  scene.clock.advance(ROSTER_MS)
  const cut = scene.subscribe(FRIEND, 'n')
  await scene.haveAsked(3)
  const { id, to } = (scene.held.at(-1) as Element).attrs
  scene.line.say(`<iq type='result' id='${id}' from='${to}' to='pubsub.${DOMAIN}'/>`)
  t.is(await cut, PRESENCE_REQUIRED, 'its answer was too large to be read')
  t.is(scene.log.lines.filter(({ sentence }) => sentence.includes('cannot be read')).length, 1)
})

test('who has left the roster is told nothing that happens afterwards, and his subscription lasts (XEP-0060 §12.14)', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('seen', 'presence', field('notify_retract', '1'), field('notify_config', '1'))
  await scene.create('known', 'roster')
  scene.rosters.set(OWNER, contact(FRIEND, 'both', 'Friends') + contact(OTHER, 'from', 'Friends'))
  for (const node of ['seen', 'known']) for (const account of [FRIEND, OTHER]) await scene.subscribe(account, node)
  await scene.publish('seen', 'a')
  t.deepEqual(await scene.toldSoFar(), [`${FRIEND} items seen a`, `${OTHER} items seen a`])

  scene.rosters.set(OWNER, contact(FRIEND, 'to', 'Friends') + contact(OTHER, 'both', 'Students'))
  await scene.publish('seen', 'b')
  await scene.asOwner('set', "<purge node='seen'/>")
  await scene.asOwner('set', `<configure node='seen'>${formText('submit', 'node_config', field('title', 'T'))}</configure>`)
  t.deepEqual(await scene.toldSoFar(), [`${OTHER} items seen b`, `${OTHER} purge seen`, `${OTHER} configuration seen`])
  await scene.publish('known', 'b')
  t.deepEqual(await scene.toldSoFar(), [], 'no time has passed: what is remembered does not count for what is told')
  await scene.asOwner('set', `<affiliations node='known'><affiliation jid='${FRIEND}' affiliation='member'/></affiliations>`)
  await scene.publish('known', 'c')
  t.deepEqual(
    (await scene.toldSoFar()).filter((each) => each.includes('items')),
    [`${FRIEND} items known c`],
    'members need no roster',
  )
  scene.rosters.set(OWNER, contact(OTHER, 'both', 'Friends'))
  await scene.publish('known', 'd')
  t.deepEqual(await scene.toldSoFar(), [`${FRIEND} items known d`, `${OTHER} items known d`])
  scene.rosters.set(OWNER, '')
  await scene.asOwner('set', "<delete node='seen'/>")
  t.deepEqual(await scene.toldSoFar(), [`${FRIEND} delete seen`, `${OTHER} delete seen`], '§8.4.2: all subscribers')
})

test('while a roster is waited for, its node keeps its order, others go on, and one question is for all that follow', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  await scene.create('open', 'open')
  await scene.subscribe(FRIEND, 'n')
  await scene.subscribe(OTHER, 'open')
  scene.held = []
  for (const id of ['a', 'b']) await scene.publish('n', id)
  await scene.publish('open', 'x')
  t.is(await scene.told(), `${OTHER} items open x`)
  await scene.haveAsked(2)
  t.is(scene.held.length, 1, 'the second waits for its turn')
  scene.answer(scene.held.shift() as Element)
  t.is(await scene.told(), `${FRIEND} items n a`)
  await scene.haveAsked(3)
  scene.rosters.set(OWNER, '')
  scene.answer(scene.held.shift() as Element)
  t.deepEqual(await scene.toldSoFar(), [])

  scene.rosters.set(OWNER, contact(FRIEND))
  for (const node of ['one', 'two', 'three']) {
    await scene.create(node, 'presence')
    scene.held = undefined
    scene.clock.advance(ROSTER_MS)
    await scene.subscribe(FRIEND, node)
  }
  const before = scene.asked.length
  scene.held = []
  await scene.publish('one', 'a')
  await scene.haveAsked(before + 1)
  for (const node of ['two', 'three']) await scene.publish(node, 'a')
  await new Promise(setImmediate) // They are told behind the answer.
  scene.answer(scene.held.shift() as Element)
  await scene.haveAsked(before + 2)
  scene.answer(scene.held.shift() as Element)
  t.deepEqual(
    await scene.toldSoFar(),
    ['one', 'two', 'three'].map((node) => `${FRIEND} items ${node} a`),
  )
  t.is(scene.asked.length, before + 2)
})

test('what waits for a roster when the connection is lost is told once there is another', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  await scene.subscribe(FRIEND, 'n')
  scene.held = []
  await scene.publish('n', 'a')
  await scene.haveAsked(2)
  scene.held = undefined
  await scene.comeBack()
  scene.grant('get')
  t.is(await scene.told(), `${FRIEND} items n a`)
})

test('what waits for a grant when the connection is lost is told once there is another that grants it', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  await scene.subscribe(FRIEND, 'n')
  await scene.comeBack()
  await scene.publish('n', 'a')
  await new Promise(setImmediate) // It is told behind the answer, and waits.
  await scene.comeBack()
  scene.grant('get')
  t.is(await scene.told(), `${FRIEND} items n a`)
})

test('who still waits for a roster when the service closes changes nothing any more', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence')
  scene.held = []
  const asked = scene.subscribe(FRIEND, 'n')
  await scene.haveAsked(1)
  await scene.whole.drain(0)
  scene.answer(scene.held.shift() as Element)
  t.is(await asked, 'wait service-unavailable')
  t.is(scene.whole.pubsub.subscriptions({ jid: FRIEND }).count, 0)
})

test('who may not see the items any more does not publish as a subscriber, either (XEP-0060 §4.5)', async (t) => {
  const scene = await RosterScene.open(t)
  await scene.create('n', 'presence', field('publish_model', 'subscribers'))
  await scene.subscribe(FRIEND, 'n')
  t.is(await scene.publish('n', 'a', FRIEND), 'result')
  scene.rosters.set(OWNER, '')
  scene.clock.advance(ROSTER_MS)
  t.is(await scene.publish('n', 'b', FRIEND), 'auth forbidden')
})
