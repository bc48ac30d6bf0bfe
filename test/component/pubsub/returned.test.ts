// Goal: real servers send notifications back the way we expect it, or drop them without a word.
// Method: a component behind each server; of its subscribers one is there, and the others have no account.

import { systemClock } from '../../../src/core/index.ts'
import { componentConnector, Session } from '../../../src/session/index.ts'
import { TellingScene } from '../../helpers/pubsub-notifications.ts'
import { login } from '../../helpers/raw-client.ts'
import { LOGIN_MS_MAX, onEachServer } from '../../helpers/server.ts'

/** Which addresses of nobody notifications come back from; other headlines are dropped (RFC 6121 §8.5.1). */
const returned: Readonly<Record<string, readonly string[]>> = {
  'Prosody headline': [],
  'ejabberd headline': ['nobody@localhost'],
}
const both = ['nobody@localhost', 'nobody@localhost/device']

onEachServer('notifications', { accounts: ['romeo'], components: ['normal.localhost', 'headline.localhost'] }, (serverTest, kind) => {
  for (const notificationType of ['normal', 'headline'] as const) {
    serverTest(
      `${notificationType} ones for nobody: who sends them back is left alone, nobody else (XEP-0060 §12.4)`,
      async (t, server) => {
        const jid = `${notificationType}.localhost`
        const init = { jid, secret: server.secret, service: server.componentAt(jid), loginMsMax: LOGIN_MS_MAX }
        const session = new Session({}, componentConnector(systemClock, init), { reconnect: 'never' })
        t.teardown(() => session.stop())
        await session.start()
        const romeo = await login(server.client, server.account('romeo'), notificationType)
        t.teardown(() => romeo.destroy())
        const scene = new TellingScene(session, undefined, { jid })
        scene.node('news', [...both, romeo.jid], { notificationType })
        const expected = returned[`${kind.name} ${notificationType}`] ?? both
        const from: string[] = []
        const allReturned = new Promise<void>((resolve) => {
          const count = () => from.length === expected.length && resolve()
          session.on('message', (message) => {
            if (message.type === 'error') from.push(String(message.from))
            count()
          })
          count()
        })
        scene.announce('news', 'a')
        t.is((await romeo.next()).getChild('event')?.getChild('items')?.attrs['node'], 'news')
        await allReturned
        t.deepEqual(from.sort(), expected)
        scene.announce('news', 'b')
        await romeo.next()
        while (scene.notifications.counts.waiting > 0) await new Promise(setImmediate)
        t.is(scene.pubsub.bounces.size, expected.length)
        t.is(scene.notifications.counts.sent, 3 + 3 - expected.length)
      },
    )
  }
})
