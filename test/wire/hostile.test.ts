import { harass } from '../helpers/hostile-line.ts'
import { makeSoundStanzas } from '../helpers/hostile-streams.ts'
import { startProxy } from '../helpers/proxy.ts'
import { seedOf } from '../helpers/seed.ts'
import { ejabberd, onServer, prosody } from '../helpers/server.ts'
import { hostileClient, hostileComponent } from '../helpers/victims.ts'

// What a stranger can send through a server of others: all that is well-formed. Our component answers each question
// once, and nothing else (RFC 6120 §8.2.3); the server never has a reason to end the component's stream.

/** Servers let a client say some kilobytes a second. */
const CLIENT_BYTES_MAX = 400

const isShort = ({ octets }: ReturnType<typeof makeSoundStanzas>[number]) => octets({ to: '' }).length < CLIENT_BYTES_MAX

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'hostile stanzas', { accounts: ['romeo'], components: ['proxy.localhost', 'evil.localhost'] }, (test) => {
    test('RFC 6120 §8.2.3: whatever a client or a component says, questions are answered, answers are not', async (t, server) => {
      const stanzas = makeSoundStanzas(150, seedOf(t))
      await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
      t.true((await harass(t, hostileComponent(server, 'evil.localhost', proxy.jid), stanzas)) > 30)
      t.true((await harass(t, hostileClient(server, 'romeo', proxy.jid), stanzas.filter(isShort).slice(0, 20))) > 5)
      t.true(proxy.session.isOnline)
    })
  })
}
