import { NS } from '../../../src/xep/index.ts'
import { ENTRY, formText } from '../../helpers/pubsub-examples.ts'
import { NODE, type Player, type PubsubStage, refused, unsupported } from '../../helpers/pubsub-stage.ts'

const HEADLINE = { to: 'francisco@denmark.lit', type: 'headline' }
const field = (name: string, value: string) => `<field var='pubsub#${name}'><value>${value}</value></field>`
const event = (inside: string) => `<event xmlns='${NS.pubsubEvent}'>${inside}</event>`
const config = (inside: string) => formText('submit', 'node_config', inside)

/** What the examples set: what a component cannot know is off, and what is not registered any more is passed over. */
const submitted: Readonly<Record<string, string>> = {
  title: 'Princely Musings (Atom)',
  deliver_notifications: '1',
  deliver_payloads: '1',
  persist_items: '1',
  max_items: '10',
  item_expire: '604800',
  access_model: 'open',
  publish_model: 'publishers',
  purge_offline: '0',
  send_last_published_item: 'never',
  presence_based_delivery: 'false',
  notification_type: 'headline',
  notify_config: '0',
  notify_delete: '0',
  notify_retract: '0',
  notify_sub: '0',
  max_payload_size: '1028',
  type: 'urn:example:e2ee:bundle',
  body_xslt: 'http://jabxslt.jabberstudio.org/atom_body.xslt',
}
const fields = (changes: Readonly<Record<string, string>> = {}) =>
  Object.entries({ ...submitted, ...changes })
    .map(([name, value]) => field(name, value))
    .join('')
const shown = Object.entries(submitted).filter(([name]) => !['purge_offline', 'presence_based_delivery', 'body_xslt'].includes(name))
const form = (values: readonly (readonly [string, string])[]) => {
  const typed = values.map(([name, value]) => `<field var='pubsub#${name}' type='{_}' label='{_}'><value>${value}</value><etc/></field>`)
  return formText('form', 'node_config', `${typed.join('')}<etc/>`)
}

/** XEP-0060 §8.1. */
export async function creating(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const create = `<create node='${NODE}'/>`
  await hamlet.set('E125 E133 E135', create)
  await hamlet.set('E129', create, refused('cancel', 'conflict'))
  await francisco.set('E128', "<create node='other'/>", refused('auth', 'forbidden'))
  await hamlet.set('E131 E132', '<create/>', "<create node='{instant}'/>")
  await hamlet.ownerGet('E132', "<configure node='{instant}'/>", "<configure node='{instant}'><etc/></configure>")
  stage.noNode()
  await hamlet.set('E134 E135', `${create}<configure>${config(field('access_model', 'whitelist'))}</configure>`)
  await francisco.get('E134', `<items node='${NODE}'/>`, refused('cancel', 'not-allowed', 'closed-node'))
  stage.noNode()
  const model = config(field('access_model', 'roster'))
  await hamlet.set('E136', `${create}<configure>${model}</configure>`, refused('modify', 'not-acceptable', 'unsupported-access-model'))
  await hamlet.set('E137 E138', `${create}<configure>${config(fields())}</configure>`)
  await hamlet.ownerGet('E137', `<configure node='${NODE}'/>`, `<configure node='${NODE}'>${form(shown)}</configure>`)
  await hamlet.set('§8.1.3', `<configure>${config('')}</configure>${create}`, refused('modify', 'bad-request'))
  await hamlet.set('§8.1.3', `<create node='other'/><configure node='other'>${config('')}</configure>`, refused('modify', 'bad-request'))
}

async function subscribe(francisco: Player): Promise<void> {
  await francisco.set('', `<subscribe node='${NODE}' jid='francisco@denmark.lit'/>`, '<etc/>')
}

