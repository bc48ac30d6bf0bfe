// XEP-0060 §8.6-§8.9: what owners decide about others.

import test from 'ava'
import { type ApprovalRequest, attribute, buildApproval, type Element, NS, parseApprovalRequest } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { field, outcome, PAYLOAD, PubsubBehindServer, SERVICE, type WirePubsub } from '../../helpers/pubsub-service.ts'

const stateTold = (message: Element) => {
  const subscription = message.getChild('event', NS.pubsubEvent)?.getChild('subscription')
  return subscription && `${attribute(subscription, 'node')} ${attribute(subscription, 'subscription')}`
}
/** The next request an owner gets, whatever comes before it. */
async function requestTo(client: WirePubsub): Promise<ApprovalRequest> {
  for (;;) {
    const request = parseApprovalRequest(await client.message())
    if (request) return request
  }
}

const listed = async (client: WirePubsub, name: 'subscriptions' | 'affiliations', node: string) => {
  const list = (await client.ownerGet(`<${name} node='${node}'/>`)).getChild('pubsub')?.getChild(name)
  const word = name.slice(0, -1)
  return list?.getChildren(word).map((each) => `${attribute(each, 'jid')} ${attribute(each, word)}`)
}

test('§6.1.4, §8.6: an owner approves, denies, or puts off; nobody else does', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  hamlet.say('<presence/>')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('access_model', 'authorize'))
  const decide = (client: WirePubsub, isAllowed: boolean, { subid }: { subid?: string | undefined } = {}) =>
    client.say(`<message to='${SERVICE}' id='approve1'>${buildApproval({ node: 'n', jid: francisco.jid, subid, isAllowed })}</message>`)
  const request = async () => {
    const answer = await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
    t.is(answer.getChild('pubsub')?.getChild('subscription')?.attrs['subscription'], 'pending')
    return requestTo(hamlet)
  }
  const asked = await request()
  t.deepEqual([asked.node, asked.jid], ['n', francisco.jid])
  decide(francisco, true, asked)
  t.is(outcome(await francisco.message()), 'auth forbidden')
  hamlet.say(`<message to='${SERVICE}' id='approve1'>${formText('cancel', 'subscribe_authorization', '')}</message>`)
  t.is(await hamlet.publish('n', 'before'), 'result')
  decide(hamlet, true, asked)
  t.is(stateTold(await francisco.message()), 'n subscribed', 'and nothing of what was published before')
  t.is(await hamlet.publish('n', 'after'), 'result')
  t.truthy((await francisco.message()).getChild('event', NS.pubsubEvent)?.getChild('items'))
  await francisco.set(`<unsubscribe node='n' jid='${francisco.jid}'/>`)
  decide(hamlet, false, await request())
  t.is(stateTold(await francisco.message()), 'n none')
  t.is(await francisco.outcome(francisco.get("<items node='n'/>")), 'auth not-authorized not-subscribed')
})

test('§8.7: get-pending lists the nodes, then asks about each who waits once more', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  hamlet.say('<presence/>')
  const francisco = await scene.enter('francisco')
  const command = `xmlns='${NS.commands}' node='${NS.pubsub}#get-pending'`
  const first = `<command ${command} action='execute'/>`
  t.is(outcome(await francisco.ask('set', first)), 'auth forbidden', '§8.7.3.3')
  t.is(outcome(await francisco.ask('set', `<command xmlns='${NS.commands}' node='nonsense'/>`)), 'cancel item-not-found')
  await hamlet.create('n', field('access_model', 'authorize'))
  await hamlet.create('quiet', field('access_model', 'authorize'))
  await francisco.set(`<subscribe node='n' jid='${francisco.jid}'/>`)
  await requestTo(hamlet)
  const step = (await hamlet.ask('set', first)).getChild('command', NS.commands)
  t.is(step && attribute(step, 'status'), 'executing')
  const options = step
    ?.getChild('x', NS.dataForms)
    ?.getChildren('field')
    .find((each) => attribute(each, 'var') === 'pubsub#node')
    ?.getChildren('option')
  t.deepEqual(
    options?.map((option) => option.getChildText('value')),
    ['n'],
  )
  const second = (node: string) =>
    `<command ${command} sessionid='${step && attribute(step, 'sessionid')}'>${formText('submit', 'subscribe_authorization', field('node', node))}</command>`
  t.is(outcome(await hamlet.ask('set', second('nowhere'))), 'cancel item-not-found', '§8.7.3.4')
  t.is(outcome(await francisco.ask('set', second('n'))), 'auth forbidden', '§8.7.3.3')
  const done = (await hamlet.ask('set', second('n'))).getChild('command', NS.commands)
  t.is(done && attribute(done, 'status'), 'completed')
  t.is((await requestTo(hamlet)).jid, francisco.jid, '§8.7.4')
})

