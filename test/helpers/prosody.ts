import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Certified } from './certificates.ts'
import type { Host } from './namespaces.ts'

export const DOMAIN = 'localhost'
export const PROXY = `proxy.${DOMAIN}`
export const SECRET = 'component secret'

/** A Prosody of its own, on loopback, with its accounts, and `proxy.localhost` as an external component. */
export interface Prosody extends AsyncDisposable {
  readonly clientPort: number
  readonly componentPort: number
  /** For TLS from the first octet; 0 without a certificate. */
  readonly directTlsPort: number
  /** Of its own bytestream proxy; 0 without. */
  readonly ownProxyPort: number
  /** Of the process that runs now. */
  readonly pid: number
  /** Ends it at once, as `kill -9` does; `start` brings it back on the same ports. */
  kill(): Promise<void>
  start(): Promise<void>
}

export interface ProsodyInit {
  /** Local part → password. */
  readonly accounts?: Readonly<Record<string, string>>
  /** More lines of global configuration. */
  readonly configuration?: string
  /** Where the accounts are. */
  readonly domain?: string
  /** The virtual hosts and components, as in a configuration file. */
  readonly hosts?: string
  /** Where it runs, and at which of its addresses it accepts clients; components always connect over loopback. Default: here, on loopback. */
  readonly on?: Host
  /** By virtual host, the first one for direct TLS without SNI; with any, TLS is required of clients. */
  readonly certified?: Readonly<Record<string, Certified>> | undefined
  /** Address of its own bytestream proxy, `mod_proxy65`. */
  readonly ownProxy?: string | undefined
  /** Whether it reads what a client sends at 10 kB a second, as Debian's file has it. */
  readonly isRateLimited?: boolean | undefined
}

const HOSTS = `
VirtualHost "${DOMAIN}"
Component "${PROXY}"
  component_secret = "${SECRET}"
Component "conference.${DOMAIN}" "muc"
`

/** Below the ports a system gives to whoever connects, which come and go with every test. */
const PORT_MIN = 12_000
const PORTS_EACH = 100
const PROCESSES = 200
let portsGiven = 0
let ports: Promise<number> | undefined

/**
 * Each process has a few ports of its own, as long as it lives, and listens on the first of them to say so: between being found and being
 * bound by a server a port is nobody's, and many suites start servers at once.
 */
async function claimPorts(): Promise<number> {
  for (let tried = 0; ; tried += 1) {
    const first = PORT_MIN + ((process.pid + tried) % PROCESSES) * PORTS_EACH
    const claim = createServer().listen(first, '127.0.0.1').unref()
    try {
      await once(claim, 'listening')
      return first
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!isTaken || tried === PROCESSES) throw error
    }
  }
}

/** For a server that cannot be told to take a free one: a port that nobody listens on. */
export async function freePort(): Promise<number> {
  ports ??= claimPorts()
  const first = await ports
  for (;;) {
    const port = first + 1 + (portsGiven++ % (PORTS_EACH - 1))
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue // Taken: another one.
    }
    server.close()
    await once(server, 'close')
    return port
  }
}

