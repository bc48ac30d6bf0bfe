import { NS } from '../../../src/xep/index.ts'
import { ENTRY, formText } from '../../helpers/pubsub-examples.ts'
import { NODE, type Player, type PubsubStage, refused, unsupported } from '../../helpers/pubsub-stage.ts'

const FRANCISCO = 'francisco@denmark.lit'
const own = `node='${NODE}' jid='${FRANCISCO}'`
const subscribe = `<subscribe ${own}/>`

/** As the service tells it; the examples leave out that it can be configured, which §6.1.5 lets it say. */
const subscribed = (subid: string, state = 'subscribed') =>
  `<subscription ${own} subid='${subid}' subscription='${state}'><subscribe-options/></subscription>`

/** The options of the examples, but for those that depend on presence, and what makes digests and bodies. */
const options = formText(
  'submit',
  'subscribe_options',
  `<field var='pubsub#deliver'><value>1</value></field>
   <field var='pubsub#digest'><value>0</value></field>
   <field var='pubsub#include_body'><value>false</value></field>
   <field var='pubsub#show-values'><value>chat</value><value>online</value><value>away</value></field>`,
)
const invalid = formText('submit', 'subscribe_options', "<field var='pubsub#deliver'><value>sometimes</value></field>")
/** All the options there are: §12.8 has none for bodies where there are none. */
const told = (type: string) => {
  const [deliver, expire] = type === 'form' ? [" label='{_}' type='boolean'", " label='{_}' type='text-single'"] : ['', '']
  const datatype = type === 'form' ? `<validate xmlns='${NS.dataValidation}' datatype='xs:dateTime'><basic/></validate>` : ''
  const fields = `<field var='pubsub#deliver'${deliver}><value>1</value></field><field var='pubsub#expire'${expire}>${datatype}</field>`
  const [queue, keys] = type === 'form' ? [" label='{_}' type='boolean'", " label='{_}' type='text-multi'"] : ['', '']
  const ours = `<field var='${NS.feeds}-queue'${queue}><value>0</value></field><field var='${NS.feeds}-key'${keys}/>`
  return formText(type, 'subscribe_options', fields + ours)
}

/** A node that two subscriptions of one JID make ambiguous. */
async function subscribeTwice(stage: PubsubStage, francisco: Player): Promise<void> {
  stage.node()
  stage.found.clear()
  await francisco.set('', subscribe, subscribed('{one}'))
  const more = formText('submit', 'subscribe_options', "<field var='pubsub#deliver'><value>0</value></field>")
  await francisco.set('', `${subscribe}<options>${more}</options>`, `${subscribed('{other}')}<options><etc/></options>`)
}

/** XEP-0060 §6.1. */
export async function subscribing(stage: PubsubStage): Promise<void> {
  const francisco = await stage.enter('francisco', 'barracks')
  stage.node()
  await francisco.set('E28 E29 E45', subscribe, subscribed('{subid}'))
  await francisco.set('E30', `<subscribe node='${NODE}' jid='bernardo@denmark.lit'/>`, refused('modify', 'bad-request', 'invalid-jid'))
  stage.node({ config: { accessModel: 'whitelist' } })
  await francisco.set('E33', subscribe, refused('cancel', 'not-allowed', 'closed-node'))
  stage.node({ config: { accessModel: 'authorize' } })
  await francisco.set('E42', subscribe, subscribed('{pending}', 'pending'))
  await francisco.set('E36', subscribe, refused('auth', 'not-authorized', 'pending-subscription'))
  stage.node({ affiliations: { francisco: 'outcast' } })
  await francisco.set('E37', subscribe, refused('auth', 'forbidden'))
  stage.node({ config: { subscribe: false } })
  await francisco.set('E39', subscribe, unsupported('subscribe'))
  stage.noNode()
  await francisco.set('E41', subscribe, refused('cancel', 'item-not-found'))
  stage.node()
  const bernardo = await stage.enter('bernardo', 'barracks')
  const horatio = await stage.enter('horatio', 'barracks')
  await bernardo.set(
    '',
    `<subscribe node='${NODE}' jid='bernardo@denmark.lit'/>`,
    '<subscription node="{_}" jid="{_}" subid="{_}" subscription="subscribed"><etc/></subscription>',
  )
  await horatio.set(
    'E38',
    `<subscribe node='${NODE}' jid='horatio@denmark.lit'/>`,
    refused('wait', 'policy-violation', 'too-many-subscriptions'),
  )
}

