// Goal: the library does with the services of others what XEP-0060 has, as far as those do it.
// Method: Prosody's and ejabberd's own services, an account that owns a node and one that follows it, whole conversations.

import type { ExecutionContext } from 'ava'
import { StanzaError } from '../../src/core/index.ts'
import { findPubsubServices, PubsubClient } from '../../src/pubsub-client/index.ts'
import { type Element, xml } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'
import { ours } from '../helpers/own-pubsub.ts'
import { ejabberd, onServer, prosody, type ServerTest, type ServerUnderTest } from '../helpers/server.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const SERVICE = 'pubsub.localhost'

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const entries: T[] = []
  for await (const entry of list) entries.push(entry)
  return entries
}

/** Both accounts at the service. */
async function meet(t: ExecutionContext, server: ServerUnderTest) {
  const network = networkOn(t, server)
  const [owner, friend] = await Promise.all([network.logIn('owner'), network.logIn('friend')])
  return { owner: new PubsubClient(owner, SERVICE), friend: new PubsubClient(friend, SERVICE), session: owner }
}

/** One after the other: ejabberd 23.01 answers some of several changes at once with `Database failure`. */
function inTurn(declare: ServerTest): ServerTest {
  let last: Promise<unknown> = Promise.resolve()
  return (title, run) =>
    declare(title, async (t, server) => {
      const turn = last.then(() => run(t, server))
      last = turn.catch(() => undefined)
      await turn
    })
}

const build = (number: number) => xml('build', { xmlns: 'urn:example:builds', number })

