import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'

const run = promisify(execFile)

/** A host of its own on this machine: a network namespace. Its loopback interface is up. */
export interface Host {
  /** Of its namespace, for `ip netns`. */
  readonly name: string
  /** Where the others reach it; empty for a family it does not have. */
  readonly ipv4: string
  readonly ipv6: string
  /** Where it reaches itself. */
  readonly loopback: string
  /** What runs a program there: for `spawn(...host.command(program, args), options)`. */
  command(program: string, args: readonly string[]): [program: string, args: string[]]
}

/** One host in the middle, and others that reach it and nobody else: it forwards nothing. */
export interface Star {
  readonly centre: Host
  readonly leaves: readonly Host[]
}

export interface StarInit {
  readonly leaves: number
  /** Which addresses the hosts have. Default: both. */
  readonly families?: readonly ('ipv4' | 'ipv6')[]
}

/** Of all stars: each lives in namespaces of its own, so that they may look the same. */
const CENTRE = { ipv4: '10.65.0.1', ipv6: 'fd65::1' }

/** An npm package that is no firewall has a program of the same name. */
export const NFT = '/usr/sbin/nft'

let stars = 0

/** A host without a cable, until the test is over. */
export async function startHost(
  t: Pick<ExecutionContext, 'teardown'>,
  name: string,
  addresses: Pick<Host, 'ipv4' | 'ipv6'>,
): Promise<Host> {
  const loopback = addresses.ipv4 ? '127.0.0.1' : '::1'
  await run('ip', ['netns', 'add', name])
  // Teardowns run backwards: what is started there later has ended by then.
  t.teardown(() => run('ip', ['netns', 'delete', name]))
  if (!addresses.ipv6) await run('ip', ['netns', 'exec', name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'])
  await run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  if (!addresses.ipv4) await run('ip', ['-n', name, 'address', 'delete', '127.0.0.1/8', 'dev', 'lo'])
  return { name, ...addresses, loopback, command: (program, args) => ['ip', ['netns', 'exec', name, program, ...args]] }
}

/** Builds a network of hosts, which ends with the test. Needs root: declare the suite with `foreign(…, ['namespaces'])`. */
export async function startStar(
  t: Pick<ExecutionContext, 'teardown'>,
  { leaves: count, families = ['ipv4', 'ipv6'] }: StarInit,
): Promise<Star> {
  stars += 1
  const label = `streamhost-${process.pid}-${stars}`
  const addressOf = (ipv4: string, ipv6: string) => ({
    ipv4: families.includes('ipv4') ? ipv4 : '',
    ipv6: families.includes('ipv6') ? ipv6 : '',
  })
  const start = (name: string, addresses: Pick<Host, 'ipv4' | 'ipv6'>) => startHost(t, name, addresses)
  const centre = await start(`${label}-centre`, addressOf(CENTRE.ipv4, CENTRE.ipv6))
  for (const address of [centre.ipv4, centre.ipv6]) {
    if (address) await run('ip', ['-n', centre.name, 'address', 'add', address, 'dev', 'lo'])
  }
  const leaves: Host[] = []
  for (let index = 0; index < count; index += 1) {
    const leaf = await start(`${label}-leaf${index}`, addressOf(`10.65.${index + 1}.2`, `fd65:${index + 1}::2`))
    await join(centre, leaf, index)
    leaves.push(leaf)
  }
  return { centre, leaves }
}

/** What a program on another host needs, to whom it may speak only over loopback: it hands on what comes. */
const FORWARDER = `
const [host, port, own, record] = process.argv.slice(1)
const server = require('node:net').createServer((client) => {
  const far = require('node:net').connect(Number(port), host)
  for (const socket of [client, far]) socket.on('error', () => {}).on('close', () => { client.destroy(); far.destroy() })
  client.pipe(far).pipe(client)
  if (record) client.on('data', (octets) => require('node:fs').appendFileSync(record, octets))
})
server.listen(Number(own), '127.0.0.1', () => console.log(server.address().port))`

/**
 * @param own a port for those that cannot be told one
 * @param record a file for what is sent there
 * @returns the port at which that address is there on the loopback interface of a host, until the test is over
 */
export async function forwardLoopback(
  t: Pick<ExecutionContext, 'teardown'>,
  from: Host,
  { host, port }: { host: string; port: number },
  own = 0,
  record = '',
): Promise<number> {
  const command = from.command(process.execPath, ['-e', FORWARDER, host, String(port), String(own), record])
  const child = spawn(...command, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return Number(line)
}

/** A cable from a leaf to the centre, and a route to nothing else: whoever is tried says so at once. */
async function join(centre: Host, leaf: Host, index: number): Promise<void> {
  const port = `leaf${index}`
  await run('ip', ['-n', centre.name, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', leaf.name])
  await run('ip', ['-n', centre.name, 'link', 'set', port, 'up'])
  await run('ip', ['-n', leaf.name, 'link', 'set', 'eth0', 'up'])
  for (const [own, to, bits] of [
    [leaf.ipv4, centre.ipv4, 24],
    [leaf.ipv6, centre.ipv6, 64],
  ] as const) {
    if (!own) continue
    const gateway = own.replace(/2$/, '1')
    // Without duplicate address detection, for which an IPv6 address would have to wait.
    const atOnce = own.includes(':') ? ['nodad'] : []
    await run('ip', ['-n', centre.name, 'address', 'add', `${gateway}/${bits}`, 'dev', port, ...atOnce])
    await run('ip', ['-n', leaf.name, 'address', 'add', `${own}/${bits}`, 'dev', 'eth0', ...atOnce])
    await run('ip', ['-n', leaf.name, 'route', 'add', to, 'via', gateway])
  }
}

/** What the centre passes on to a leaf, as a router with a public address does: NAT. */
export interface PortForward {
  /** At the centre's own address. */
  readonly port: number
  readonly to: { readonly host: Host; readonly port: number }
}

/** Makes the centre a router for these ports, over IPv4; a leaf behind it answers through it. Needs nftables. */
export async function forwardPorts({ centre }: Star, forwards: readonly PortForward[]): Promise<void> {
  const rules = forwards.map(({ port, to }) => `ip daddr ${centre.ipv4} tcp dport ${port} dnat to ${to.host.ipv4}:${to.port}`)
  const chain = ['type nat hook prerouting priority dstnat', ...rules].join('; ')
  await run('ip', ['netns', 'exec', centre.name, NFT, `add table ip nat; add chain ip nat prerouting { ${chain}; }`])
  await run('ip', ['netns', 'exec', centre.name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
  for (const { name, ipv4 } of new Set(forwards.map(({ to }) => to.host)))
    await run('ip', ['-n', name, 'route', 'add', 'default', 'via', ipv4.replace(/2$/, '1')])
}

/** The network loses every packet of a TCP port on a host, and tells nobody. @returns what makes it deliver again */
export async function losePackets({ name }: Host, port: number): Promise<() => Promise<void>> {
  const rules = `tcp dport ${port} drop; tcp sport ${port} drop`
  await run('ip', [
    'netns',
    'exec',
    name,
    NFT,
    `add table inet lossy; add chain inet lossy input { type filter hook input priority 0; ${rules}; }`,
  ])
  return async () => void (await run('ip', ['netns', 'exec', name, NFT, 'delete table inet lossy']))
}
