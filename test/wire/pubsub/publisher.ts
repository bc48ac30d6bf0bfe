import { NS } from '../../../src/xep/index.ts'
import { ENTRY, formText } from '../../helpers/pubsub-examples.ts'
import { NODE, type Player, type PubsubStage, refused, unsupported } from '../../helpers/pubsub-stage.ts'

const FRANCISCO = 'francisco@denmark.lit'
const ID = 'bnd81g37d61f49fgn581'

const publish = (id: string | undefined, payload = ENTRY) =>
  `<publish node='${NODE}'><item${id ? ` id='${id}'` : ''}>${payload}</item></publish>`
const published = (id: string) => `<publish node='${NODE}'><item id='${id}'/></publish>`
const event = (inside: string) => `<event xmlns='${NS.pubsubEvent}'><items node='${NODE}'>${inside}</items></event>`
const headline = { to: FRANCISCO, type: 'headline' }

async function subscribe(player: Player, local: string, options = ''): Promise<void> {
  await player.set('', `<subscribe node='${NODE}' jid='${local}@denmark.lit'/>${options}`, '<etc/>')
}

/** Two subscriptions of one JID; {one} and {other} are their ids. */
async function subscribeTwice(stage: PubsubStage, francisco: Player): Promise<void> {
  const lease = (year: number) =>
    formText('submit', 'subscribe_options', `<field var='pubsub#expire'><value>${year}-01-01T00:00:00Z</value></field>`)
  stage.found.clear()
  for (const [year, subid] of [
    [2060, '{one}'],
    [2061, '{other}'],
  ] as const) {
    await francisco.set(
      '',
      `<subscribe node='${NODE}' jid='${FRANCISCO}'/><options>${lease(year)}</options>`,
      `<subscription node='${NODE}' jid='${FRANCISCO}' subid='${subid}' subscription='subscribed' expiry='{_}'><etc/></subscription><options><etc/></options>`,
    )
  }
}

const notated = `<headers xmlns='${NS.shim}'><header name='SubID'>{one}</header><header name='SubID'>{other}</header></headers>`

/** XEP-0060 §6.1.6: full JIDs of one account are told as if they were of several. */
export async function separately(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'blogbot')
  const players = [await stage.enter('francisco', 'barracks'), await stage.enter('francisco', 'elsinore')] as const
  stage.node()
  await players[0].set('', `<subscribe node='${NODE}' jid='francisco@denmark.lit/barracks'/>`, '<etc/>')
  await players[1].set('', `<subscribe node='${NODE}' jid='francisco@denmark.lit/elsinore'/>`, '<etc/>')
  await hamlet.set('', publish(ID), published(ID))
  for (const player of players) {
    await player.hear('§6.1.6', event(`<item id='${ID}'>${ENTRY}</item>`), { type: 'headline' })
    await player.hearNothing()
  }
}

/** XEP-0060 §7.1, but for its errors. */
export async function publishing(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'blogbot')
  const francisco = await stage.enter('francisco', 'barracks')
  const bernardo = await stage.enter('bernardo', 'barracks')
  stage.node()
  await subscribe(francisco, 'francisco')
  await hamlet.set('E96 E98', publish(ID), published(ID))
  await francisco.hear('E100', event(`<item id='${ID}'>${ENTRY}</item>`), headline)
  await hamlet.set('E97 E99', publish(undefined), published('{made}'))
  await francisco.hear('E100', event(`<item id='{made}'>${ENTRY}</item>`), headline)
  await hamlet.set('§7.1.2, §7.1.3', publish(ID, '<entry xmlns="http://www.w3.org/2005/Atom"/>'), published(ID))
  await francisco.hear('§7.1.2', event(`<item id='${ID}'><entry xmlns="http://www.w3.org/2005/Atom"/></item>`), headline)
  const over = `<items node='${NODE}'><item id='${ID}'><entry xmlns="http://www.w3.org/2005/Atom"/></item></items>`
  await francisco.get('§7.1.2', `<items node='${NODE}'><item id='${ID}'/></items>`, over)

  stage.node({ config: { deliverPayloads: false } })
  await subscribe(francisco, 'francisco')
  await subscribe(bernardo, 'bernardo')
  await hamlet.set('', publish(ID), published(ID))
  await francisco.hear('E101', event(`<item id='${ID}'/>`), headline)
  await bernardo.hear('E101', event(`<item id='${ID}'/>`), { ...headline, to: 'bernardo@denmark.lit' })

  stage.node({ config: { itemReply: 'publisher' } })
  await subscribe(francisco, 'francisco')
  const spoofed = `<publish node='${NODE}'><item id='${ID}' publisher='bard@shakespeare.lit'>${ENTRY}</item></publish>`
  await hamlet.set('§7.1.2.3', spoofed, published(ID))
  const named = `<item id='${ID}' publisher='hamlet@denmark.lit/blogbot'>${ENTRY}</item>`
  await francisco.hear('E102', event(named), headline)
  await francisco.get('E103', `<items node='${NODE}'/>`, `<items node='${NODE}'>${named}</items>`)

  stage.node({ config: { deliverPayloads: false } })
  await subscribeTwice(stage, francisco)
  await hamlet.set('', publish(ID), published(ID))
  await francisco.hear('E104', `${event(`<item id='${ID}'/>`)}${notated}`, headline)
  for (const player of [francisco, bernardo]) await player.hearNothing()
}

