import { randomBytes } from 'node:crypto'
import { type BytestreamError, domainOf, formatBytes, formatDuration, orAbort, startDeadline, toBytestreamError } from '../core/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'
import { addressOf, difference, openActivePair } from './contact.ts'
import { failed, type Probe, type ProbeContext, passed, skipped, warning } from './probe.ts'
import { formatAddress, type RawSocket } from './raw-socket.ts'
import { isNarrower, resolveHost, widestScope } from './scope.ts'

/** Octets of a file that is sent through each streamhost: few enough for a proxy that shapes its traffic. */
const TRANSFER_BYTES = 32 * 1024

/** @throws BytestreamError `ERR_UNREACHABLE`, `ERR_TIMEOUT` */
async function resolve({ clock, timings: { connectMsMax }, signal }: ProbeContext, host: string): Promise<readonly string[]> {
  using deadline = startDeadline(clock, connectMsMax, 'ERR_TIMEOUT', `looking up ${host} took longer than ${connectMsMax / 1000} s`, signal)
  return await orAbort(resolveHost(host), deadline.signal)
}

const streamhostOf = (context: ProbeContext): StreamhostAddress => addressOf(context) as StreamhostAddress
const addressesOf = (context: ProbeContext): readonly string[] => context.knowledge.resolved.get(streamhostOf(context)) ?? []

const resolvable: Probe = {
  id: 'resolvable',
  proves: 'the host of the streamhost has an A or AAAA record',
  section: '§4',
  remedy:
    'Clients cannot find the host they are told. Give the name an A or AAAA record, or advertise an address (streamhost: --advertise; Prosody: proxy65_address; ejabberd: hostname of mod_proxy65).',
  needs: ['address'],
  scope: 'each',
  async run(context) {
    const { host } = addressOf(context)
    const addresses = await resolve(context, host)
    context.knowledge.resolved.set(streamhostOf(context), addresses)
    return passed(addresses.includes(host) ? 'an address' : addresses.join(', '))
  },
}

const outside: Probe = {
  id: 'outside',
  proves: 'the streamhost is not at a loopback or private address while the XMPP server is at a wider one',
  section: '§4',
  remedy:
    'Clients elsewhere cannot reach such an address. Advertise the public one, and forward its port (streamhost: --advertise; Prosody: proxy65_address; ejabberd: hostname of mod_proxy65).',
  needs: ['resolvable'],
  scope: 'each',
  async run(context) {
    const domain = domainOf(context.session.jid)
    const scope = widestScope(addressesOf(context)) ?? 'public'
    const server = await resolve(context, domain).then(widestScope, () => undefined)
    if (scope === 'public' || !server)
      return passed(`${scope}, ${server ? `as ${domain}` : `and ${domain} has no address to compare with`}`)
    return isNarrower(scope, server) ? warning(`${scope}, while ${domain} is ${server}`) : passed(`${scope}, as ${domain}`)
  },
}

/** Reasons that are this machine's own: it has no such network. */
const NO_NETWORK: readonly unknown[] = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']

const reachable: Probe = {
  id: 'reachable',
  proves: 'TCP connects to every address of the streamhost',
  section: '§6.3.2',
  remedy:
    'The port is closed, filtered, not forwarded, or nothing listens there: look at the firewall, at NAT, and at what the proxy listens on. A name with an IPv6 address needs a proxy that listens on IPv6 too.',
  needs: ['resolvable'],
  scope: 'each',
  async run(context) {
    const { port } = addressOf(context)
    const good: string[] = []
    const bad: string[] = []
    const untried: string[] = []
    let error: BytestreamError | undefined
    for (const host of addressesOf(context)) {
      try {
        const socket = await connectInTime(context, { host, port })
        socket.destroy()
        good.push(formatAddress({ host, port }))
      } catch (thrown) {
        error = toBytestreamError(thrown)
        const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
        if (host.includes(':') && NO_NETWORK.includes(code)) untried.push(formatAddress({ host, port }))
        else bad.push(error.message)
      }
    }
    if (bad.length > 0) return failed(bad.join('; '), good.length > 0 ? undefined : error)
    if (good.length === 0) return skipped(`this machine has no IPv6, for ${untried.join(', ')}`)
    return passed(untried.length > 0 ? `${good.join(', ')}; ${untried.join(', ')} could not be tried: no IPv6 here` : good.join(', '))
  },
}

async function connectInTime(context: ProbeContext, address: { host: string; port: number }): Promise<RawSocket> {
  const { clock, timings, signal, sockets } = context
  const message = `${formatAddress(address)} did not answer within ${timings.connectMsMax / 1000} s`
  using deadline = startDeadline(clock, timings.connectMsMax, 'ERR_UNREACHABLE', message, signal)
  return await sockets.connect(address, deadline.signal)
}

/** Sends a file between two sockets of one bytestream; the sender closes its side behind it. */
async function transfer(context: ProbeContext, from: 'first' | 'second') {
  const pair = await openActivePair(context)
  const [sender, receiver] = from === 'first' ? [pair.first, pair.second] : [pair.second, pair.first]
  const octets = randomBytes(TRANSFER_BYTES)
  const startedMs = context.clock.now()
  sender.send(octets)
  sender.end()
  const wrong = await difference(context, receiver, octets)
  if (wrong) return failed(wrong)
  const { octets: more, ending } = await receiver.read(1, context.timings.quietMsMax)
  if (more.length > 0) return failed('more octets arrived than were sent')
  if (ending !== 'end') return failed(`all ${TRANSFER_BYTES} octets arrived, but the end of the stream did not`)
  return passed(`${formatBytes(TRANSFER_BYTES)} in ${formatDuration(context.clock.now() - startedMs)}`)
}

const TRANSFER_REMEDY =
  'No file gets through here. If a socket was refused, something else may listen on that port; if the activation was refused, the proxy hashes other JIDs than the clients; if octets are missing, it is a fault of the proxy itself.'

const targetFirst: Probe = {
  id: 'target-first',
  proves: 'a file sent on the second socket, the requester of the usual order, arrives whole on the first',
  section: '§6.2',
  remedy: TRANSFER_REMEDY,
  needs: ['reachable'],
  scope: 'each',
  run: (context) => transfer(context, 'second'),
}

const requesterFirst: Probe = {
  id: 'requester-first',
  proves: 'a file sent on the first socket, a requester that connects before its target as in Jingle, arrives whole on the second',
  section: '§10.1',
  remedy: `A proxy that takes the first socket for the target relays one way only, and no Jingle client can use it. ${TRANSFER_REMEDY}`,
  needs: ['reachable'],
  scope: 'each',
  run: (context) => transfer(context, 'first'),
}

export const streamhostProbes: readonly Probe[] = [resolvable, outside, reachable, targetFirst, requesterFirst]
