// Goal: the proxy works where a family of addresses is missing, and where clients reach it at another address than it has.
// Method: hosts of their own; slixmpp moves a file from the one to the other, and the proxy's log says by which addresses.

import type { ExecutionContext } from 'ava'
import { startCli, withoutIpv6 } from '../helpers/cli.ts'
import { moveFile, slixmpp } from '../helpers/file-clients.ts'
import { type FileNetwork, fileNetworkNeeds, natPorts, startFileNetwork } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import { get } from '../helpers/http.ts'
import type { Host } from '../helpers/namespaces.ts'
import { PROXY } from '../helpers/prosody.ts'
import type { Address } from '../helpers/raw-client.ts'
import { connectToStreamhost } from '../helpers/raw-socks5.ts'
import { ejabberd, prosody } from '../helpers/server.ts'
import { dstAddr } from '../helpers/socks5.ts'

const withPython = foreign('serve without IPv6', ['python'])
const behindEjabberd = foreign('the proxy without IPv4', [...fileNetworkNeeds, ...ejabberd.needs, ...slixmpp.needs])
const behindNat = foreign('the proxy behind NAT', [...fileNetworkNeeds, 'nftables', ...prosody.needs, ...slixmpp.needs])

/** slixmpp sends, and receives; both sides came from where they are. */
async function moves(t: ExecutionContext, network: FileNetwork, family: 'ipv4' | 'ipv6') {
  const { relayed } = await moveFile(t, network, { from: slixmpp, to: slixmpp, bytesMin: 100_000 })
  const waited = network.log.filter((line) => line.dstAddr === relayed.dstAddr && line.msg === 'a socket waits')
  const [sender, receiver] = network.star.leaves as [Host, Host]
  t.deepEqual([...new Set(waited.map(({ remoteAddress }) => remoteAddress))].sort(), [sender[family], receiver[family]].sort())
}

const LACKS = 'this machine lacks a family of addresses'
/** Its own server, so that it needs no other. */
const alone = ['serve', '--json', '--embedded', '--domain', PROXY, '--embedded-listen', '127.0.0.1:0']

withPython('without IPv6 a wildcard warns, and serves IPv4', async (t) => {
  const serve = startCli(t, [...alone, '--listen', '*:0', '--http', '*:0'], {}, withoutIpv6)
  t.like(await serve.logged(LACKS), { level: 40, host: '::' })
  const { advertised, http } = (await serve.event('ready')) as { advertised: [Address]; http: Address }
  t.is((await get({ ...http, host: '127.0.0.1' }, '/healthz')).status, 200)
  await connectToStreamhost(t, { host: '127.0.0.1', port: advertised[0].port }, dstAddr)
  serve.child.kill('SIGTERM')
  t.is((await serve.ended).code, 0)
})

for (const address of ['[::]:0', '[::1]:0']) {
  withPython(`without IPv6, an address of it that was asked for by name ends the start: ${address}`, async (t) => {
    const { code, stdout, stderr } = await startCli(t, [...alone, '--listen', '127.0.0.1:0', '--listen', address], {}, withoutIpv6).ended
    t.is(code, 1)
    t.like(JSON.parse(stdout), { event: 'error', code: 'ERR_LISTEN' })
    t.regex(stderr, /^streamhost: cannot listen on ::1? port 0: .*EAFNOSUPPORT.*\n$/)
  })
}

behindEjabberd('with IPv6 alone the component connects, a wildcard warns of nothing, and files move', async (t) => {
  const proxy = ({ ipv6 }: Host) => ['--listen', '*:0', '--advertise', `[${ipv6}]`]
  await using network = await startFileNetwork(ejabberd, { families: ['ipv6'], proxy })
  t.regex(network.server.componentAt(PROXY).host, /^::1$/)
  t.false(network.log.some(({ msg }) => msg === LACKS))
  await moves(t, network, 'ipv6')
})

behindNat('behind NAT clients reach the advertised address and port, and not the ones it is bound to', async (t) => {
  const proxy = ({ ipv4 }: Host) => ['--listen', `${ipv4}:${natPorts.bound}`, '--advertise', `10.65.0.1:${natPorts.advertised}`]
  await using network = await startFileNetwork(prosody, { families: ['ipv4'], isBehindNat: true, proxy })
  await moves(t, network, 'ipv4')
})
