// Goal: a contact's subscription and that of its bare JID are one: whatever ends or lets in the one, does so with the other.

import test from 'ava'
import { type ContactWords, MemoryPresence, MemoryStore, Pubsub, type SubscriptionView } from '../../../src/pubsub/index.ts'

const OWNER = { jid: 'hamlet@denmark.lit/elsinore' }
const ACCOUNT = 'horatio@denmark.lit'
const SUBSCRIBER = { jid: `${ACCOUNT}/castle` }

function scene(accessModel: 'open' | 'authorize' | 'whitelist' = 'open') {
  let nowMs = 1_000_000
  const presence = new MemoryPresence()
  const pubsub = new Pubsub({ store: new MemoryStore(), presence, now: () => nowMs })
  const words: ContactWords[] = []
  const gone: string[] = []
  pubsub.contacts.watch({ words: (each) => void words.push(each), gone: ({ name }) => void gone.push(name) })
  const { node } = pubsub.create(OWNER, { node: 'news', config: { accessModel } })
  const { id } = pubsub.node('news')
  const contact = () => pubsub.contacts.contact(id, ACCOUNT)
  const subscribe = (): SubscriptionView => {
    pubsub.contacts.take(id, ACCOUNT, 'subscribe')
    const { subscription } = pubsub.subscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT })
    if (subscription.state === 'subscribed') pubsub.contacts.take(id, ACCOUNT, 'letIn')
    return subscription
  }
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { pubsub, presence, words, gone, id, node, contact, subscribe, pass, now: () => nowMs }
}

const ENDED = { node: 'news', account: ACCOUNT, say: ['unsubscribed', 'unavailable', 'unsubscribe'] }

test('who unsubscribes by XEP-0060 is told so by presence', (t) => {
  const { pubsub, words, contact, subscribe } = scene()
  subscribe()
  t.like(contact(), { theirs: 'subscribed', ours: 'asked' })
  pubsub.unsubscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT })
  t.deepEqual(words, [ENDED])
  t.is(contact(), undefined)
})

test('who is removed by an owner, or made an outcast, is told so', (t) => {
  const removed = scene()
  removed.subscribe()
  removed.pubsub.setNodeSubscriptions(OWNER, 'news', [{ jid: ACCOUNT, state: 'none' }])
  t.deepEqual(removed.words, [ENDED])

  const outcast = scene()
  outcast.subscribe()
  outcast.pubsub.setNodeAffiliations(OWNER, 'news', [{ jid: ACCOUNT, affiliation: 'outcast' }])
  t.deepEqual(outcast.words, [ENDED])
})

test('who is let in by an owner is told so, and asked back; who is not, is told so too', (t) => {
  for (const isAllowed of [true, false]) {
    const { pubsub, words, contact, subscribe } = scene('authorize')
    t.is(subscribe().state, 'pending')
    t.like(contact(), { theirs: 'pending', ours: 'none' })
    t.deepEqual(words, [])
    pubsub.decide(OWNER, { node: 'news', jid: ACCOUNT }, isAllowed)
    const say = isAllowed ? ['subscribed', 'available', 'subscribe'] : ['unsubscribed']
    t.deepEqual(words, [{ node: 'news', account: ACCOUNT, say }])
    if (isAllowed) t.like(contact(), { theirs: 'subscribed', ours: 'asked' })
    else t.is(contact(), undefined)
  }
})

test('who has become a publisher while he waited is let in', (t) => {
  const { pubsub, words, subscribe } = scene('authorize')
  subscribe()
  pubsub.setNodeAffiliations(OWNER, 'news', [{ jid: ACCOUNT, affiliation: 'publisher' }])
  t.deepEqual(words, [{ node: 'news', account: ACCOUNT, say: ['subscribed', 'available', 'subscribe'] }])
})

test('whose lease is over is told so', (t) => {
  const { pubsub, words, subscribe, pass, now } = scene()
  subscribe()
  pubsub.setOptions(SUBSCRIBER, { node: 'news', jid: ACCOUNT }, { expiresMs: now() + 1000 })
  pubsub.sweep()
  t.deepEqual(words, [])
  pass(2000)
  pubsub.sweep()
  t.deepEqual(words, [ENDED])
})

test('whose notifications have come back for too long is told so', (t) => {
  const { pubsub, words, subscribe } = scene()
  subscribe()
  pubsub.endSubscriptions('news', ACCOUNT)
  t.deepEqual(words, [ENDED])
})

test('another subscription of the account has nothing to do with its contact', (t) => {
  const { pubsub, words, contact, subscribe } = scene()
  subscribe()
  pubsub.subscribe(SUBSCRIBER, { node: 'news', jid: SUBSCRIBER.jid })
  pubsub.unsubscribe(SUBSCRIBER, { node: 'news', jid: SUBSCRIBER.jid })
  t.deepEqual(words, [])
  t.like(contact(), { theirs: 'subscribed' })
})

test('while its bare JID has another subscription, a contact stays', (t) => {
  const { pubsub, words, subscribe } = scene()
  const first = subscribe()
  const { subscription: second } = pubsub.subscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT, options: { deliver: false } })
  pubsub.unsubscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT, subid: first.subid })
  t.deepEqual(words, [])
  pubsub.unsubscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT, subid: second.subid })
  t.deepEqual(words, [ENDED])
})

test('who has subscribed by XEP-0060 alone hears nothing by presence', (t) => {
  const { pubsub, words, contact } = scene()
  pubsub.subscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT })
  pubsub.unsubscribe(SUBSCRIBER, { node: 'news', jid: ACCOUNT })
  t.deepEqual([words, contact()], [[], undefined])
})

test('the contacts of a node that is deleted leave one by one', (t) => {
  const { pubsub, presence, gone, id, subscribe } = scene()
  subscribe()
  for (let more = 0; more < 4; more++) {
    presence.putContact({ nodeId: id, account: `${more}@denmark.lit`, theirs: more === 0 ? 'pending' : 'subscribed', ours: 'none' })
  }
  pubsub.delete(OWNER, 'news')
  t.deepEqual(gone, ['news'])
  const node = { id, name: 'news' }
  t.is(pubsub.contacts.leave(node, 3).length, 3)
  t.is(pubsub.contacts.leave(node, 3).length, 2)
  t.deepEqual(pubsub.contacts.leave(node, 3), [])
  t.is(pubsub.contacts.count, 0)
})

test('a node without contacts is deleted without a word', (t) => {
  const { pubsub, gone } = scene()
  pubsub.delete(OWNER, 'news')
  t.deepEqual(gone, [])
})
