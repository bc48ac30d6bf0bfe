import { NS } from '../../../src/xep/index.ts'
import { formText } from '../../helpers/pubsub-examples.ts'
import { NODE, type PubsubStage } from '../../helpers/pubsub-stage.ts'

const query = (what: 'info' | 'items', inside = '', node = '') =>
  `<query xmlns='http://jabber.org/protocol/disco#${what}'${node && ` node='${node}'`}>${inside}</query>`

/** XEP-0060 §5: what anybody finds out. */
export async function entityUseCases(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const shown = "<identity category='pubsub' type='service' name='{_}'/><feature var='http://jabber.org/protocol/pubsub'/>"
  await francisco.ask('XEP-0004 §6', 'get', query('info'), query('info', "<feature var='jabber:x:data'/><etc/>"))
  await francisco.ask('E7 E8', 'get', query('info'), query('info', `${shown}<etc/>`))

  await francisco.get('E16 E18', '<subscriptions/>', '<subscriptions/>')
  await francisco.get('E22 E24', '<affiliations/>', '<affiliations/>')

  stage.node({ name: 'Romeoance', config: { title: 'Letters to my Beloved' } })
  stage.node({ name: 'Julliennui', config: { title: 'A Rose by Another Name' } })
  const nodes = [
    "<item node='Romeoance' name='Letters to my Beloved' jid='pubsub.shakespeare.lit'/>",
    "<item node='Julliennui' name='A Rose by Another Name' jid='pubsub.shakespeare.lit'/>",
  ]
  await francisco.ask('E9 E10', 'get', query('items'), query('items', nodes.join('')))

  const config = {
    title: 'Princely Musings (Atom)',
    description: 'Updates for Hamlet',
    language: 'en',
    payloadType: 'urn:example:e2ee:bundle',
  }
  stage.node({ config: { ...config, contact: [stage.translate('bard@shakespeare.lit')] } })
  const identity = "<identity category='pubsub' type='leaf' name='Princely Musings (Atom)'/>"
  await francisco.ask('E11 E12', 'get', query('info', '', NODE), query('info', `${identity}<etc/>`, NODE))
  const told = (name: string, label: string, type: string, value: string) =>
    `<field var='pubsub#${name}' label='${label}' type='${type}'><value>${value}</value></field>`
  const form = [
    told('type', '{_}', 'text-single', 'urn:example:e2ee:bundle'),
    told('creator', '{_}', 'jid-single', 'hamlet@denmark.lit'),
    told('creation_date', '{_}', 'text-single', '{_}'),
    told('title', '{_}', 'text-single', 'Princely Musings (Atom)'),
    told('description', '{_}', 'text-single', 'Updates for Hamlet'),
    told('language', '{_}', 'text-single', 'en'),
    told('contact', '{_}', 'jid-multi', 'bard@shakespeare.lit'),
    told('owner', '{_}', 'jid-multi', 'hamlet@denmark.lit'),
    told('num_subscribers', '{_}', 'text-single', '0'),
    told('max_items', '{_}', 'text-single', '20'),
  ]
  const metaData = formText('result', 'meta-data', `${form.join('')}<etc/>`)
  const feature = "<feature var='http://jabber.org/protocol/pubsub'/>"
  await francisco.ask('E13 E14', 'get', query('info', '', NODE), query('info', `${identity}${feature}${metaData}`, NODE))

  stage.node()
  for (const id of ['368866411b877c30064a5f62b917cffe', '3300659945416e274474e469a1f0154c']) {
    await hamlet.set('', `<publish node='${NODE}'><item id='${id}'><entry xmlns='${NS.atom}'/></item></publish>`, '<etc/>')
  }
  const items = [
    "<item jid='pubsub.shakespeare.lit' name='368866411b877c30064a5f62b917cffe'/>",
    "<item jid='pubsub.shakespeare.lit' name='3300659945416e274474e469a1f0154c'/>",
  ]
  await francisco.ask('E15', 'get', query('items', '', NODE), query('items', items.join(''), NODE))
}