for (const kind of [ours, prosody, ejabberd]) {
  onServer(kind, 'publish-subscribe as a client', { accounts: ['owner', 'friend'], ownPubsub: SERVICE }, (declare) => {
    const test = inTurn(declare)

    test('a service is found among the items of the server, and says what it does (XEP-0060 §5.1)', async (t, server) => {
      const { session } = await meet(t, server)
      t.deepEqual(await findPubsubServices(session), [SERVICE])
      const found = await PubsubClient.find(session)
      t.is(found.service, SERVICE)
      t.true((await found.describe()).identities.some(({ category, type }) => category === 'pubsub' && type === 'service'))
      t.deepEqual([await found.supports('retract-items'), await found.supports('no-such-thing')], [true, false])
    })

    test('a node is created, configured, and deleted, and is in the list meanwhile (XEP-0060 §8.1-§8.4)', async (t, server) => {
      const { owner, friend } = await meet(t, server)
      t.is(await owner.create('configured', { access_model: 'whitelist' }), 'configured')
      const value = async (name: string) =>
        (await owner.config('configured')).fields.find((field) => field.var === `pubsub#${name}`)?.values
      t.deepEqual([await value('access_model'), await value('max_items')], [['whitelist'], await defaultOf(owner, 'max_items')])
      await owner.configure('configured', { access_model: 'open', max_items: 7 })
      t.deepEqual([await value('access_model'), await value('max_items')], [['open'], ['7']])
      await t.throwsAsync(owner.configure('configured', { colour: 'red' }), { code: 'ERR_CONFIG', message: /^there is no field colour/ })
      await t.throwsAsync(owner.create('wrong', { access_model: 'closed' }), { code: 'ERR_CONFIG', message: /is one of / })
      t.true((await all(friend.nodes())).some(({ node }) => node === 'configured'))
      await owner.delete('configured')
      t.false((await all(friend.nodes())).some(({ node }) => node === 'configured'))
      const error = await t.throwsAsync(owner.config('configured'), { instanceOf: StanzaError })
      t.is(error.condition, 'item-not-found')
    })

    test('a node whose name the service chooses is known by that (XEP-0060 §8.1.2)', async (t, server) => {
      const { owner } = await meet(t, server)
      const node = await owner.create()
      t.true(node.length > 0)
      await owner.delete(node)
    })

    test('items are published, told of, fetched, retracted (XEP-0060 §6.5, §7)', async (t, server) => {
      const { owner, friend } = await meet(t, server)
      await owner.create('items', { access_model: 'open', notify_retract: true, max_items: 10, persist_items: true })
      const events = friend.events({ node: 'items' })
      t.like(await friend.subscribe('items', { jid: friend.address }), { state: 'subscribed' })
      for (const number of [1, 2, 3])
        t.deepEqual(await owner.publish('items', { id: `n${number}`, payload: build(number) }), [`n${number}`])
      const told: string[] = []
      for await (const { event } of events) {
        if (event.kind === 'items') told.push(...event.items.map(({ id, payload }) => `${id} ${payload?.attrs['number']}`))
        if (told.length === 3) break
      }
      t.deepEqual(told, ['n1 1', 'n2 2', 'n3 3'])
      const ids = async (init: Parameters<PubsubClient['items']>[1]) => (await all(friend.items('items', init))).map(({ id }) => id)
      t.deepEqual(new Set(await ids({})), new Set(['n1', 'n2', 'n3']))
      t.deepEqual(await ids({ max: 1 }), ['n3'])
      t.deepEqual(await ids({ ids: ['n2'] }), ['n2'])
      const [first] = await all(friend.items('items', { ids: ['n1'] }))
      means(t, first?.payload as Element, "<build xmlns='urn:example:builds' number='1'/>")
      if (kind === ours) {
        t.deepEqual(await ids({ pageSize: 1 }), ['n1', 'n2', 'n3'])
        t.deepEqual([await ids({ after: 'n1' }), await ids({ after: 'n1', max: 1 })], [['n2', 'n3'], ['n2']])
      } else await t.throwsAsync(ids({ after: 'n1' }), { code: 'ERR_PUBSUB_UNSUPPORTED' })
      const gone = friend.events({ node: 'items' })
      await owner.retract('items', 'n2', { isNotified: true })
      const { value } = await gone.next()
      t.like(value?.event, { kind: 'items', retracted: ['n2'] })
      t.deepEqual(new Set(await ids({})), new Set(['n1', 'n3']))
      await owner.purge('items')
      t.deepEqual(await ids({}), [])
      const id = await owner.publish('items', [{ payload: build(4) }])
      t.deepEqual(await ids({}), id)
      // Prosody 0.12 never again answers which subscriptions an account has, where a node was deleted below one.
      await friend.unsubscribe('items', { jid: friend.address })
      await owner.delete('items')
    })

    test('preconditions are checked by the service (XEP-0060 §7.1.5)', async (t, server) => {
      const { owner } = await meet(t, server)
      await owner.create('preconditions', { access_model: 'open' })
      const publish = (access: string) => owner.publish('preconditions', { payload: build(1) }, { preconditions: { access_model: access } })
      await publish('open')
      const error = await t.throwsAsync(publish('whitelist'), { instanceOf: StanzaError })
      t.is(error.stanzaError.application?.[0], 'precondition-not-met')
      await owner.delete('preconditions')
    })

    test('subscriptions are listed by both sides, and end by either (XEP-0060 §5.6, §6.2, §8.8)', async (t, server) => {
      const { owner, friend } = await meet(t, server)
      await owner.create('subscriptions', { access_model: 'open' })
      await friend.subscribe('subscriptions')
      const own = async () => (await all(friend.subscriptions())).filter(({ node }) => node === 'subscriptions')
      t.like(await own(), [{ node: 'subscriptions', jid: 'friend@localhost', state: 'subscribed' }])
      t.like(
        (await all(owner.subscribers('subscriptions'))).filter(({ jid }) => jid === 'friend@localhost'),
        [{ state: 'subscribed' }],
      )
      await owner.setSubscribers('subscriptions', [{ jid: 'friend@localhost', state: 'none' }])
      t.deepEqual(await own(), [])
      await friend.subscribe('subscriptions')
      await friend.unsubscribe('subscriptions')
      t.deepEqual(await own(), [])
      if (kind === prosody) return void (await owner.delete('subscriptions'))
      // XEP-0060 §8.6: the owner decides who reads.
      await owner.configure('subscriptions', { access_model: 'authorize' })
      t.like(await friend.subscribe('subscriptions'), { state: 'pending' })
      await owner.setSubscribers('subscriptions', [{ jid: 'friend@localhost', state: 'subscribed' }])
      t.like(await own(), [{ state: 'subscribed' }])
      await owner.delete('subscriptions')
    })

    test('affiliations are changed by the owner, and with them who may publish (XEP-0060 §8.9)', async (t, server) => {
      const { owner, friend } = await meet(t, server)
      await owner.create('affiliations', { access_model: 'open' })
      await owner.setAffiliates('affiliations', [{ jid: 'friend@localhost', affiliation: 'outcast' }])
      const error = await t.throwsAsync(friend.subscribe('affiliations'), { instanceOf: StanzaError })
      t.is(error.condition, 'forbidden')
      t.like(
        (await all(owner.affiliates('affiliations'))).filter(({ jid }) => jid === 'friend@localhost'),
        [{ affiliation: 'outcast' }],
      )
      await owner.setAffiliates('affiliations', [{ jid: 'friend@localhost', affiliation: 'publisher' }])
      t.deepEqual(await friend.publish('affiliations', { id: 'mine', payload: build(1) }), ['mine'])
      await owner.delete('affiliations')
    })

    test('an owner hears who waits, and lets them in or refuses them (XEP-0060 §8.6, §8.7)', async (t, server) => {
      const { owner, friend } = await meet(t, server)
      if (kind === prosody) {
        const error = await t.throwsAsync(all(owner.pending()), { instanceOf: StanzaError })
        return void t.is(error.condition, 'service-unavailable', 'it has no approvals')
      }
      await owner.create('approvals', { access_model: 'authorize' })
      // ejabberd asks the devices of the owner, whatever device has asked it.
      const waiting = async (node?: string) => (await all(owner.pending(node))).map(({ jid }) => jid)
      const ask = () => friend.subscribe('approvals')
      const state = async () => (await all(friend.subscriptions('approvals'))).map((each) => each.state)

      const { subid } = await ask()
      for (const node of [undefined, 'approvals']) t.deepEqual(await waiting(node), kind === ours ? [friend.account] : [])
      if (kind === ours) t.deepEqual(await all(owner.pending('approvals')), [{ node: 'approvals', jid: friend.account, subid }])
      await owner.deny('approvals', friend.account)
      t.deepEqual(await state(), [])
      t.deepEqual(await waiting(), [])

      await ask()
      await owner.approve('approvals', friend.account)
      t.deepEqual(await state(), ['subscribed'])
      t.deepEqual(await waiting('approvals'), [])
      const nobody = await t.throwsAsync(owner.approve('approvals', 'nobody@localhost'), { instanceOf: StanzaError })
      t.is(nobody.condition, 'unexpected-request')
      for (const decided of [
        owner.deny('nowhere', friend.account),
        friend.approve('approvals', friend.account),
        all(friend.pending('approvals')),
      ]) {
        await t.throwsAsync(decided, { instanceOf: StanzaError })
      }
      await owner.delete('approvals')
    })

    test('a question that is no longer of interest is not waited for', async (t, server) => {
      const { owner } = await meet(t, server)
      const stopping = new AbortController()
      const asked = all(owner.nodes(undefined, { signal: stopping.signal }))
      stopping.abort()
      await t.throwsAsync(asked, { code: 'ERR_ABORTED' })
    })
  })
}

async function defaultOf(client: PubsubClient, name: string) {
  return (await client.defaultConfig()).fields.find((field) => field.var === `pubsub#${name}`)?.values
}
