/** Who publishes, and where the subscribers are. */
export const LOAD = 'load.localhost'
export const publisher = `pub@${LOAD}`
export const subscriber = (number: number): string => `s${number}@${LOAD}`

const PUBSUB = 'http://jabber.org/protocol/pubsub'

/** XEP-0447: a file that is somewhere, as an item announces it. With what is around it in a notification, 19 elements and about 1.1 KiB. */
export const ANNOUNCEMENT = [
  "<file-sharing xmlns='urn:xmpp:sfs:0' disposition='attachment' id='u9c2a7f05'>",
  "<file xmlns='urn:xmpp:file:metadata:0'><media-type>video/mp4</media-type><name>lobby-north-week-47.mp4</name><size>734003200</size>",
  '<date>2026-11-16T07:30:00Z</date><desc>The film that the screens of the northern lobby show from Monday on: what is new this week, the menu, the weather, and arrivals</desc>',
  '<width>1920</width><height>1080</height>',
  "<length>184000</length><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>",
  "<hash xmlns='urn:xmpp:hashes:2' algo='blake2b-256'>2AfMGH8O7UNPTvUVAM9aK13mpCY+1aBzXZ2RCRR2N3s=</hash></file>",
  "<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://files.localhost/4a771ac1/lobby-north-week-47.mp4'/>",
  "<jinglepub xmlns='urn:xmpp:jinglepub:1' from='pub@load.localhost/films' id='9559976B-3FBF-4E7E-B457-2DAA225972BB'/></sources>",
  '</file-sharing>',
].join('')

/** As short as an item is. */
export const SHORT = "<a xmlns='urn:example'/>"

const create = (node: string, configure: string): string => `<pubsub xmlns='${PUBSUB}'><create node='${node}'/>${configure}</pubsub>`
const field = (name: string, value: string): string => `<field var='${name}'><value>${value}</value></field>`

/** A node as whoever asks for nothing gets it. */
export const createPlain = (node: string): string => create(node, '')

/** A node that keeps the last twenty items, and does not tell of those that go. */
export function createNode(node: string): string {
  const fields = [
    field('FORM_TYPE', `${PUBSUB}#node_config`),
    field('pubsub#persist_items', '1'),
    field('pubsub#max_items', '20'),
    field('pubsub#notify_retract', '0'),
  ]
  return create(node, `<configure><x xmlns='jabber:x:data' type='submit'>${fields.join('')}</x></configure>`)
}

export const subscribe = (node: string, jid: string): string =>
  `<pubsub xmlns='${PUBSUB}'><subscribe node='${node}' jid='${jid}'/></pubsub>`

export const publish = (node: string, id: string, payload = ANNOUNCEMENT): string =>
  `<pubsub xmlns='${PUBSUB}'><publish node='${node}'><item id='${id}'>${payload}</item></publish></pubsub>`
