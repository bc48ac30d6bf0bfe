// Goal: whoever has several resources, or several subscriptions, hears what XEP-0060 says on each, once, by way of real servers.
// Method: a component behind each server; two resources of one account.

import type { ExecutionContext } from 'ava'
import { systemClock } from '../../../src/core/index.ts'
import { componentConnector, Session } from '../../../src/session/index.ts'
import { attribute, type Element, NS } from '../../../src/xep/index.ts'
import { by, OWNER } from '../../helpers/pubsub.ts'
import { TellingScene } from '../../helpers/pubsub-notifications.ts'
import { login, type RawStream } from '../../helpers/raw-client.ts'
import { LOGIN_MS_MAX, onEachServer, type ServerUnderTest } from '../../helpers/server.ts'

async function open(t: ExecutionContext, server: ServerUnderTest, jid: string, local: string) {
  const init = { jid, secret: server.secret, service: server.componentAt(jid), loginMsMax: LOGIN_MS_MAX }
  const session = new Session({}, componentConnector(systemClock, init), { reconnect: 'never' })
  t.teardown(() => session.stop())
  await session.start()
  const enter = async (resource: string) => {
    const stream = await login(server.client, server.account(local), resource)
    t.teardown(() => stream.destroy())
    stream.send("<presence/><iq type='get' id='here'><ping xmlns='urn:xmpp:ping'/></iq>")
    for (let heard: Element | undefined; heard?.name !== 'iq'; ) heard = await stream.next()
    return stream
  }
  const [one, two] = [await enter('one'), await enter('two')]
  return { scene: new TellingScene(session, undefined, { jid }), one, two, bare: one.jid.replace(/\/.*/, '') }
}

/** The next notification: its type, its node, and the subids it names. */
async function told(stream: RawStream): Promise<readonly [type: string | undefined, node: string | undefined, subids: readonly string[]]> {
  for (;;) {
    const message = await stream.next()
    const items = message.getChild('event', NS.pubsubEvent)?.getChild('items')
    if (!items) continue
    const headers = message.getChild('headers')?.getChildren('header') ?? []
    const subids = headers.filter(({ attrs }) => attrs['name'] === 'SubID').map((header) => header.getText())
    return [attribute(message, 'type'), attribute(items, 'node'), subids]
  }
}

const components = ['full.localhost', 'headline.localhost', 'normal.localhost', 'several.localhost']
const accounts = ['full', 'headline', 'normal', 'several']

onEachServer('resources', { accounts, components }, (serverTest) => {
  serverTest('what a full JID is subscribed to goes to that resource alone (XEP-0060 §6.1, §12.3)', async (t, server) => {
    const { scene, one, two } = await open(t, server, 'full.localhost', 'full')
    scene.node('mine', [one.jid])
    scene.node('ours', [one.jid, two.jid])
    scene.announce('mine', 'a')
    scene.announce('ours', 'b')
    t.deepEqual(
      [await told(one), await told(one)],
      [
        ['headline', 'mine', []],
        ['headline', 'ours', []],
      ],
    )
    t.deepEqual(await told(two), ['headline', 'ours', []])
  })

  for (const type of ['headline', 'normal'] as const) {
    serverTest(`a bare JID is told once, by a message of type ${type}, which its server gives to its resources`, async (t, server) => {
      const { scene, one, two, bare } = await open(t, server, `${type}.localhost`, type)
      scene.node('news', [bare], { notificationType: type })
      scene.node('end', [one.jid, two.jid])
      scene.announce('news', 'a')
      scene.announce('end', 'b')
      const wire = type === 'normal' ? undefined : type
      for (const stream of [one, two]) {
        const [heardType, node, subids] = await told(stream)
        t.deepEqual([heardType === 'normal' ? undefined : heardType, node, subids], [wire, 'news', []])
        t.deepEqual(await told(stream), ['headline', 'end', []])
      }
    })
  }

  serverTest('two subscriptions of one JID bring one notification, which names both (XEP-0060 §12.16)', async (t, server) => {
    const { scene, one } = await open(t, server, 'several.localhost', 'several')
    scene.pubsub.create(by(OWNER), { node: 'news' })
    const subids = [{}, { expiresMs: 2 * scene.nowMs }].map(
      (options) => scene.pubsub.subscribe({ jid: one.jid }, { node: 'news', jid: one.jid, options }).subscription.subid,
    )
    t.is(new Set(subids).size, 2)
    scene.node('end', [one.jid])
    scene.announce('news', 'a')
    scene.announce('end', 'b')
    t.deepEqual(await told(one), ['headline', 'news', subids])
    t.deepEqual(await told(one), ['headline', 'end', []])
  })
})
