import test from 'ava'
import { PublishSubscribe } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { Instruments } from '../../src/http/instruments.ts'
import { tellPubsub } from '../../src/http/pubsub-metrics.ts'
import { openLine } from '../helpers/component-line.ts'
import { seriesValue } from '../helpers/exposition.ts'
import { by, FRIEND, OWNER, STRANGER } from '../helpers/pubsub.ts'
import { SERVICE } from '../helpers/pubsub-notifications.ts'

test('what publish-subscribe has, what it has told, and who is left alone are told as they come and go', async (t) => {
  const line = await openLine(t, SERVICE)
  const everybody = { directory: undefined, limits: {}, mayCreate: () => true, onFailed: (error: Error) => t.fail(error.message) }
  const whole = await PublishSubscribe.open({ clock: systemClock, logger: silentLogger }, everybody)
  whole.attach(line.session, SERVICE)
  t.teardown(() => whole[Symbol.asyncDispose]())
  const instruments = new Instruments()
  tellPubsub(instruments, whole)
  const values = async (...series: string[]) => {
    const text = await instruments.text()
    return series.map((name) => seriesValue(text, `streamhost_pubsub_${name}`))
  }
  const kept = () => values('nodes', 'subscriptions', 'items')
  const { pubsub, notifications } = whole
  t.deepEqual(await kept(), [0, 0, 0])
  pubsub.create(by(OWNER), { node: 'news' })
  for (const jid of [FRIEND, STRANGER]) pubsub.subscribe({ jid }, { node: 'news', jid })
  const { notices } = pubsub.publish(by(OWNER), { node: 'news', items: [{ id: 'a', payload: '<a/>' }] })
  t.deepEqual(await kept(), [1, 2, 1])

  notifications?.tell(notices)
  const [first] = [await line.hear(), await line.hear()]
  await new Promise(setImmediate)
  t.deepEqual(await values('waiting', 'notifications_total', 'suspended', 'bouncing'), [0, 2, 0, 0])

  const error = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  line.say(`<message type='error' from='${FRIEND}' to='${SERVICE}' id='${first.attrs['id']}'>${error}</message>`)
  t.deepEqual(await values('suspended', 'bouncing'), [1, 1])
  pubsub.setNodeSubscriptions(by(OWNER), 'news', [{ jid: FRIEND, state: 'none' }])
  t.deepEqual(await values('subscriptions', 'suspended', 'bouncing'), [1, 0, 0])
  pubsub.purge(by(OWNER), 'news')
  t.deepEqual(await kept(), [1, 1, 0])
})
