import test from 'ava'
import { BytestreamError, type ErrorCode, NodeMoved, UnsupportedFeature } from '../../src/core/index.ts'
import { buildErrorReply, parseElement, parseStanzaError } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'
import { owner } from '../helpers/pubsub-examples.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const ERRORS = 'http://jabber.org/protocol/pubsub#errors'
const request = parseElement("<iq type='set' from='francisco@denmark.lit/barracks' to='pubsub.shakespeare.lit' id='sub1'><pubsub/></iq>")
const reply = (type: string, inside: string) =>
  `<iq type='error' from='pubsub.shakespeare.lit' to='francisco@denmark.lit/barracks' id='sub1'><error type='${type}'>${inside}</error></iq>`

/** An error beside the XML of an example: answered so, and read. */
const isAnswered = test.macro({
  exec(t, error: BytestreamError | ErrorCode, type: string, condition: string, application = '', attributes = '') {
    const { stanzaError } = typeof error === 'string' ? new BytestreamError(error, '') : error
    const example = reply(type, `<${condition} xmlns='${STANZAS}'/>${application && `<${application} xmlns='${ERRORS}' ${attributes}/>`}`)
    means(t, buildErrorReply(request, stanzaError), example)
    t.deepEqual(parseStanzaError(parseElement(example)).stanzaError, stanzaError)
  },
  title: (given) => `XEP-0060 ${given} is answered as its example shows, and read`,
})

test('§6.1.3.1, §6.2.3, JIDs that do not match,', isAnswered, 'ERR_PUBSUB_INVALID_JID', 'modify', 'bad-request', 'invalid-jid')
test('§6.1.3.2, presence,', isAnswered, 'ERR_PUBSUB_PRESENCE_REQUIRED', 'auth', 'not-authorized', 'presence-subscription-required')
test('§6.1.3.3, roster groups,', isAnswered, 'ERR_PUBSUB_NOT_IN_GROUP', 'auth', 'not-authorized', 'not-in-roster-group')
test('§6.1.3.4, §6.5.9.8, a whitelist,', isAnswered, 'ERR_PUBSUB_CLOSED_NODE', 'cancel', 'not-allowed', 'closed-node')
test('§6.1.3.7, pending,', isAnswered, 'ERR_PUBSUB_PENDING', 'auth', 'not-authorized', 'pending-subscription')
test('§6.1.3.8, §7.1.3.1, §8.2.3.2, blocked or without the right,', isAnswered, 'ERR_FORBIDDEN', 'auth', 'forbidden')
test(
  '§6.1.3.9, too many subscriptions,',
  isAnswered,
  'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS',
  'wait',
  'policy-violation',
  'too-many-subscriptions',
)
test('§6.1.3.12, §6.2.3.4, §7.1.3.3, no such node,', isAnswered, 'ERR_ITEM_NOT_FOUND', 'cancel', 'item-not-found')
test('§6.2.3.1, §6.3.4.4, no subid,', isAnswered, 'ERR_PUBSUB_SUBID_REQUIRED', 'modify', 'bad-request', 'subid-required')
test('§6.2.3.2, nobody subscribed,', isAnswered, 'ERR_PUBSUB_NOT_SUBSCRIBED', 'cancel', 'unexpected-request', 'not-subscribed')
test('§6.2.3.5, §6.3.4.5, a wrong subid,', isAnswered, 'ERR_PUBSUB_INVALID_SUBID', 'modify', 'not-acceptable', 'invalid-subid')
test('§6.3.4.3, no JID,', isAnswered, 'ERR_PUBSUB_JID_REQUIRED', 'modify', 'bad-request', 'jid-required')
test('§6.3.6.2, wrong options,', isAnswered, 'ERR_PUBSUB_INVALID_OPTIONS', 'modify', 'bad-request', 'invalid-options')
test('§6.5.9.3, items for subscribers only,', isAnswered, 'ERR_PUBSUB_SUBSCRIBERS_ONLY', 'auth', 'not-authorized', 'not-subscribed')
test('§7.1.3.4, a full node,', isAnswered, 'ERR_PUBSUB_NODE_FULL', 'cancel', 'conflict', 'node-full')
test('§7.1.3.5, a large payload,', isAnswered, 'ERR_PUBSUB_PAYLOAD_TOO_BIG', 'modify', 'not-acceptable', 'payload-too-big')
test('§7.1.3.6, a wrong payload,', isAnswered, 'ERR_PUBSUB_INVALID_PAYLOAD', 'modify', 'bad-request', 'invalid-payload')
test('§7.1.3.7, §7.2.3.4, no item,', isAnswered, 'ERR_PUBSUB_ITEM_REQUIRED', 'modify', 'bad-request', 'item-required')
test('§7.1.3.7, no payload,', isAnswered, 'ERR_PUBSUB_PAYLOAD_REQUIRED', 'modify', 'bad-request', 'payload-required')
test('§7.1.3.7, an item too many,', isAnswered, 'ERR_PUBSUB_ITEM_FORBIDDEN', 'modify', 'bad-request', 'item-forbidden')
test('§7.1.5, a precondition,', isAnswered, 'ERR_PUBSUB_PRECONDITION', 'cancel', 'conflict', 'precondition-not-met')
test('§7.2.3.3, §8.2.3.3, no node,', isAnswered, 'ERR_PUBSUB_NODEID_REQUIRED', 'modify', 'bad-request', 'nodeid-required')
test('§8.1.1, a node there is already,', isAnswered, 'ERR_PUBSUB_NODE_EXISTS', 'cancel', 'conflict')
test('§8.1.2, an access model,', isAnswered, 'ERR_PUBSUB_ACCESS_MODEL', 'modify', 'not-acceptable', 'unsupported-access-model')
test('§12.11, a batch too large,', isAnswered, 'ERR_PUBSUB_MAX_ITEMS', 'cancel', 'not-allowed', 'max-items-exceeded')

for (const feature of ['subscribe', 'persistent-items', 'retrieve-items', 'subscription-options', 'purge-nodes', 'member-affiliation']) {
  const error = new UnsupportedFeature(feature, 'it is not done here')
  test(
    `§6.1.3.10, §6.5.9.4, §8.9.2.3, ${feature},`,
    isAnswered,
    error,
    'cancel',
    'feature-not-implemented',
    'unsupported',
    `feature='${feature}'`,
  )
}

test('XEP-0060 §6.1.3.11: a node that has moved tells where to, whatever spaces are around it', (t) => {
  const uri = 'xmpp:pubsub.shakespeare.lit?;node=some-other-node'
  const { stanzaError } = new NodeMoved(uri, 'it is elsewhere')
  const example = reply('modify', `<gone xmlns='${STANZAS}'>\n${uri}\n</gone>`)
  means(t, buildErrorReply(request, stanzaError), example)
  t.deepEqual(parseStanzaError(parseElement(example)).stanzaError, stanzaError)
})

test('XEP-0060 §8.9.2.4: an error comes with what was left as it is', (t) => {
  const left = owner("<affiliations node='princely_musings'><affiliation jid='hamlet@denmark.lit' affiliation='owner'/></affiliations>")
  const built = buildErrorReply(request, { type: 'modify', condition: 'not-acceptable' }, '', parseElement(left))
  const error = `<error type='modify'><not-acceptable xmlns='${STANZAS}'/></error>`
  means(t, built, `<iq type='error' from='pubsub.shakespeare.lit' to='francisco@denmark.lit/barracks' id='sub1'>${left}${error}</iq>`)
  t.is(parseStanzaError(built).condition, 'not-acceptable')
})
