import test, { type ExecutionContext } from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import { buildEvent, buildHeaders, type PubsubEvent, xml } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { scriptSession } from '../helpers/scripted-session.ts'

const SERVICE = 'pubsub.example.org'

/** A client of `SERVICE`, and whoever sends it messages. */
async function start(t: ExecutionContext) {
  const { session, receive } = await scriptSession(t, new FakeClock(), 'laptop@example.org/x', () => undefined)
  const tell = (event: PubsubEvent, { from = SERVICE, type, collection }: { from?: string; type?: string; collection?: string } = {}) =>
    receive(
      xml(
        'message',
        { from, to: session.jid, type },
        buildEvent(event),
        collection ? buildHeaders([{ name: 'Collection', value: collection }]) : undefined,
      ),
    )
  return { session, tell, pubsub: new PubsubClient(session, SERVICE) }
}

const purge = (node: string): PubsubEvent => ({ kind: 'purge', node })
const nodeOf = ({ event }: { event: PubsubEvent }) => (event.kind === 'subscription' ? event.subscription.node : event.node)

test('events come in their order, those from before anybody looked included', async (t) => {
  const { tell, pubsub } = await start(t)
  const events = pubsub.events()
  tell(purge('a'))
  tell(purge('b'))
  const nodes: (string | undefined)[] = []
  for await (const each of events) {
    nodes.push(nodeOf(each))
    if (nodes.length === 2) tell(purge('c'))
    if (nodes.length === 3) break
  }
  t.deepEqual(nodes, ['a', 'b', 'c'])
})

test('events are of the service, and of the node that was asked for, also by way of its collection (XEP-0248)', async (t) => {
  const { tell, pubsub } = await start(t)
  const events = pubsub.events({ node: 'a' })
  tell(purge('a'), { from: 'other.example.org' })
  tell(purge('a'), { type: 'error' })
  tell(purge('b'))
  tell({ kind: 'subscription', subscription: { node: 'b', jid: 'x@y', state: 'subscribed' } })
  tell(purge('leaf'), { collection: 'a' })
  tell({ kind: 'subscription', subscription: { node: 'a', jid: 'x@y', state: 'pending' } })
  t.is(nodeOf((await events.next()).value as never), 'leaf')
  t.is(nodeOf((await events.next()).value as never), 'a')
})

test('whoever lets more events wait than may gets those, and then an error: none is missing without a word', async (t) => {
  const { tell, pubsub } = await start(t)
  const events = pubsub.events({ waitingMax: 2 })
  for (const node of ['a', 'b', 'c', 'd']) tell(purge(node))
  t.is(nodeOf((await events.next()).value as never), 'a')
  t.is(nodeOf((await events.next()).value as never), 'b')
  await t.throwsAsync(async () => await events.next(), { code: 'ERR_PUBSUB_LIMIT' })
})

test('a signal ends the wait for events, with its reason', async (t) => {
  const { session, pubsub } = await start(t)
  const stopping = new AbortController()
  const next = pubsub.events({ signal: stopping.signal }).next()
  stopping.abort(new BytestreamError('ERR_TIMEOUT', 'long enough'))
  await t.throwsAsync(async () => await next, { code: 'ERR_TIMEOUT' })
  await t.throwsAsync(async () => await pubsub.events({ signal: stopping.signal }).next(), { code: 'ERR_TIMEOUT' })
  t.is(session.listenerCount('message'), 0)
})

test('events end with the session, and with whoever has seen enough', async (t) => {
  const { session, pubsub } = await start(t)
  const [one, two] = [pubsub.events(), pubsub.events()]
  t.is(session.listenerCount('message'), 2)
  await one.return?.()
  t.is(session.listenerCount('message'), 1)
  const next = two.next()
  await session.stop()
  t.true((await next).done)
  t.true((await one.next()).done)
  t.true((await pubsub.events().next()).done)
  t.is(session.listenerCount('message'), 0)
})
