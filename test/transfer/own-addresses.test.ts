// Goal: with the methods proxy and ibb no address of this machine is in any stanza of either side, whoever offers, asks, accepts, or
// fails. Method: every octet both clients send to their server is looked through, for each address in any writing; the proxy is at
// an address of its own. The other side: with auto each client tells its addresses, and they are found.

import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { MethodChoice } from '../../src/bytestreams/index.ts'
import { addressesToldIn, everyOwnAddress } from '../helpers/addresses-told.ts'
import { meddle } from '../helpers/meddler.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { makeFile, makeFolder } from '../helpers/transfers.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const HIDDEN = ['127.0.0.1', '::1', ...everyOwnAddress()]
const PROXY_HOST = '127.0.0.2'

const labels = ['jingle', 'si', 'fetch', 'ibb', 'broken', 'auto'] as const
const accounts = labels.flatMap((label) => [`${label}-from`, `${label}-to`])
const components = labels.map((label) => `${label}.${DOMAIN}`)

/** Two clients that would tell loopback addresses, too, and what they say. */
async function setScene(t: ExecutionContext, server: ServerUnderTest, label: (typeof labels)[number]) {
  const said = { from: '', to: '' }
  const network = networkOn(t, server)
  const proxy = `${label}.${DOMAIN}`
  // Nobody listens at the discard port.
  const advertised = label === 'broken' && { advertised: [{ jid: proxy, host: PROXY_HOST, port: 9 }] }
  await network.startProxy(proxy, { listen: [{ host: PROXY_HOST, port: 0 }], ...advertised })
  const connect = async (side: 'from' | 'to') => {
    const record = (octets: Buffer) => {
      said[side] += octets.toString('latin1')
      return [octets]
    }
    const { host, port } = await meddle(t, server.client, { fromClient: record })
    return await network.connect(`${label}-${side}`, { service: `xmpp://${host}:${port}` })
  }
  const [to, from] = [await connect('to'), await connect('from')]
  const told = () => [addressesToldIn(said.from, HIDDEN), addressesToldIn(said.to, HIDDEN)]
  const way = (method: MethodChoice) => ({ method, ownHosts: ['127.0.0.1', '::1'], ...(method !== 'ibb' && { proxy }) })
  return { from, to, told, way, into: join(await makeFolder(t), 'inbox') }
}

const NOTHING = [[], []]

onEachServer('own addresses', { accounts, components }, (test) => {
  for (const negotiation of ['jingle', 'si'] as const) {
    test(`with proxy on both sides a file goes by ${negotiation}, and no address is told`, async (t, server) => {
      const { from, to, told, way, into } = await setScene(t, server, negotiation)
      to.receive({ into, from: [`${negotiation}-from@${DOMAIN}`], ...way('proxy') })
      const { path } = await makeFile(t, 1_000)
      t.is((await from.send(path, { to: to.jid, negotiation, ...way('proxy') }).done).method, 'proxy')
      t.deepEqual(told(), NOTHING)
    })
  }

  test('with proxy on both sides a file that is asked for goes, and no address is told', async (t, server) => {
    const { from, to, told, way, into } = await setScene(t, server, 'fetch')
    const { path } = await makeFile(t, 1_000)
    to.share({ to: [`fetch-from@${DOMAIN}`], mayFetch: () => path, ...way('proxy') })
    t.is((await from.fetch({ from: to.jid, into, file: { name: 'file.bin' }, ...way('proxy') }).done).method, 'proxy')
    t.deepEqual(told(), NOTHING)
  })

  test('whoever takes files in band only gets them from one that would rather not, and tells no address', async (t, server) => {
    const { from, to, told, way, into } = await setScene(t, server, 'ibb')
    to.receive({ into, from: [`ibb-from@${DOMAIN}`], ...way('ibb') })
    const { path } = await makeFile(t, 1_000)
    for (const negotiation of ['jingle', 'si'] as const)
      t.is((await from.send(path, { to: to.jid, negotiation, ...way('auto'), ownHosts: [] }).done).method, 'ibb')
    t.deepEqual(told(), NOTHING)
  })

  test('when the proxy cannot be reached both sides say so, and tell no address', async (t, server) => {
    const { from, to, told, way, into } = await setScene(t, server, 'broken')
    to.receive({ into, from: [`broken-from@${DOMAIN}`], ...way('proxy') })
    const { path } = await makeFile(t, 1_000)
    for (const negotiation of ['jingle', 'si'] as const) {
      const sending = from.send(path, { to: to.jid, negotiation, ...way('proxy'), retry: { forMs: 0 } })
      await t.throwsAsync(sending.done, { code: 'ERR_NO_STREAMHOST' })
    }
    t.deepEqual(told(), NOTHING)
  })

  test('with auto both sides tell their addresses', async (t, server) => {
    const { from, to, told, way, into } = await setScene(t, server, 'auto')
    to.receive({ into, from: [`auto-from@${DOMAIN}`], ...way('auto') })
    const { path } = await makeFile(t, 1_000)
    t.is((await from.send(path, { to: to.jid, ...way('auto') }).done).method, 'direct')
    const [byFrom = [], byTo = []] = told()
    t.true(byFrom.includes('127.0.0.1'))
    t.true(byTo.includes('::1'))
  })
})