export async function startProsody({
  accounts = {},
  configuration = '',
  domain = DOMAIN,
  hosts = HOSTS,
  on,
  certified,
  ownProxy,
  isRateLimited = false,
}: ProsodyInit = {}): Promise<Prosody> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-prosody-'))
  const [clientPort, componentPort] = [await freePort(), await freePort()]
  const directTlsPort = certified ? await freePort() : 0
  const tls = certified ? await tlsConfiguration(folder, directTlsPort, certified, hosts) : { configuration: '', hosts }
  const config = join(folder, 'prosody.cfg.lua')
  await mkdir(join(folder, 'data'))
  const proxyPort = ownProxy === undefined ? undefined : await freePort()
  const own = ownProxyConfiguration(ownProxy, proxyPort)
  await writeFile(
    config,
    configurationFile({
      ...{ folder, clientPort, componentPort, on },
      configuration: `limits = { c2s = { rate = "${isRateLimited ? '10kb/s' : '1000mb/s'}" } }\n${tls.configuration}${configuration}${own.configuration}`,
      hosts: `${tls.hosts}${own.hosts}`,
    }),
  )
  for (const [local, password] of Object.entries(accounts)) {
    const { status, stderr } = spawnSync('prosodyctl', ['--root', '--config', config, 'register', local, domain, password], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`prosodyctl register failed: ${stderr}`)
  }
  let child: ChildProcess | undefined
  const start = async () => {
    const ports = proxyPort === undefined ? [clientPort, componentPort] : [clientPort, componentPort, proxyPort]
    const args = ['--root', '-F', '--config', config]
    child = spawn(...(on?.command('prosody', args) ?? ['prosody', args]), { stdio: ['ignore', 'pipe', 'inherit'] })
    await listening(child, [...ports, ...(certified ? [directTlsPort] : [])])
    if (!on) await connectable(ports)
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    clientPort,
    componentPort,
    directTlsPort,
    ownProxyPort: proxyPort ?? 0,
    get pid() {
      return child?.pid ?? 0
    },
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Prosody says so on its console when it has started. */
async function listening(child: ChildProcess, ports: readonly number[]): Promise<void> {
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  await new Promise<void>((resolve, reject) => {
    const bound = new Set<number>()
    reader.on('line', (line) => {
      lines.push(line)
      for (const port of ports) if (line.includes(`:${port}`) && line.includes('Activated service')) bound.add(port)
      if (bound.size === ports.length) resolve()
    })
    child.once('exit', () => reject(new Error(`prosody ended:\n${lines.slice(-20).join('\n')}`)))
  })
}

/** To be sure. */
async function connectable(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  }
}

function ownProxyConfiguration(jid: string | undefined, port: number | undefined) {
  if (jid === undefined) return { configuration: '', hosts: '' }
  return { configuration: `\nproxy65_ports = { ${port} }`, hosts: `\nComponent "${jid}" "proxy65"\n  proxy65_address = "127.0.0.1"` }
}

async function tlsConfiguration(folder: string, port: number, certified: Readonly<Record<string, Certified>>, hosts: string) {
  const sections: string[] = []
  let withSections = hosts
  for (const [index, [host, { cert, key }]] of Object.entries(certified).entries()) {
    const path = join(folder, `host${index}`)
    await writeFile(`${path}.crt`, cert)
    await writeFile(`${path}.key`, key)
    sections.push(`{ certificate = "${path}.crt"; key = "${path}.key" }`)
    withSections = withSections.replace(`VirtualHost "${host}"`, `$&\n  ssl = ${sections[index]}`)
  }
  const configuration = `
modules_disabled = { "s2s", "posix" }
modules_enabled = { "roster", "saslauth", "disco", "ping", "presence", "message", "iq", "limits", "tls" }
c2s_require_encryption = true
c2s_direct_tls_ports = { ${port} }
c2s_direct_tls_ssl = ${sections[0]}
`
  return { configuration, hosts: withSections }
}

function configurationFile({
  folder,
  clientPort,
  componentPort,
  configuration,
  hosts,
  on,
}: {
  folder: string
  clientPort: number
  componentPort: number
  configuration: string
  hosts: string
  on: Host | undefined
}): string {
  const interfaces = [on?.loopback ?? '127.0.0.1', on?.ipv4, on?.ipv6].filter((address) => address)
  return `
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
log = { info = "*console" }
interfaces = { ${interfaces.map((address) => `"${address}"`).join(', ')} }
c2s_ports = { ${clientPort} }
c2s_direct_tls_ports = {}
s2s_ports = {}
http_ports = {}
https_ports = {}
component_ports = { ${componentPort} }
component_interfaces = { ${interfaces.map((address) => `"${address}"`).join(', ')} }
modules_enabled = { "roster", "saslauth", "disco", "ping", "presence", "message", "iq", "limits" }
modules_disabled = { "s2s", "tls", "posix" }
authentication = "internal_hashed"
c2s_require_encryption = false
allow_unencrypted_plain_auth = false
${configuration}
${hosts}
`
}
