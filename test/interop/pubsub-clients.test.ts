// Goal: clients of others use `serve` as they use any publish-subscribe service. Method: slixmpp and Wokkel, over TLS, each of them
// once as the owner who publishes and once as the subscriber, behind each server.

import type { ExecutionContext } from 'ava'
import { type Authority, fileOf, startAuthority } from '../helpers/certificates.ts'
import { foreign } from '../helpers/foreign.ts'
import { ForeignClient } from '../helpers/foreign-client.ts'
import type { ForeignProgram } from '../helpers/foreign-programs.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { dataFolder, PUBSUB, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, prosody, type ServerUnderTest } from '../helpers/server.ts'

const PYTHON = '/usr/bin/python3'

interface PubsubClientKind {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  readonly script: string
}

const slixmpp: PubsubClientKind = { name: 'slixmpp', needs: ['slixmpp'], script: 'slixmpp-pubsub.py' }
const wokkel: PubsubClientKind = { name: 'Wokkel', needs: ['Wokkel'], script: 'wokkel-pubsub.py' }

/** A client that is online, and does as it is told. */
class Pubsub {
  readonly #client: ForeignClient

  private constructor(client: ForeignClient) {
    this.#client = client
  }

  static async start(
    t: ExecutionContext,
    { script }: PubsubClientKind,
    { local, server, authority }: { local: string; server: ServerUnderTest; authority: Authority },
  ): Promise<Pubsub> {
    const { host, port } = server.client
    const client = new ForeignClient(t, {
      command: [PYTHON, `test/interop/peers/${script}`, `${local}@${DOMAIN}/${script}`, host, String(port), PUBSUB],
      password: server.account(local).password,
      environment: { CA: await fileOf(t, authority.cert) },
    })
    await client.heard('online')
    return new Pubsub(client)
  }

  /** @returns what it tells once that is done */
  async ask(what: string, order: object): Promise<object> {
    this.#client.order({ do: what, ...order })
    const { event, ...facts } = await this.#client.heard('done')
    return facts
  }

  /** @returns why not */
  async refused(what: string, order: object): Promise<string | undefined> {
    this.#client.order({ do: what, ...order })
    return (await this.#client.heard('failed')).reason
  }

  /** @returns what the service tells it next */
  told(): Promise<object> {
    return this.#client.next()
  }
}

/** Everything a client does with a service, by two of them: one owns the node, one subscribes to it. */
async function useService(t: ExecutionContext, owner: Pubsub, subscriber: Pubsub): Promise<void> {
  const node = 'princely <musings> & ünïcode'
  t.deepEqual(await owner.ask('create', { node, config: { title: 'Musings', max_items: '1', notify_retract: '1' } }), {})
  t.is(await owner.refused('create', { node }), 'conflict')
  const config = { title: 'Princely "Musings"', max_items: '2' }
  t.deepEqual(await owner.ask('configure', { node, config }), { config })
  t.is(await subscriber.refused('configure', { node, config }), 'forbidden')

  t.is(await subscriber.refused('subscribe', { node: 'nowhere' }), 'item-not-found')
  t.deepEqual(await subscriber.ask('subscribe', { node }), { subscription: 'subscribed' })
  for (const [id, payload] of [
    ['1', 'To be,'],
    ['2', 'or <not> & to be: 🌹'],
  ] as const) {
    t.deepEqual(await owner.ask('publish', { node, id, payload }), { id })
    t.deepEqual(await subscriber.told(), { event: 'item', node, id, payload })
  }
  const { id } = (await owner.ask('publish', { node, payload: 'that is the question' })) as { id: string }
  t.deepEqual(await subscriber.told(), { event: 'item', node, id, payload: 'that is the question' })
  t.deepEqual(await subscriber.told(), { event: 'retracted', node, id: '1' }, 'there is room for two')
  t.is(await subscriber.refused('publish', { node, payload: 'mine' }), 'forbidden')

  const items = [
    ['2', 'or <not> & to be: 🌹'],
    [id, 'that is the question'],
  ]
  t.deepEqual(await subscriber.ask('items', { node }), { items })
  t.is(await subscriber.refused('retract', { node, id: '2' }), 'forbidden')
  t.deepEqual(await owner.ask('retract', { node, id: '2' }), {})
  t.deepEqual(await subscriber.told(), { event: 'retracted', node, id: '2' })
  t.deepEqual(await subscriber.ask('items', { node }), { items: items.slice(1) })

  t.deepEqual(await subscriber.ask('unsubscribe', { node }), {})
  t.deepEqual(await owner.ask('publish', { node, id: '4', payload: 'unheard' }), { id: '4' })
  t.deepEqual(await subscriber.ask('subscribe', { node }), { subscription: 'subscribed' })
  t.deepEqual(await owner.ask('delete', { node }), {})
  t.deepEqual(await subscriber.told(), { event: 'deleted', node })
}

for (const kind of [prosody, ejabberd]) {
  const test = foreign(`clients of publish-subscribe behind ${kind.name}`, [...kind.needs, ...slixmpp.needs, ...wokkel.needs])

  test(`slixmpp and Wokkel create, configure, subscribe, publish, receive and retract, one for the other, behind ${kind.name}`, async (t) => {
    const authority = await startAuthority()
    const accounts = ['hamlet', 'francisco']
    await using server = await kind.start({ accounts, components: [PUBSUB], certified: await authority.issue(DOMAIN) })
    await servePubsub(t, server, await dataFolder(t))
    const hamlet = await Pubsub.start(t, slixmpp, { local: 'hamlet', server, authority })
    const francisco = await Pubsub.start(t, wokkel, { local: 'francisco', server, authority })
    await useService(t, hamlet, francisco)
    await useService(t, francisco, hamlet)
  })
}
