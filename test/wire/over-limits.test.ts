import { attribute } from '../../src/xep/index.ts'
import { PROXY } from '../helpers/prosody.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login } from '../helpers/raw-client.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'

// What servers pass on is what strangers wrote: it must not end the stream of the component. The embedded server lets
// nobody say what its components would not take.

const LEVELS = 500
const deep = `${'<a>'.repeat(LEVELS)}${'</a>'.repeat(LEVELS)}`

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'stanzas over the limits', { accounts: ['requester'], components: [PROXY] }, (test) => {
    test('a stanza that nests too deep is answered, and the component stays', async (t, server) => {
      await using proxy = await startProxy(server, { jid: PROXY })
      proxy.session.on('ended', ({ error }) => error && t.fail(error.message))
      const stranger = await login(server.client, server.account('requester'))
      t.teardown(() => stranger.destroy())
      stranger.send(`<message to='${PROXY}' id='message'>${deep}</message>`)
      stranger.send(`<iq type='get' to='${PROXY}' id='question'><q xmlns='urn:x'>${deep}</q></iq>`)
      for (;;) {
        const answer = await stranger.next()
        if (attribute(answer, 'id') !== 'question') continue
        t.truthy(answer.getChild('error')?.getChild('bad-request'), answer.toString())
        break
      }
      t.true(proxy.session.isOnline)
    })
  })
}
