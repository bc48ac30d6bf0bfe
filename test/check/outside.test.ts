// Goal: a streamhost at an address that only this machine has is told apart from one that goes with its server.
// Method: the domain of the embedded server is an address, of the kind that documentation uses: nobody is connected to it.

import test from 'ava'
import { EmbeddedServer } from '../../src/embedded/index.ts'
import { check } from '../helpers/checks.ts'
import { startProxy } from '../helpers/proxy.ts'

const SECRET = 'xyzzy'
const PASSWORD = 'pencil'
const listen = { host: '127.0.0.1', port: 0 }

for (const [domain, verdict, detail] of [
  ['192.0.2.1', 'warning', 'loopback, while 192.0.2.1 is public'],
  ['10.0.0.1', 'warning', 'loopback, while 10.0.0.1 is private'],
  ['127.0.0.1', 'passed', 'loopback, as 127.0.0.1'],
  ['nowhere.invalid', 'passed', 'loopback, and nowhere.invalid has no address to compare with'],
] as const) {
  test(`a streamhost at a loopback address, of a server at ${domain}: ${verdict}`, async (t) => {
    const proxy = `proxy.${domain}`
    const accounts = ['juliet', 'nurse'].map((local) => ({ local, password: PASSWORD }))
    await using server = new EmbeddedServer(
      {},
      { domain, accounts, components: [{ jid: proxy, secret: SECRET }], clientListen: listen, componentListen: listen },
    )
    const { client, component } = await server.listen()
    const account = (local: string) => ({ local, password: PASSWORD, domain })
    const served = { domain, client, componentAt: () => component, secret: SECRET, account, [Symbol.asyncDispose]: async () => {} }
    await using _ = await startProxy(served, { jid: proxy, allow: [`juliet@${domain}`] })
    const results = await check(served, proxy)
    t.like(
      results.find(({ probe }) => probe === 'outside'),
      { verdict, detail },
    )
    t.deepEqual(
      results.filter(({ probe, verdict: other }) => probe !== 'outside' && other !== 'passed'),
      [],
    )
  })
}