/** XEP-0060 §5.6, §6.2. */
export async function unsubscribing(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const unsubscribe = `<unsubscribe ${own}/>`
  stage.node()
  await francisco.set('E50', unsubscribe, refused('cancel', 'unexpected-request', 'not-subscribed'))
  await francisco.set('', subscribe, subscribed('{subid}'))
  await hamlet.set('E51', unsubscribe, refused('auth', 'forbidden'))
  await francisco.set('E53', `<unsubscribe ${own} subid='nonsense'/>`, refused('modify', 'not-acceptable', 'invalid-subid'))
  await francisco.set('E47 E48', unsubscribe, `<subscription ${own} subscription='none' subid='{subid}'/>`)
  stage.noNode()
  await francisco.set('E52', unsubscribe, refused('cancel', 'item-not-found'))
  await subscribeTwice(stage, francisco)
  const both = ['{one}', '{other}'].map((subid) => `<subscription ${own} subscription='subscribed' subid='${subid}'/>`).join('')
  await francisco.get('E16 E17', '<subscriptions/>', `<subscriptions>${both}</subscriptions>`)
  await francisco.get('E20 E21', `<subscriptions node='${NODE}'/>`, `<subscriptions node='${NODE}'>${both}</subscriptions>`)
  await francisco.set('E49', unsubscribe, refused('modify', 'bad-request', 'subid-required'))
  for (const subid of ['{one}', '{other}']) {
    await francisco.set('E48', `<unsubscribe ${own} subid='${subid}'/>`, `<subscription ${own} subscription='none' subid='${subid}'/>`)
  }
}

/** XEP-0060 §6.3, §6.4. */
export async function configuringSubscriptions(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const get = `<options ${own}/>`
  const feature = "<feature var='http://jabber.org/protocol/pubsub#subscription-options'/>"
  const info = (inside: string) => `<query xmlns='http://jabber.org/protocol/disco#info'>${inside}</query>`
  await francisco.ask('E54', 'get', info(''), info(`${feature}<etc/>`))
  stage.node()
  await francisco.get('E58', get, refused('cancel', 'unexpected-request', 'not-subscribed'))
  await francisco.set('', subscribe, subscribed('{subid}'))
  await hamlet.get('E57', get, refused('auth', 'forbidden'))
  await francisco.get('E55 E56', get, `<options ${own} subid='{subid}'>${told('form')}</options>`)
  await francisco.get('E59', `<options node='${NODE}'/>`, refused('modify', 'bad-request', 'jid-required'))
  await francisco.get('E61', `<options ${own} subid='nonsense'/>`, refused('modify', 'not-acceptable', 'invalid-subid'))
  for (const [name, value] of [
    ['include_body', '1'],
    ['digest', '1'],
    ['expire', 'presence'],
  ] as const) {
    const form = formText('submit', 'subscribe_options', `<field var='pubsub#${name}'><value>${value}</value></field>`)
    await francisco.set('§12.8', `<options ${own}>${form}</options>`, refused('modify', 'bad-request', 'invalid-options'))
  }
  const publish = `<publish node='${NODE}'><item id='one'>${ENTRY}</item></publish>`
  const published = `<publish node='${NODE}'><item id='one'/></publish>`
  const quiet = formText('submit', 'subscribe_options', "<field var='pubsub#deliver'><value>0</value></field>")
  await francisco.set('§12.3', `<options ${own}>${quiet}</options>`)
  await hamlet.set('§12.3', publish, published)
  await francisco.set('E64 E65', `<options ${own}>${options}</options>`)
  await hamlet.set('§12.3', publish, published)
  const event = `<event xmlns='${NS.pubsubEvent}'><items node='${NODE}'><item id='one'>${ENTRY}</item></items></event>`
  await francisco.hear('§12.3', event, { to: FRANCISCO, type: 'headline' })
  await francisco.hearNothing()
  await francisco.set('E66', `<options ${own}>${invalid}</options>`, refused('modify', 'bad-request', 'invalid-options'))
  await francisco.get('E69 E71', `<default node='${NODE}'/>`, `<default node='${NODE}'>${told('form')}</default>`)
  await francisco.get('E70', '<default/>', `<default>${told('form')}</default>`)
  stage.noNode()
  await francisco.get('E63', get, refused('cancel', 'item-not-found'))
  stage.node()
  const answer = `${subscribed('{both}')}<options>${told('result')}</options>`
  await francisco.set('E67 E68', `${subscribe}<options>${options}</options>`, answer)
  for (const wrong of [` node='${NODE}'`, ` jid='${FRANCISCO}'`]) {
    await francisco.set('§6.3.7', `${subscribe}<options${wrong}>${options}</options>`, refused('modify', 'bad-request'))
  }
  await francisco.set('§6.3.7', `<options>${options}</options>${subscribe}`, refused('modify', 'bad-request'))
  await subscribeTwice(stage, francisco)
  await francisco.get('E60', get, refused('modify', 'bad-request', 'subid-required'))
}
