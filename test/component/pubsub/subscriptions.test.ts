// XEP-0060 §6.1-§6.4, conversations in the order of the specification.

import test from 'ava'
import { NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { field, outcome, PubsubBehindServer } from '../../helpers/pubsub-service.ts'
import { sameStanza, stanzaSays } from '../../helpers/stanzas.ts'

const NODE = 'princely_musings'

test('§6.1: an entity subscribes, and is told so with the id of its subscription', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  sameStanza(
    t,
    await hamlet.set(`<create node='${NODE}'/>`),
    `<iq type='result' id='asked-1' from='pubsub.denmark.lit' to='${hamlet.jid}'/>`,
  )
  const answer = await francisco.set(`<subscribe node='${NODE}' jid='${francisco.account}'/>`)
  stanzaSays(
    t,
    answer,
    `<iq type='result' from='pubsub.denmark.lit' to='${francisco.jid}'><pubsub xmlns='${NS.pubsub}'>
       <subscription node='${NODE}' jid='${francisco.account}' subscription='subscribed'><subscribe-options/></subscription>
     </pubsub></iq>`,
  )
  t.truthy(answer.getChild('pubsub')?.getChild('subscription')?.attrs['subid'])
})

test('§6.1.3: whoever may not subscribe is told why', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  const create = async (node: string, fields: string) =>
    t.is(outcome(await hamlet.set(`<create node='${node}'/><configure>${formText('submit', 'node_config', fields)}</configure>`)), 'result')
  const subscribe = (node: string, jid = francisco.account) => francisco.outcome(francisco.set(`<subscribe node='${node}' jid='${jid}'/>`))
  await create('open', '')
  await create('closed', field('access_model', 'whitelist'))
  await create('asking', field('access_model', 'authorize'))
  await create('deaf', field('subscribe', '0'))
  t.is(await subscribe('open', 'bernardo@denmark.lit'), 'modify bad-request invalid-jid', '§6.1.3.1')
  t.is(await subscribe('closed'), 'cancel not-allowed closed-node', '§6.1.3.4')
  t.is(await subscribe('asking'), 'result', '§6.1.4')
  t.is(await subscribe('asking'), 'auth not-authorized pending-subscription', '§6.1.3.7')
  t.is(await subscribe('deaf'), 'cancel feature-not-implemented unsupported subscribe', '§6.1.3.10')
  t.is(await subscribe('nowhere'), 'cancel item-not-found', '§6.1.3.12')
  const outcast = `<affiliations node='open'><affiliation jid='${francisco.account}' affiliation='outcast'/></affiliations>`
  t.is(await hamlet.outcome(hamlet.ownerSet(outcast)), 'result')
  t.is(await subscribe('open'), 'auth forbidden', '§6.1.3.8')
})

test('§6.2: a subscriber unsubscribes; who is none, or somebody else, or leaves open which, is told so', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  const unsubscribe = (attributes: string, client = francisco) => client.outcome(client.set(`<unsubscribe ${attributes}/>`))
  const own = `node='n' jid='${francisco.account}'`
  t.is(await unsubscribe(own), 'cancel unexpected-request not-subscribed', '§6.2.3.2')
  await francisco.set(`<subscribe ${own}/>`)
  t.is(await unsubscribe(own, hamlet), 'auth forbidden', '§6.2.3.3')
  t.is(await unsubscribe(`node='nowhere' jid='${francisco.account}'`), 'cancel item-not-found', '§6.2.3.4')
  t.is(await unsubscribe(`${own} subid='nonsense'`), 'modify not-acceptable invalid-subid', '§6.2.3.5')
  const again = formText('submit', 'subscribe_options', field('deliver', '0'))
  await francisco.set(`<subscribe ${own}/><options>${again}</options>`)
  t.is(await unsubscribe(own), 'modify bad-request subid-required', '§6.2.3.1')
  const subids = (await francisco.get('<subscriptions/>')).toString().match(/(?<=subid=")[^"]+/g) ?? []
  t.is(subids.length, 2)
  for (const subid of subids) t.is(await unsubscribe(`${own} subid='${subid}'`), 'result')
  await hamlet.publish('n', 'a')
  t.deepEqual(await francisco.messages(), [])
})

test('§6.3, §6.4: a subscriber sees and sets the options of his subscription', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  const named = `node='n' jid='${francisco.jid}'`
  const get = (attributes: string, client = francisco) => client.outcome(client.get(`<options ${attributes}/>`))
  const set = (...fields: string[]) =>
    francisco.outcome(francisco.set(`<options ${named}>${formText('submit', 'subscribe_options', fields.join(''))}</options>`))
  t.is(await get(named), 'cancel unexpected-request not-subscribed', '§6.3.4.2')
  await francisco.set(`<subscribe ${named}/>`)
  t.is(await get(named, hamlet), 'auth forbidden', '§6.3.4.1')
  t.is(await get("node='n'"), 'modify bad-request jid-required', '§6.3.4.3')
  t.is(await get(`${named} subid='nonsense'`), 'modify not-acceptable invalid-subid', '§6.3.4.5')
  t.is(await get(`node='nowhere' jid='${francisco.jid}'`), 'cancel item-not-found', '§6.3.4.7')
  t.is(await get(named), 'result')
  const invalid = 'modify bad-request invalid-options'
  for (const wrong of [field('deliver', 'maybe'), field('digest', '1'), field('include_body', '1'), field('expire', 'presence')]) {
    t.is(await set(wrong), invalid, wrong)
  }
  t.is(await set(field('expire', '1999-02-28T11:59:59Z')), invalid, 'a lease that is over')
  t.is(await set(field('deliver', '0'), field('digest', '0')), 'result')
  t.regex((await francisco.get(`<options ${named}/>`)).toString(), /pubsub#deliver"[^/]*><value>0</)
  await hamlet.publish('n', 'a')
  t.deepEqual(await francisco.messages(), [], 'nothing is delivered')
  t.is(await set(field('deliver', '1')), 'result')
  await hamlet.publish('n', 'b')
  t.is((await francisco.messages()).length, 1)
  t.regex((await francisco.get("<default node='n'/>")).toString(), /pubsub#deliver"[^/]*><value>1</, '§6.4')
})

test('§6.3.7, §12.19: subscribed and configured at once, the answer has what came of it; a lease is shown', async (t) => {
  const scene = await PubsubBehindServer.start(t, { limits: { leaseMsMax: 3_600_000 } })
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  const subscribe = (attributes: string) =>
    francisco.set(
      `<subscribe node='n' jid='${francisco.jid}'/><options${attributes}>${formText('submit', 'subscribe_options', field('expire', '2090-02-28T11:59:59Z'))}</options>`,
    )
  t.is(outcome(await subscribe(" node='n'")), 'modify bad-request')
  const answer = (await subscribe('')).getChild('pubsub')
  const granted =
    answer
      ?.getChild('options')
      ?.toString()
      .match(/pubsub#expire".*?<value>([^<]+)/)?.[1] ?? ''
  t.is(answer?.getChild('subscription')?.attrs['expiry'], granted)
  const ms = Date.parse(granted) - Date.now()
  t.true(ms > 3_500_000 && ms <= 3_601_000, granted)
})
