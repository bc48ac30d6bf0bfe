import test from 'ava'
import { TransferClient } from '../../src/transfer/index.ts'
import { heldBeyond, heldResources, untilHeld } from '../helpers/held.ts'
import { harass } from '../helpers/hostile-line.ts'
import { makeStanzas } from '../helpers/hostile-streams.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login } from '../helpers/raw-client.ts'
import { seedOf } from '../helpers/seed.ts'
import { embedded } from '../helpers/server.ts'
import { makeFile, makeFolder, nextTransfer } from '../helpers/transfers.ts'
import { hostileClient, hostileComponent } from '../helpers/victims.ts'

// Goal: neither a client nor a component can hurt the embedded server, or anybody behind it.
// Method: both say seeded stanzas, to a component of ours and to an account that receives files; a third, who is only
// there, hears nothing of it; then a file goes from account to account through the proxy.

test.serial('a hostile client and a hostile component: 240 hostile stanzas, then a clean transfer, and nothing is left', async (t) => {
  const before = heldResources()
  const seed = seedOf(t)
  {
    await using server = await embedded.start({
      accounts: ['romeo', 'juliet', 'laptop', 'desk'],
      components: ['proxy.localhost', 'evil.localhost'],
    })
    await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
    const service = `xmpp://${server.client.host}:${server.client.port}`
    await using desk = await TransferClient.connect({ jid: 'desk@localhost/files', password: 'pencil', service, reconnect: false })
    const receiver = desk.receive({ into: await makeFolder(t), from: ['laptop@localhost'] })
    const juliet = await login(server.client, server.account('juliet'), 'balcony')
    let answered = 0
    for (const [turn, victim] of [
      hostileClient(server, 'romeo', proxy.jid),
      hostileComponent(server, 'evil.localhost', proxy.jid),
      hostileClient(server, 'romeo', desk.jid),
      hostileComponent(server, 'evil.localhost', desk.jid),
    ].entries()) {
      answered += await harass(t, victim, makeStanzas(60, seed + turn))
      t.deepEqual(await juliet.flush('localhost'), [])
    }
    t.true(answered > 24, `${answered} answers`)
    t.true(proxy.session.isOnline)

    const file = await makeFile(t, 100_000)
    await using laptop = await TransferClient.connect({ jid: 'laptop@localhost', password: 'pencil', service, reconnect: false })
    const received = nextTransfer(receiver)
    await laptop.send(file.path, { to: 'desk@localhost', method: 'proxy' }).done
    t.is((await (await received).done).sha256, file.sha256)
    t.is(proxy.streamhost.counters.activated, 1)
    await juliet.close()
  }
  await untilHeld(before)
  t.deepEqual(heldBeyond(before), [])
})
