import { NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { NODE, type Player, type PubsubStage, refused } from '../../helpers/pubsub-stage.ts'

const HORATIO = 'horatio@denmark.lit'
const field = (name: string, value: string) => `<field var='pubsub#${name}'><value>${value}</value></field>`
const subscribe = `<subscribe node='${NODE}' jid='${HORATIO}'/>`
const subscription = (jid: string, state: string, subid = '{_}') =>
  `<event xmlns='${NS.pubsubEvent}'><subscription node='${NODE}' jid='${jid}' subid='${subid}' subscription='${state}'/></event>`

/** What an owner is asked. */
const asked = formText(
  'form',
  'subscribe_authorization',
  `<title>{_}</title><instructions>{_}</instructions>
   <field var='pubsub#subid' type='hidden'><value>{subid}</value></field>
   <field var='pubsub#node' type='text-single' label='{_}'><value>${NODE}</value></field>
   <field var='pubsub#subscriber_jid' type='jid-single' label='{_}'><value>${HORATIO}</value></field>
   <field var='pubsub#allow' type='boolean' label='{_}'><value>false</value></field><etc/>`,
)
const decision = (isAllowed: boolean) =>
  formText(
    'submit',
    'subscribe_authorization',
    `${field('subid', '{subid}')}${field('node', NODE)}${field('subscriber_jid', HORATIO)}${field('allow', String(isAllowed))}`,
  )

/** Waits for hamlet's decision, who is asked for it. */
async function request(stage: PubsubStage, hamlet: Player, horatio: Player): Promise<void> {
  stage.found.delete('subid')
  await horatio.set(
    '',
    subscribe,
    `<subscription node='${NODE}' jid='${HORATIO}' subscription='pending' subid='{subid}'><etc/></subscription>`,
  )
  await hamlet.hear('E170', asked, { to: 'hamlet@denmark.lit' })
}

/** XEP-0060 §8.6, §8.7, §12.14. */
export async function approving(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const horatio = await stage.enter('horatio', 'barracks')
  const items = `<items node='${NODE}'/>`
  stage.node({ config: { accessModel: 'authorize' } })
  await request(stage, hamlet, horatio)
  hamlet.say(decision(false), 'approve1')
  await horatio.hear('E173 E174', subscription(HORATIO, 'none', '{subid}'), { to: HORATIO })
  await request(stage, hamlet, horatio)
  hamlet.say(formText('cancel', 'subscribe_authorization', ''), 'approve1')
  await hamlet.hearNothing()
  await horatio.set('E175', subscribe, refused('auth', 'not-authorized', 'pending-subscription'))

  const command = (attributes: string, inside = '') =>
    `<command xmlns='${NS.commands}' node='${NS.pubsub}#get-pending' ${attributes}>${inside}</command>`
  const first = command("action='execute'")
  await horatio.ask('E180', 'set', first, refused('auth', 'forbidden'))
  const options = `<field var='pubsub#node' type='list-single' label='{_}'><option><value>${NODE}</value></option></field>`
  const which = command("sessionid='{session}' status='executing'", formText('form', 'subscribe_authorization', options))
  await hamlet.ask('E176 E177', 'set', first, which.replace('</field></x>', '</field></x><etc/>'))
  const chosen = (node: string) =>
    command("sessionid='{session}' action='execute'", `<x xmlns='${NS.dataForms}' type='submit'>${field('node', node)}</x>`)
  await hamlet.ask('E181', 'set', chosen('nowhere'), refused('cancel', 'item-not-found'))
  await horatio.ask('E180', 'set', chosen(NODE), refused('auth', 'forbidden'))
  await hamlet.ask('E182 E183', 'set', chosen(NODE), command("sessionid='{session}' status='completed'"))
  await hamlet.hear('E170', asked)

  horatio.say(decision(true), 'approve1')
  await horatio.hear('§8.6', `<etc/>`, { to: '{_}', type: 'error' })
  await horatio.get('E171', items, refused('auth', 'not-authorized', 'not-subscribed'))
  hamlet.say(decision(true), 'approve1')
  await horatio.hear('E171 E172', subscription(HORATIO, 'subscribed', '{subid}'), { to: HORATIO })
  await horatio.get('E172', items, items)
}

/** XEP-0060 §8.8. */
export async function managingSubscriptions(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const polonius = await stage.enter('polonius', 'barracks')
  const list = (inside = '') => `<subscriptions node='${NODE}'>${inside}</subscriptions>`
  const set = (local: string, state?: string) =>
    `<subscription jid='${local}@denmark.lit'${state === undefined ? '' : ` subscription='${state}'`}/>`
  const has = (local: string) => `<subscription jid='${local}@denmark.lit' subscription='subscribed' subid='{_}'/>`
  stage.node()
  await hamlet.ownerGet('E184 E185', list(), list())
  await hamlet.ownerSet('E189 E190', list(set('bernardo', 'subscribed')))
  await hamlet.ownerSet('', list(set('polonius', 'subscribed')))
  await polonius.hear('E196', subscription('polonius@denmark.lit', 'subscribed'), { to: 'polonius@denmark.lit' })
  await hamlet.ownerGet('E184 E185', list(), list(has('bernardo') + has('polonius')))
  await hamlet.ownerSet('§8.8.2.1', list(set('polonius')))
  await hamlet.ownerGet('§8.8.2.1', list(), list(has('bernardo') + has('polonius')))
  for (const both of [set('polonius', 'none') + set('polonius', 'subscribed')]) {
    await hamlet.ownerSet('§8.8.2.4', list(both), refused('modify', 'bad-request'))
  }
  await polonius.ownerGet('E187', list(), refused('auth', 'forbidden'))
  await polonius.ownerSet('E192', list(set('polonius', 'none')), refused('auth', 'forbidden'))
  const kept = `<pubsub xmlns='${NS.pubsubOwner}'>${list("<subscription jid='polonius@denmark.lit' subscription='subscribed' subid='{_}'/>")}</pubsub>`
  const changes = set('polonius', 'unconfigured') + set('bernardo', 'none') + set('horatio', 'subscribed')
  await hamlet.ownerSet('E194 E195', list(changes), `${kept.replace(" subid='{_}'", '')}${refused('modify', 'not-acceptable')}`)
  await hamlet.ownerGet('E195', list(), list(has('polonius') + has('horatio')))
  const isNone = "<subscription jid='@' subscription='none'/>"
  const nobody = isNone.replace('none', 'subscribed')
  const unmade = `<pubsub xmlns='${NS.pubsubOwner}'>${list(isNone)}</pubsub>${refused('modify', 'not-acceptable')}`
  await hamlet.ownerSet('§8.8.2.4', list(nobody + set('bernardo', 'subscribed')), unmade)
  await hamlet.ownerGet('§8.8.2.4', list(), list(has('polonius') + has('horatio') + has('bernardo')))
  await hamlet.ownerSet('§8.8.2.4', list(set('bernardo', 'none')))
  await hamlet.ownerSet('§8.8.3', list(set('polonius', 'none')))
  await polonius.hear('E196', subscription('polonius@denmark.lit', 'none'), { to: 'polonius@denmark.lit' })
  await hamlet.ownerGet('§8.8.3', list(), list(has('horatio')))
  stage.noNode()
  await hamlet.ownerGet('E188', list(), refused('cancel', 'item-not-found'))
  await hamlet.ownerSet('E193', list(set('polonius', 'none')), refused('cancel', 'item-not-found'))
}

/** XEP-0060 §5.7, §8.9. */
export async function managingAffiliations(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const polonius = await stage.enter('polonius', 'barracks')
  const list = (inside = '') => `<affiliations node='${NODE}'>${inside}</affiliations>`
  const is = (local: string, affiliation?: string) =>
    `<affiliation jid='${local}@denmark.lit'${affiliation === undefined ? '' : ` affiliation='${affiliation}'`}/>`
  const told = (affiliation: string) => `<pubsub xmlns='${NS.pubsub}'>${list(is('polonius', affiliation))}</pubsub>`
  stage.node()
  await hamlet.ownerGet('E197 E198', list(), list(is('hamlet', 'owner')))
  await hamlet.ownerSet('E202 E203', list(is('polonius', 'outcast')))
  await polonius.hear('E210', told('outcast'), { to: 'polonius@denmark.lit' })
  await hamlet.ownerGet('E197 E198', list(), list(is('hamlet', 'owner') + is('polonius', 'outcast')))
  await polonius.get('E22 E23', '<affiliations/>', `<affiliations><affiliation node='${NODE}' affiliation='outcast'/></affiliations>`)
  const own = `<affiliation node='${NODE}' affiliation='outcast'/>`
  await polonius.get('E26 E27', list(), list(own))
  await hamlet.ownerSet('§8.9.2.1', list(is('polonius')))
  await hamlet.ownerGet('§8.9.2.1', list(), list(is('hamlet', 'owner') + is('polonius', 'outcast')))
  await polonius.ownerGet('E200', list(), refused('auth', 'forbidden'))
  await polonius.ownerSet('E206', list(is('polonius', 'owner')), refused('auth', 'forbidden'))
  const changes = is('hamlet', 'none') + is('polonius', 'none') + is('horatio', 'publisher')
  const kept = `<pubsub xmlns='${NS.pubsubOwner}'>${list(is('hamlet', 'owner'))}</pubsub>`
  await hamlet.ownerSet('E208 E209', list(changes), `${kept}${refused('modify', 'not-acceptable')}`)
  await polonius.hear('E210', told('none'), { to: 'polonius@denmark.lit' })
  await hamlet.ownerGet('E209', list(), list(is('hamlet', 'owner') + is('horatio', 'publisher')))
  await hamlet.ownerSet('§8.9.2.4', list(is('polonius', 'member') + is('polonius', 'publisher')), refused('modify', 'bad-request'))
  await hamlet.ownerSet('§8.9.2.4', list(is('polonius', 'member') + is('POLONIUS', 'publisher')), refused('modify', 'bad-request'))
  const nobody = "<affiliation jid='@' affiliation='member'/>"
  const unmade = `<pubsub xmlns='${NS.pubsubOwner}'>${list(nobody.replace('member', 'none'))}</pubsub>${refused('modify', 'not-acceptable')}`
  await hamlet.ownerSet('§8.9.2.4', list(nobody + is('horatio', 'outcast')), unmade)
  await hamlet.ownerGet('§8.9.2.4', list(), list(is('hamlet', 'owner') + is('horatio', 'outcast')))
  await hamlet.ownerSet('§8.9.3', list(is('horatio', 'none')))
  await hamlet.ownerGet('§8.9.3', list(), list(is('hamlet', 'owner')))
  await polonius.hearNothing()
  stage.noNode()
  await hamlet.ownerGet('E201', list(), refused('cancel', 'item-not-found'))
  await hamlet.ownerSet('E207', list(is('polonius', 'member')), refused('cancel', 'item-not-found'))
}
