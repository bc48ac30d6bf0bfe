// Goal: a feed whose owner has to let us in is followed once they have, and not before.
// Method: the embedded server with our own publish-subscribe service, with and without queues; a node of the access model `authorize`.

import { EventEmitter, once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { buildTextEntry } from '../../src/xep/index.ts'
import { nextOf, startFeeds, startFeedsWithQueues } from '../helpers/feeds.ts'
import { hurriedClock } from '../helpers/hurried-clock.ts'

const NODE = 'pictures'
const entry = (text: string) => buildTextEntry({ id: `urn:uuid:${text}`, text, author: 'ci@localhost', updatedMs: 0 })

/** A feed with words on it that is watched, and whose owner has yet to decide. */
async function startWaiting(t: ExecutionContext, start: typeof startFeeds, subscribed: 'account' | 'address') {
  const network = await start(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall', {}, { clock: hurriedClock(50) })]
  await ci.pubsub.create(NODE, { access_model: 'authorize' })
  await ci.pubsub.publish(NODE, { id: 'old', payload: entry('old') })
  const course: string[] = []
  const begin = async () => {
    const told = new EventEmitter()
    const waits = once(told, 'pending')
    const onFollowed = () => course.push('followed')
    const onPending = () => told.emit('pending', course.push('pending'))
    const watch = wall.feeds.watch([NODE], { onFollowed, onPending })
    const next = watch.next()
    await waits
    return { watch, next }
  }
  return { ci, begin, course, jid: wall.pubsub[subscribed] }
}

for (const [where, start, subscribed] of [
  ['a service without queues', startFeeds, 'address'],
  ['a service with queues', startFeedsWithQueues, 'account'],
] as const) {
  test(`${where}: a feed is followed once its owner has let us in, from what is there on`, async (t) => {
    const { ci, begin, course, jid } = await startWaiting(t, start, subscribed)
    const one = await begin()
    const other = await begin()
    t.deepEqual(course, ['pending', 'pending'])
    await ci.pubsub.approve(NODE, jid)
    for (const { next } of [one, other]) t.like(await next, { value: { kind: 'said', text: 'old', fresh: false } })
    t.deepEqual(course, ['pending', 'pending', 'followed', 'followed'])
    await ci.pubsub.publish(NODE, { id: 'new', payload: entry('new') })
    for (const { watch } of [one, other]) t.like(await nextOf(watch, 'said'), { text: 'new', fresh: true })
    t.is(course.length, 4)
  })

  test(`${where}: a feed whose owner does not let us in is closed, and was never followed`, async (t) => {
    const { ci, begin, course, jid } = await startWaiting(t, start, subscribed)
    const { watch, next } = await begin()
    await ci.pubsub.deny(NODE, jid)
    t.like(await next, { value: { kind: 'closed', node: NODE, reason: 'unsubscribed' } })
    t.true((await watch.next()).done)
    t.deepEqual(course, ['pending'])
  })
}
