// Goal: who sends notifications back is left alone by the next process, too.
// Method: publish-subscribe in a directory, opened twice; the server is the test.

import test, { type ExecutionContext } from 'ava'
import { PublishSubscribe } from '../../../src/component/index.ts'
import { silentLogger, systemClock } from '../../../src/core/index.ts'
import type { Broadcast } from '../../../src/pubsub/index.ts'
import { openLine } from '../../helpers/component-line.ts'
import { by, FRIEND, OWNER, STRANGER } from '../../helpers/pubsub.ts'
import { SERVICE } from '../../helpers/pubsub-notifications.ts'
import { dataFolder } from '../../helpers/serve-pubsub.ts'

async function open(t: ExecutionContext, directory: string) {
  const line = await openLine(t, SERVICE)
  const everybody = { directory, limits: {}, mayCreate: () => true, onFailed: (error: Error) => t.fail(error.message) }
  const whole = await PublishSubscribe.open({ clock: systemClock, logger: silentLogger }, everybody)
  whole.attach(line.session, SERVICE)
  const { pubsub, notifications } = whole
  /** The next notification, of those of one publish. */
  const publish = async (id: string) => {
    const { notices } = pubsub.publish(by(OWNER), { node: 'news', items: [{ id, payload: '<a/>' }] })
    await pubsub.settled()
    t.deepEqual([...pubsub.audience(notices[0] as Broadcast)].flat().sort(), [STRANGER, FRIEND].sort())
    notifications?.tell(notices)
    return (await line.hear()).attrs
  }
  return { line, whole, pubsub, publish }
}

test('who was left alone still is after a new start, until it is there again (XEP-0060 §12.4)', async (t) => {
  const directory = await dataFolder(t)
  const first = await open(t, directory)
  first.pubsub.create(by(OWNER), { node: 'news' })
  for (const jid of [FRIEND, STRANGER]) first.pubsub.subscribe({ jid }, { node: 'news', jid })
  const { to, id } = await first.publish('a')
  t.is(to, FRIEND)
  t.is((await first.line.hear()).attrs['to'], STRANGER)
  const error = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  first.line.say(`<message type='error' from='${to}' to='${SERVICE}' id='${id}'>${error}</message>`)
  await first.line.session.stop()
  await first.whole[Symbol.asyncDispose]()

  const second = await open(t, directory)
  t.is(second.pubsub.bounces.suspended, 1)
  t.is((await second.publish('b'))['to'], STRANGER)
  second.line.say(`<presence from='${FRIEND}/device'/>`)
  t.is((await second.publish('c'))['to'], FRIEND)
  t.is((await second.line.hear()).attrs['to'], STRANGER)
  await second.line.session.stop()
  await second.whole[Symbol.asyncDispose]()

  const third = await open(t, directory)
  t.is(third.pubsub.bounces.suspended, 0)
  await third.line.session.stop()
  await third.whole[Symbol.asyncDispose]()
})
