import { NS } from '../../../src/xep/index.ts'
import { ENTRY } from '../../helpers/pubsub-examples.ts'
import { NODE, type Player, type PubsubStage, refused, unsupported } from '../../helpers/pubsub-stage.ts'

const own = `node='${NODE}' jid='francisco@denmark.lit'`

/** The items of the examples, the oldest first. */
const IDS = [
  '368866411b877c30064a5f62b917cffe',
  '3300659945416e274474e469a1f0154c',
  '4e30f35051b7b8b42abe083742187228',
  'ae890ac52d0df67ed7cfdf51b644e901',
] as const
const item = (id: string) => `<item id='${id}'>${ENTRY}</item>`
const items = (ids: readonly string[]) => `<items node='${NODE}'>${ids.map(item).join('')}</items>`
const all = `<items node='${NODE}'/>`

async function publishAll(hamlet: Player): Promise<void> {
  for (const id of IDS) await hamlet.set('', `<publish node='${NODE}'>${item(id)}</publish>`, '<etc/>')
}

/** XEP-0060 §6.1.7, §6.5. */
export async function retrieving(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  stage.node({ config: { sendLastPublishedItem: 'on_sub' } })
  await francisco.get('E82', `<items node='${NODE}' max_items='2'/>`, all)
  await publishAll(hamlet)
  await francisco.set('', `<subscribe ${own}/>`, '<etc/>')
  const last = `<event xmlns='${NS.pubsubEvent}'><items node='${NODE}'>${item(IDS[3])}</items></event>`
  await francisco.hear('E46', `${last}<delay xmlns='${NS.delay}' stamp='{_}'/>`, { to: 'francisco@denmark.lit', type: 'headline' })

  await francisco.get('E74 E75', all, items(IDS))
  const page = `<set xmlns='${NS.resultSets}'><first index='0'>${IDS[0]}</first><last>${IDS[2]}</last><count>4</count></set>`
  await francisco.get('E76', `${all}<set xmlns='${NS.resultSets}'><max>3</max></set>`, `${items(IDS.slice(0, 3))}${page}`)
  const none = (bounds: string) => `${all}<set xmlns='${NS.resultSets}'>${bounds}</set>`
  await francisco.get('XEP-0059 §2.7', none('<max>0</max>'), none('<count>4</count>'))
  await francisco.get('XEP-0059 §2.2', none(`<max>3</max><after>${IDS[3]}</after>`), none('<count>4</count>'))
  await francisco.get('XEP-0059 §2.3', none(`<max>3</max><before>${IDS[0]}</before>`), none('<count>4</count>'))
  await francisco.get('XEP-0059 §2.6', none('<max>3</max><index>4</index>'), none('<count>4</count>'))
  const only = `<set xmlns='${NS.resultSets}'><first index='3'>${IDS[3]}</first><last>${IDS[3]}</last><count>4</count></set>`
  await francisco.get('XEP-0059 §2.5', none('<max>1</max><before/>'), `${items([IDS[3]])}${only}`)
  await francisco.get('XEP-0059 §2.6', none('<max>1</max><index>3</index>'), `${items([IDS[3]])}${only}`)
  await francisco.get('XEP-0059 §2.4', none('<after>nothing</after>'), refused('cancel', 'item-not-found'))
  const newest = (...ids: readonly string[]) => `${items(ids)}<etc/>`
  await francisco.get('E77', `<items node='${NODE}' max_items='1'/>`, newest(IDS[3]))
  await francisco.get('E80 E81', `<items node='${NODE}' max_items='2'/>`, newest(IDS[2], IDS[3]))
  const named = (...ids: readonly string[]) => `<items node='${NODE}'>${ids.map((id) => `<item id='${id}'/>`).join('')}</items>`
  await francisco.get('E78 E79', named(IDS[0], IDS[2]), items([IDS[0], IDS[2]]))
  await francisco.get('E83', named(IDS[3]), items([IDS[3]]))
  await francisco.get('E95', named('nothing'), all)
}

/** XEP-0060 §6.5.9. */
export async function notRetrieving(stage: PubsubStage): Promise<void> {
  const francisco = await stage.enter('francisco', 'barracks')
  stage.node()
  await francisco.set('', `<subscribe ${own}/>`, '<etc/>')
  await francisco.get('E85', `<items node='${NODE}' subid='nonsense'/>`, refused('modify', 'not-acceptable', 'invalid-subid'))
  const options = `<options><x xmlns='${NS.dataForms}' type='submit'><field var='pubsub#deliver'><value>0</value></field></x></options>`
  await francisco.set('', `<subscribe ${own}/>${options}`, '<etc/>')
  await francisco.get('E84', all, refused('modify', 'bad-request', 'subid-required'))
  stage.node({ config: { accessModel: 'authorize' } })
  await francisco.get('E86', all, refused('auth', 'not-authorized', 'not-subscribed'))
  await francisco.set('', `<subscribe ${own}/>`, '<etc/>')
  await francisco.get('E86', all, refused('auth', 'not-authorized', 'not-subscribed'))
  stage.node({ config: { persistItems: false } })
  await francisco.get('E87', all, unsupported('persistent-items'))
  stage.node({ kind: 'collection' })
  await francisco.get('E88', all, unsupported('retrieve-items'))
  stage.node({ config: { accessModel: 'whitelist' } })
  await francisco.get('E91', all, refused('cancel', 'not-allowed', 'closed-node'))
  stage.node({ affiliations: { francisco: 'outcast' } })
  await francisco.get('E93', all, refused('auth', 'forbidden'))
  stage.noNode()
  await francisco.get('E94', all, refused('cancel', 'item-not-found'))
}
