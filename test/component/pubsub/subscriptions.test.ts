// XEP-0060 §6.1-§6.4, conversations in the order of the specification.

import test from 'ava'
import { NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { outcome, PubsubBehindServer } from '../../helpers/pubsub-service.ts'
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
  const field = (name: string, value: string) => `<field var='pubsub#${name}'><value>${value}</value></field>`
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