test('§8.8: an owner manages subscriptions; what cannot be is told, the rest is done', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n', field('access_model', 'whitelist'))
  await hamlet.ownerSet(`<affiliations node='n'><affiliation jid='${francisco.account}' affiliation='member'/></affiliations>`)
  const set = (...entries: [jid: string, state: string][]) =>
    hamlet.ownerSet(
      `<subscriptions node='n'>${entries.map(([jid, state]) => `<subscription jid='${jid}' subscription='${state}'/>`).join('')}</subscriptions>`,
    )
  const answer = await set([francisco.jid, 'subscribed'], ['bernardo@denmark.lit', 'subscribed'])
  t.is(outcome(answer), 'modify not-acceptable', '§8.8.2.4')
  const failed = answer.getChild('pubsub', NS.pubsubOwner)?.getChild('subscriptions')?.getChildren('subscription')
  t.deepEqual(
    failed?.map((each) => [attribute(each, 'jid'), attribute(each, 'subscription')]),
    [['bernardo@denmark.lit', 'none']],
  )
  t.is(stateTold(await francisco.message()), 'n subscribed', '§8.8.4')
  t.deepEqual(await listed(hamlet, 'subscriptions', 'n'), [`${francisco.jid} subscribed`])
  for (const payload of ["<subscriptions node='n'/>"]) {
    t.is(outcome(await francisco.ownerGet(payload)), 'auth forbidden', '§8.8.1.3.2')
    t.is(outcome(await francisco.ownerSet(payload)), 'auth forbidden', '§8.8.2.3.2')
  }
  t.is(outcome(await hamlet.ownerGet("<subscriptions node='nowhere'/>")), 'cancel item-not-found', '§8.8.1.3.3')
  t.is(outcome(await set([francisco.jid, 'none'])), 'result', '§8.8.3')
  t.is(stateTold(await francisco.message()), 'n none')
  t.deepEqual(await listed(hamlet, 'subscriptions', 'n'), [])
})

test('§8.9: an owner manages affiliations; the last owner stays, and nobody is named twice', async (t) => {
  const scene = await PubsubBehindServer.start(t)
  const hamlet = await scene.enter('hamlet')
  const francisco = await scene.enter('francisco')
  await hamlet.create('n')
  const set = (client: WirePubsub, ...entries: [jid: string, affiliation: string][]) =>
    client.ownerSet(
      `<affiliations node='n'>${entries.map(([jid, word]) => `<affiliation jid='${jid}' affiliation='${word}'/>`).join('')}</affiliations>`,
    )
  t.is(await francisco.publish('n', 'a'), 'auth forbidden')
  const answer = await set(hamlet, [hamlet.account, 'none'], [francisco.account, 'publisher'])
  t.is(outcome(answer), 'modify not-acceptable', '§8.9.2.4')
  t.regex(answer.toString(), new RegExp(`<affiliations node="n"><affiliation jid="${hamlet.account}" affiliation="owner"/></affiliations>`))
  t.is(await francisco.publish('n', 'a'), 'result', 'the other change was made')
  t.deepEqual(await listed(hamlet, 'affiliations', 'n'), [`${francisco.account} publisher`, `${hamlet.account} owner`])
  t.is(outcome(await set(hamlet, [francisco.account, 'member'], [francisco.account, 'none'])), 'modify bad-request', '§8.9.2.4')
  t.is(outcome(await set(francisco, [francisco.account, 'owner'])), 'auth forbidden', '§8.9.2.3.3')
  t.is(outcome(await francisco.ownerGet("<affiliations node='n'/>")), 'auth forbidden', '§8.9.1.3.2')
  t.is(outcome(await hamlet.ownerGet("<affiliations node='nowhere'/>")), 'cancel item-not-found', '§8.9.1.3.3')
  t.is(outcome(await set(hamlet, [francisco.account, 'none'])), 'result', '§8.9.3')
  t.deepEqual(await listed(hamlet, 'affiliations', 'n'), [`${hamlet.account} owner`])
  t.is(outcome(await francisco.set(`<publish node='n'><item>${PAYLOAD}</item></publish>`)), 'auth forbidden')
})
