import { execFile, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { type Host, NFT, type Star, startHost } from './namespaces.ts'

const run = promisify(execFile)

/** A router with a public address, and a host behind it that has a private one. */
export interface Home {
  readonly host: Host
  readonly router: Host
  /** Of the router, towards the others. */
  readonly outside: string
  /** Of the router, towards its host. */
  readonly inside: string
}

/** Homes, each behind a NAT of its own, and a host with a public address between them. */
export interface Homes {
  readonly centre: Host
  readonly homes: readonly Home[]
}

/** miniupnpd maps no ports to what it knows to be private; these are there in the namespaces only. */
const PUBLIC = '65.65'

let networks = 0

/**
 * Builds a centre and so many homes. What leaves a home is masqueraded, nothing comes in that was not asked for, and whatever
 * goes to a private address beyond its network is lost without a word. Needs `namespaces` and `nftables`.
 */
export async function startHomes(t: Pick<ExecutionContext, 'teardown'>, count: number): Promise<Homes> {
  networks += 1
  const label = `streamhost-${process.pid}-homes${networks}`
  const centre = await startHost(t, `${label}-centre`, { ipv4: `${PUBLIC}.0.1`, ipv6: '' })
  await run('ip', ['-n', centre.name, 'address', 'add', centre.ipv4, 'dev', 'lo'])
  await forwardPackets(centre)
  await run('ip', ['-n', centre.name, 'route', 'add', 'blackhole', '192.168.0.0/16'])
  const homes: Home[] = []
  for (let at = 1; at <= count; at += 1) {
    const home = {
      router: await startHost(t, `${label}-router${at}`, { ipv4: `${PUBLIC}.${at}.2`, ipv6: '' }),
      host: await startHost(t, `${label}-host${at}`, { ipv4: `192.168.${at}.2`, ipv6: '' }),
      outside: `${PUBLIC}.${at}.2`,
      inside: `192.168.${at}.1`,
    }
    await lay([centre, `home${at}`, `${PUBLIC}.${at}.1`], [home.router, 'outside', home.outside])
    await lay([home.router, 'inside', home.inside], [home.host, 'eth0', home.host.ipv4])
    await run('ip', ['-n', home.router.name, 'route', 'add', 'default', 'via', `${PUBLIC}.${at}.1`])
    await run('ip', ['-n', home.host.name, 'route', 'add', 'default', 'via', home.inside])
    await forwardPackets(home.router)
    await masquerade(home.router)
    homes.push(home)
  }
  return { centre, homes }
}

/** As a star for {@link startFileNetwork}: the leaves are behind NATs. */
export const starOf = ({ centre, homes }: Homes): Star => ({ centre, leaves: homes.map(({ host }) => host) })

type End = readonly [host: Host, cable: string, address: string]

async function lay([one, cable, address]: End, [other, otherCable, otherAddress]: End): Promise<void> {
  await run('ip', ['-n', one.name, 'link', 'add', 'name', cable, 'type', 'veth', 'peer', 'name', otherCable, 'netns', other.name])
  for (const [host, dev, own] of [
    [one, cable, address],
    [other, otherCable, otherAddress],
  ] as const) {
    await run('ip', ['-n', host.name, 'address', 'add', `${own}/24`, 'dev', dev])
    await run('ip', ['-n', host.name, 'link', 'set', dev, 'up'])
  }
}

const forwardPackets = ({ name }: Host) => run('ip', ['netns', 'exec', name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])

/** With the chains miniupnpd puts its rules into. */
const RULES = `
table inet nat {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "inside" accept
    jump miniupnpd
  }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname "outside" masquerade; }
}`

async function masquerade({ name }: Host): Promise<void> {
  await run('ip', ['netns', 'exec', name, NFT, RULES])
}

/**
 * Counts, from now on, connections that leave a home under the address of its router, to any port but this one.
 *
 * @returns how many there have been; one whose first packet is lost counts again
 */
export async function countLeaving({ router, outside }: Home, butTo: number): Promise<() => Promise<number>> {
  const rule = `oifname "outside" ip saddr ${outside} tcp dport != ${butTo} ct state new ct status snat counter`
  // Behind the rules that masquerade (100).
  const table = `table inet counted {\n chain leaving {\n type filter hook postrouting priority 110; ${rule}\n }\n}\n`
  await run('ip', ['netns', 'exec', router.name, NFT, table])
  return async () => {
    const { stdout } = await run('ip', ['netns', 'exec', router.name, NFT, 'list', 'chain', 'inet', 'counted', 'leaving'])
    return Number(/counter packets (\d+)/.exec(stdout)?.[1])
  }
}

/** What a router is asked to do, and does. */
export interface MappingRouter {
  /** Lines of its log so far that have this. */
  logged(text: string): readonly string[]
  /** What is mapped now, as nftables has it. */
  mapped(): Promise<readonly string[]>
  /**
   * Settles when so many ports are mapped. What is renewed is gone for a moment, behind the line in the log; and who takes a port
   * back may have been answered before, for the renewal on the way.
   */
  settled(ports: number): Promise<void>
  /** Settles when it has logged so many lines with this. */
  heard(text: string, times?: number): Promise<void>
}

/** Has the router of a home map ports, by these protocols, until the test is over. Needs `miniupnpd`. */
export async function startMiniupnpd(
  t: Pick<ExecutionContext, 'teardown'>,
  { router, inside }: Home,
  { folder, natPmp = true, upnp = true }: { readonly folder: string; readonly natPmp?: boolean; readonly upnp?: boolean },
): Promise<MappingRouter> {
  const file = `${folder}/miniupnpd.conf`
  const settings = {
    ext_ifname: 'outside',
    listening_ip: 'inside',
    enable_natpmp: natPmp ? 'yes' : 'no',
    enable_upnp: upnp ? 'yes' : 'no',
    secure_mode: 'yes',
    upnp_table_name: 'nat',
    upnp_nat_table_name: 'nat',
    upnp_forward_chain: 'miniupnpd',
    upnp_nat_chain: 'prerouting_miniupnpd',
    upnp_nat_postrouting_chain: 'postrouting_miniupnpd',
    uuid: '0ddba11a-5ca1-ab1e-cafe-0065f00dfeed',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  await writeFile(file, [...lines, `allow 1024-65535 ${inside}/24 1024-65535`, 'deny 0-65535 0.0.0.0/0 0-65535', ''].join('\n'))
  const command = router.command('/usr/sbin/miniupnpd', ['-d', '-f', file, '-P', `${folder}/miniupnpd.pid`])
  const child = spawn(...command, { stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const log: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    for (const look of waiting) look()
  })
  const logged = (text: string) => log.filter((line) => line.includes(text))
  const heard = (text: string, times = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (logged(text).length < times) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  await heard(natPmp ? 'Listening for NAT-PMP' : 'HTTP listening')
  const mapped = async () => {
    const { stdout } = await run('ip', ['netns', 'exec', router.name, NFT, 'list', 'chain', 'inet', 'nat', 'prerouting_miniupnpd'])
    return stdout.split('\n').filter((line) => line.includes('dnat'))
  }
  return {
    logged,
    heard,
    mapped,
    async settled(ports) {
      while ((await mapped()).length !== ports);
    },
  }
}
