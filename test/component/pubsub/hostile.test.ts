// Goal: what strangers send gets the error there is for it, is bounded, and moves nothing.

import test from 'ava'
import { PublishSubscribe, presentComponent } from '../../../src/component/index.ts'
import { systemClock } from '../../../src/core/index.ts'
import { componentConnector, Session } from '../../../src/session/index.ts'
import { NS } from '../../../src/xep/index.ts'
import { keepLines } from '../../helpers/log-lines.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { field, outcome, PAYLOAD, PubsubBehindServer, SERVICE } from '../../helpers/pubsub-service.ts'
import { acceptComponent, listenScripted } from '../../helpers/scripted-server.ts'

test('one account has as many nodes as it may, and not one more', async (t) => {
  const scene = await PubsubBehindServer.start(t, { limits: { nodesPerAccountMax: 3 } })
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  for (const node of ['a', 'b', 'c']) t.is(await hamlet.create(node), 'result')
  t.is(await hamlet.create('d'), 'wait policy-violation max-nodes-exceeded')
  t.is(await francisco.create('d'), 'result')
  await hamlet.ownerSet("<delete node='a'/>")
  t.is(await hamlet.create('a'), 'result')
})

test('a name that is no name, or looks like another, is refused', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  for (const name of ['\u202etxt.exe', '\ufb01le', 'a\u200bb', 'x'.repeat(1024), 'é'.repeat(600)]) {
    t.is(await hamlet.create(name), 'modify not-acceptable', JSON.stringify(name.slice(0, 20)))
  }
  t.is(await hamlet.create('x'.repeat(5000)), 'modify bad-request')
  for (const name of ['naïve 日本語 🎭', 'é'.repeat(511), 'http://jabber.org/protocol/tune', '&quot;&lt;&amp;']) {
    t.is(await hamlet.create(name), 'result', name.slice(0, 20))
  }
  t.regex((await hamlet.ask('get', `<query xmlns='${NS.discoItems}'/>`)).toString(), /node="naïve 日本語 🎭"/)
})

test('nobody acts for somebody else', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('publish_model', 'open'))
  await hamlet.create('closed', field('access_model', 'whitelist'))
  await hamlet.set(`<subscribe node='n' jid='${hamlet.account}'/>`)
  const named = `node='n' jid='${hamlet.account}'`
  t.is(outcome(await francisco.set(`<subscribe ${named}/>`)), 'modify bad-request invalid-jid')
  t.is(outcome(await francisco.set(`<unsubscribe ${named}/>`)), 'auth forbidden')
  t.is(outcome(await francisco.get(`<options ${named}/>`)), 'auth forbidden')
  const form = formText('submit', 'subscribe_options', field('deliver', '0'))
  t.is(outcome(await francisco.set(`<options ${named}>${form}</options>`)), 'auth forbidden')
  t.is(await francisco.publish('closed', 'a'), 'auth forbidden')
  t.is(await hamlet.publish('n', 'his'), 'result')
  t.is(outcome(await francisco.set("<retract node='n'><item id='his'/></retract>")), 'auth forbidden')
  t.is(outcome(await francisco.set(`<publish node='n'><item id='mine' publisher='${hamlet.jid}'>${PAYLOAD}</item></publish>`)), 'result')
  await hamlet.ownerSet(`<configure node='n'>${formText('submit', 'node_config', field('itemreply', 'publisher'))}</configure>`)
  t.regex(
    (await hamlet.get("<items node='n'><item id='mine'/></items>")).toString(),
    new RegExp(`publisher="${francisco.jid}"`),
    '§7.1.2.3',
  )
})

test('what makes no sense is refused, whoever asks, and the service answers on', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const codes: (string | undefined)[] = []
  scene.service.on('asked', ({ code }) => codes.push(code))
  await hamlet.create('n')
  const refused = [
    '',
    '<nonsense/>',
    "<publish node='n'/><retract node='n'/>",
    "<items node='n' max_items='-1'/>",
    `<items node='n'/><set xmlns='${NS.resultSets}'><max>x</max></set>`,
  ]
  for (const inside of refused) {
    t.is(outcome(await hamlet.set(inside)), 'modify bad-request', inside)
    t.is(outcome(await hamlet.get(inside)), 'modify bad-request', inside)
  }
  t.is(
    outcome(await hamlet.ask('get', `<pubsub xmlns='${NS.pubsub}'><subscriptions/></pubsub>`, 'somebody@pubsub.denmark.lit')),
    'cancel service-unavailable',
  )
  t.is(await hamlet.publish('n', 'a'), 'result')
  t.true(codes.includes('ERR_BAD_REQUEST'))
  t.is(codes.at(-1), undefined)
})

test('§7.1.3.5: a payload of 10 MiB is too big, whoever sends it, and is logged once', async (t) => {
  const server = await listenScripted(t)
  const log = keepLines()
  const clock = systemClock
  const session = new Session({}, componentConnector(clock, { jid: SERVICE, secret: 'xyzzy', service: server }), { reconnect: 'never' })
  await using whole = await PublishSubscribe.open(
    { clock, logger: log.logger },
    { directory: undefined, limits: {}, mayCreate: () => true, onFailed: (error) => t.fail(error.message) },
  )
  const service = whole.attach(session, SERVICE)
  presentComponent(session, clock, { version: { name: 'streamhost', version: '0' }, parts: [service.part] })
  const [side] = await Promise.all([acceptComponent(server, SERVICE), session.start()])
  const piece = 'x'.repeat(1024 * 1024)
  for (const id of ['one', 'two']) {
    side.say(
      `<iq type='set' id='${id}' from='francisco@denmark.lit/x' to='${SERVICE}'><pubsub xmlns='${NS.pubsub}'><publish node='n'><item><a xmlns='b'>`,
    )
    for (let at = 0; at < 10; at++) side.say(piece)
    side.say('</a></item></publish></pubsub></iq>')
    const answer = await side.hears(new RegExp(`<iq[^>]* id="${id}".*?</iq>`))
    t.regex(answer, /type="error".*<not-acceptable.*<payload-too-big xmlns="http:\/\/jabber.org\/protocol\/pubsub#errors"\/>/)
  }
  side.say(`<iq type='set' id='none' from='francisco@denmark.lit/x' to='${SERVICE}'/>`)
  t.regex(await side.hears(/<iq[^>]* id="none".*?<\/iq>/), /<bad-request/, 'one that is empty of itself')
  t.is(log.lines.filter(({ sentence, level }) => level === 'info' && sentence.startsWith('refused')).length, 1)
  await session.stop()
})