/** XEP-0060 §7.1.3, §7.1.5. */
export async function notPublishing(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const options = (accessModel: string) =>
    `<publish-options>${formText('submit', 'publish-options', `<field var='pubsub#access_model'><value>${accessModel}</value></field>`)}</publish-options>`
  stage.node()
  await francisco.set('E105', publish(ID), refused('auth', 'forbidden'))
  await hamlet.set(
    'E109',
    publish(ID, `<entry xmlns='http://www.w3.org/2005/Atom'>${'O'.repeat(3_000)}</entry>`),
    refused('modify', 'not-acceptable', 'payload-too-big'),
  )
  await hamlet.set('E110', publish(ID, `${ENTRY}${ENTRY}`), refused('modify', 'bad-request', 'invalid-payload'))
  await hamlet.set('E111', `<publish node='${NODE}'/>`, refused('modify', 'bad-request', 'item-required'))
  await hamlet.set('E112', publish(ID, ''), refused('modify', 'bad-request', 'payload-required'))
  await hamlet.set('E114', `${publish(ID)}${options('presence')}`, refused('cancel', 'conflict', 'precondition-not-met'))
  await hamlet.set('E114', `${publish(ID)}${options('open')}`, published(ID))
  stage.node({ config: { payloadType: 'urn:example:other' } })
  await hamlet.set('E110', publish(ID), refused('modify', 'bad-request', 'invalid-payload'))
  stage.node({ kind: 'collection' })
  await hamlet.set('E106', publish(ID), unsupported('publish'))
  stage.node({ config: { maxItems: 1, whenFull: 'reject' } })
  await hamlet.set('', publish('first'), published('first'))
  await hamlet.set('E108', publish(ID), refused('cancel', 'conflict', 'node-full'))
  stage.node({ config: { persistItems: false, deliverPayloads: false } })
  await hamlet.set('E113', publish(ID), refused('modify', 'bad-request', 'item-forbidden'))
  stage.noNode()
  await hamlet.set('E107', publish(ID), refused('cancel', 'item-not-found'))
}

/** XEP-0060 §7.2. */
export async function retracting(stage: PubsubStage): Promise<void> {
  const hamlet = await stage.enter('hamlet', 'elsinore')
  const francisco = await stage.enter('francisco', 'barracks')
  const bernardo = await stage.enter('bernardo', 'barracks')
  const retract = (inside = `<item id='${ID}'/>`, attributes = `node='${NODE}'`) => `<retract ${attributes}>${inside}</retract>`
  const gone = event(`<retract id='${ID}'/>`)
  stage.node({ config: { deliverPayloads: false } })
  await hamlet.set('E120', retract(), refused('cancel', 'item-not-found'))
  await hamlet.set('', publish(ID), published(ID))
  await francisco.set('E119', retract(), refused('auth', 'forbidden'))
  await hamlet.set('E121', retract(undefined, ''), refused('modify', 'bad-request', 'nodeid-required'))
  await hamlet.set('E122', retract(''), refused('modify', 'bad-request', 'item-required'))
  await hamlet.set('E122', retract('<item/>'), refused('modify', 'bad-request', 'item-required'))
  await subscribe(francisco, 'francisco')
  await hamlet.set('E115 E116', retract())
  await francisco.get('§7.2.2', `<items node='${NODE}'/>`, `<items node='${NODE}'/>`)
  await francisco.hearNothing()
  await subscribe(bernardo, 'bernardo')
  for (const notify of ['true', '1']) {
    await hamlet.set('', publish(ID), published(ID))
    await hamlet.set('E116', retract(undefined, `node='${NODE}' notify='${notify}'`))
    for (const [player, to] of [
      [francisco, FRANCISCO],
      [bernardo, 'bernardo@denmark.lit'],
    ] as const) {
      await player.hear('', event(`<item id='${ID}'/>`), { ...headline, to })
      await player.hear('E117', gone, { ...headline, to })
    }
  }
  stage.node({ config: { notifyRetract: true } })
  await hamlet.set('', publish(ID), published(ID))
  await subscribeTwice(stage, francisco)
  await hamlet.set('', retract())
  await francisco.hear('E118', `${gone}${notated}`, headline)
  stage.node({ config: { persistItems: false } })
  await hamlet.set('E123', retract(), unsupported('persistent-items'))
  stage.noNode()
  await hamlet.set('E120', retract(), refused('cancel', 'item-not-found'))
}