/** XEP-0060 §8.2, §8.3. */
export async function configuring(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const get = `<configure node='${NODE}'/>`
  const set = (changes: Readonly<Record<string, string>>) => `<configure node='${NODE}'>${config(fields(changes))}</configure>`
  const is = (...values: readonly (readonly [string, string])[]) => `<configure node='${NODE}'>${form(values)}</configure>`
  stage.node({ config: { title: 'Before' } })
  await hamlet.ownerGet('E139 E140', get, is(['title', 'Before'], ['max_items', '20'], ['access_model', 'open']))
  await francisco.ownerGet('E142', get, refused('auth', 'forbidden'))
  await francisco.ownerSet('E142', set({}), refused('auth', 'forbidden'))
  await hamlet.ownerGet('E143', '<configure/>', refused('modify', 'bad-request', 'nodeid-required'))
  await hamlet.ownerSet('E147 E148', `<configure node='${NODE}'><x xmlns='jabber:x:data' type='cancel'/></configure>`)
  await hamlet.ownerSet('§8.2.4', `<configure node='${NODE}'>${formText('cancel', 'node_config', fields())}</configure>`)
  await hamlet.ownerGet('E147', get, is(['title', 'Before'], ['max_items', '20']))
  await hamlet.ownerSet('E149', set({ max_items: 'many' }), refused('modify', 'not-acceptable'))
  await hamlet.ownerGet('E149', get, is(['title', 'Before'], ['max_items', '20']))
  await subscribe(francisco)
  const contacts = (...jids: readonly string[]) => {
    const values = jids.map((jid) => `<value>${jid}</value>`).join('')
    return config(`<field var='pubsub#contact'>${values}</field>`)
  }
  await hamlet.ownerSet('XEP-0004 §3.3', `<configure node='${NODE}'>${contacts('a@b@c')}</configure>`, refused('modify', 'not-acceptable'))
  await hamlet.ownerSet(
    'XEP-0004 §3.3',
    `<configure node='${NODE}'>${contacts('bard@shakespeare.lit', 'Bard@SHAKESPEARE.lit')}</configure>`,
  )
  await hamlet.ownerGet('XEP-0004 §3.3', get, is(['contact', 'bard@shakespeare.lit']))
  await hamlet.ownerSet('E146 E148', set({}))
  await hamlet.ownerGet('E146', get, is(...shown))
  await hamlet.ownerSet('', set({ notify_config: '1' }))
  const told = formText('result', 'node_config', `${field('title', 'Princely Musings (Atom)')}${field('notify_config', '1')}<etc/>`)
  await francisco.hear('E151', event(`<configuration node='${NODE}'>${told}</configuration>`), HEADLINE)
  await hamlet.ownerSet('', set({ notify_config: '1', deliver_payloads: '0' }))
  await francisco.hear('E150', event(`<configuration node='${NODE}'/>`), HEADLINE)
  await francisco.hearNothing()
  stage.noNode()
  await hamlet.ownerGet('E145', get, refused('cancel', 'item-not-found'))

  const defaults = (...values: readonly (readonly [string, string])[]) => `<default>${form(values)}</default>`
  await hamlet.ownerGet('E152 E154', '<default/>', defaults(['node_type', 'leaf'], ['access_model', 'open'], ['max_items', '20']))
  await hamlet.ownerGet('E153 E154', "<default type='collection'/>", defaults(['node_type', 'collection'], ['children_max', 'max']))
}

/** XEP-0060 §8.4, §8.5. */
export async function removing(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const remove = `<delete node='${NODE}'/>`
  const purge = `<purge node='${NODE}'/>`
  stage.node({ config: { notifyRetract: true } })
  for (const id of ['one', 'two']) {
    await hamlet.set('', `<publish node='${NODE}'><item id='${id}'>${ENTRY}</item></publish>`, '<etc/>')
  }
  await subscribe(francisco)
  await francisco.ownerSet('E167', purge, refused('auth', 'forbidden'))
  await hamlet.ownerSet('E163 E164', purge)
  await francisco.hear('E165', event(purge), HEADLINE)
  await francisco.hearNothing()
  await francisco.get('E164', `<items node='${NODE}'/>`, `<items node='${NODE}'/>`)
  await hamlet.ownerSet('', `<configure node='${NODE}'>${config(field('persist_items', '0'))}</configure>`)
  await hamlet.ownerSet('E168', purge, unsupported('persistent-items'))

  await francisco.ownerSet('E161', remove, refused('auth', 'forbidden'))
  await hamlet.ownerSet('E157 E159', remove)
  await francisco.hear('E160', event(remove), HEADLINE)
  await hamlet.ownerSet('E162', remove, refused('cancel', 'item-not-found'))
  await hamlet.ownerSet('E169', purge, refused('cancel', 'item-not-found'))
  stage.node({ config: { accessModel: 'authorize' } })
  await subscribe(francisco)
  const elsewhere = `<delete node='${NODE}'><redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/></delete>`
  await hamlet.ownerSet('E158 E159', elsewhere)
  await francisco.hear('E160', event(elsewhere), HEADLINE)
  const gone = `<error type='modify'><gone xmlns='${NS.stanzas}'>xmpp:hamlet@denmark.lit?;node=blog</gone></error>`
  await francisco.set('E40', `<subscribe node='${NODE}' jid='francisco@denmark.lit'/>`, gone)
  await francisco.hearNothing()
}
