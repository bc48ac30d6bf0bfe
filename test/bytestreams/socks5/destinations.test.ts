// Goal: nobody makes us connect to this machine, its link or a cloud's metadata by calling it a streamhost.
// Method: addresses in every writing, and sockets on loopback that say whether anybody has come.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { BytestreamTarget, type Destination, isOpenDestination, type Reach } from '../../../src/bytestreams/index.ts'
import { connectToNamedStreamhost } from '../../../src/bytestreams/socks5/connect-streamhost.ts'
import { systemClock } from '../../../src/core/index.ts'
import { computeDstAddr } from '../../../src/socks5/index.ts'
import { buildBytestreamOffer } from '../../../src/xep/index.ts'
import { startNetwork } from '../../helpers/xmpp-network.ts'

const dstAddr = computeDstAddr('sid', 'romeo@montague.example/orchard', 'juliet@capulet.example/balcony')

const closed = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '169.254.0.1', '169.254.169.254', '169.254.170.2', '100.100.100.200'],
  ...['168.63.129.16', '192.0.0.192', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '0:0:0:0:0:0:0:1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'ff02::1', 'fd00:ec2::254', 'FD00:EC2:0::254', 'fd20:ce::254'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:169.254.169.254', '::ffff:a9fe:a9fe', '::ffff:100.100.100.200', '::ffff:0.0.0.0'],
  ...['::127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::', '2002:a9fe:a9fe::1'],
  ...['', 'localhost', '127.1', '2130706433', 'not an address'],
]
const open = [
  ...['192.0.2.1', '10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', '100.100.100.201', '126.255.255.255', '128.0.0.1', '169.253.0.1'],
  ...['192.0.1.1', '1.0.0.0', '223.255.255.255', '168.63.129.17', '2001:db8::1', 'fd00:ec2::253', 'fc00::1', 'fec0::1', '2002:c000:201::1'],
  ...['::ffff:192.0.2.1', '64:ff9b::192.0.2.1', '2001::1', '::1:0:0:0'],
]

for (const address of closed) test(`"${address}" is not connected to for others`, (t) => t.false(isOpenDestination({ address })))
for (const address of open) test(`"${address}" is connected to for others`, (t) => t.true(isOpenDestination({ address })))

/** A socket on loopback that counts who comes. */
async function listen(t: ExecutionContext, host = '127.0.0.1') {
  const visitors: string[] = []
  const server = createServer((socket) => {
    visitors.push(String(socket.remoteAddress))
    socket.destroy()
  }).listen(0, host)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, visitors }
}

const connect = (host: string, port: number, reach: Reach = {}) =>
  connectToNamedStreamhost({ host, port }, dstAddr, AbortSignal.timeout(20_000), reach)

for (const host of ['127.0.0.1', 'localhost', '127.1', '0.0.0.0', '::ffff:127.0.0.1', '2130706433']) {
  test(`a streamhost at ${host} is not connected to`, async (t) => {
    const { port, visitors } = await listen(t)
    await t.throwsAsync(connect(host, port), { code: 'ERR_DESTINATION' })
    t.deepEqual(visitors, [])
  })
}

test('whoever allows it decides about each address a name has, and gets no further than it says', async (t) => {
  const { port, visitors } = await listen(t)
  const asked: Destination[] = []
  const mayConnect = (destination: Destination) => {
    asked.push(destination)
    return destination.address === '127.0.0.1'
  }
  await t.throwsAsync(connect('localhost', port, { mayConnect }), { code: 'ERR_UNREACHABLE', message: /hung up/ })
  t.is(visitors.length, 1)
  t.true(asked.every(({ host, port: asPort }) => host === 'localhost' && asPort === port))
  t.true(asked.some(({ address }) => address === '127.0.0.1'))
})

test("a proxy of the account's own server may be on this machine, at exactly that port", async (t) => {
  const { port, visitors } = await listen(t)
  const streamhosts = [{ jid: 'proxy.localhost', host: '127.0.0.1', port }]
  const proxies = { find: async () => [{ jid: 'proxy.localhost', streamhosts }] }
  await t.throwsAsync(connect('127.0.0.1', port, { proxies }), { code: 'ERR_UNREACHABLE', message: /hung up/ })
  t.is(visitors.length, 1)
  await t.throwsAsync(connect('127.0.0.1', (await listen(t)).port, { proxies }), { code: 'ERR_DESTINATION' })
  await t.throwsAsync(connect('127.0.0.2', port, { proxies }), { code: 'ERR_DESTINATION' })
  t.is(visitors.length, 1)
})

test('an offer of XEP-0065 with streamhosts on loopback alone is answered item-not-found, and nobody is connected to', async (t) => {
  const { port, visitors } = await listen(t)
  const network = await startNetwork(t, ['requester', 'target'])
  const [requester, target] = [await network.logIn('requester'), await network.logIn('target')]
  const gone = new AbortController()
  const expected = new BytestreamTarget(target, systemClock).expect({ from: requester.jid, sid: 'sid', signal: gone.signal })
  const streamhosts = ['127.0.0.1', 'localhost'].map((host) => ({ jid: requester.jid, host, port }))
  const payload = buildBytestreamOffer({ sid: 'sid', streamhosts, mode: 'tcp' })
  await t.throwsAsync(requester.request({ type: 'set', to: target.jid, payload }, { answerMsMax: 30_000 }), { message: /item-not-found/ })
  gone.abort()
  await t.throwsAsync(expected, { code: 'ERR_ABORTED' })
  t.deepEqual(visitors, [])
})
