import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Certified } from './certificates.ts'
import type { Host } from './namespaces.ts'
import { freePort } from './prosody.ts'

/** An ejabberd of its own, on loopback, without a name among Erlang nodes. */
export interface Ejabberd extends AsyncDisposable {
  readonly clientPort: number
  /** For TLS from the first octet; 0 without a certificate. */
  readonly directTlsPort: number
  /** By address: whoever connects to a port of ejabberd's gets all addresses of that port. */
  readonly componentPorts: ReadonlyMap<string, number>
  /** Of its own bytestream proxy; 0 without. */
  readonly ownProxyPort: number
  /** Of the process that runs now. */
  readonly pid: number
  /** Ends it at once, as `kill -9` does; `start` brings it back on the same ports. */
  kill(): Promise<void>
  start(): Promise<void>
}

export interface EjabberdInit {
  readonly domain: string
  /** Local part → password. */
  readonly accounts: Readonly<Record<string, string>>
  /** Address → secret. */
  readonly components: Readonly<Record<string, string>>
  /** All components at one port, instead of one for each. */
  readonly isShared?: boolean
  /** Address of its service for Multi-User Chat. */
  readonly rooms?: string | undefined
  /** Where it runs, and at which of its addresses it accepts clients; components always connect over loopback. Default: here, on loopback. */
  readonly on?: Host
  /** With one, TLS is required of clients. */
  readonly certified?: Certified | undefined
  /** Address of its own bytestream proxy, `mod_proxy65`. */
  readonly ownProxy?: string | undefined
  /** Octets a second that one socket of it is read at; as many as come where it is left out. */
  readonly ownProxyRate?: number | undefined
  /** More of `mod_proxy65`, or other than Debian's file has it. */
  readonly ownProxySettings?: Readonly<Record<string, unknown>> | undefined
  /** Whether it reads what a client sends at 3,000 octets a second, as Debian's file has it. */
  readonly isRateLimited?: boolean | undefined
  /** More of its configuration, in YAML. */
  readonly configuration?: string | undefined
  /** More modules, by name, each with its options. */
  readonly modules?: Readonly<Record<string, object>> | undefined
  /** More arguments of the Erlang machine. */
  readonly machineArguments?: readonly string[] | undefined
}

/** Where Debian keeps ejabberd's modules: its own script knows. */
function moduleFolder(): string {
  const script = ['/usr/sbin/ejabberdctl', '/usr/bin/ejabberdctl'].find((path) => existsSync(path))
  const [, folder] = /^ERL_LIBS='?([^'\n]*)'?$/m.exec(script ? readFileSync(script, 'utf8') : '') ?? []
  if (!folder) throw new Error('ejabberdctl does not say where the modules of ejabberd are')
  return folder
}

export async function startEjabberd(init: EjabberdInit): Promise<Ejabberd> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-ejabberd-'))
  const clientPort = await freePort()
  const componentPorts = new Map<string, number>()
  for (const jid of Object.keys(init.components)) {
    const [shared] = init.isShared ? componentPorts.values() : []
    componentPorts.set(jid, shared ?? (await freePort()))
  }
  const directTlsPort = init.certified ? await freePort() : 0
  const configuration = join(folder, 'ejabberd.yml')
  const certificate = join(folder, 'certificate.pem')
  if (init.certified) await writeFile(certificate, `${init.certified.cert}${init.certified.key}`)
  const ownProxyPort = init.ownProxy === undefined ? 0 : await freePort()
  const ports = { clientPort, directTlsPort, componentPorts, ownProxyPort }
  const included = join(folder, 'more.yml')
  await writeFile(included, init.configuration ?? '')
  const more = init.configuration === undefined ? {} : { include_config_file: [included] }
  await writeFile(configuration, JSON.stringify({ ...configurationOf(init, ports, certificate), ...more }))
  const register = Object.entries(init.accounts).map(
    ([local, password]) => `ejabberd_auth:try_register(<<"${local}"/utf8>>, <<"${init.domain}">>, <<"${password}"/utf8>>), `,
  )
  const expression = `{ok, _} = application:ensure_all_started(ejabberd), ${register.join('')}io:format("ready~n").`
  const { machineArguments = [] } = init
  const args = [
    ...machineArguments,
    '-noinput',
    '-mnesia',
    'dir',
    `"${join(folder, 'spool')}"`,
    '-ejabberd',
    'quiet',
    'true',
    '-eval',
    expression,
  ]
  let child: ChildProcess | undefined
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const close = async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  }
  const start = async () => {
    child = spawn(...(init.on?.command('erl', args) ?? (['erl', args] as const)), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HOME: folder,
        ERL_LIBS: moduleFolder(),
        ERL_CRASH_DUMP_SECONDS: '0',
        EJABBERD_CONFIG_PATH: configuration,
        EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
        SPOOL_DIR: folder,
      },
    })
    await ready(child)
  }
  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    ...{ clientPort, directTlsPort, componentPorts, ownProxyPort, kill, start },
    get pid() {
      return child?.pid ?? 0
    },
    [Symbol.asyncDispose]: close,
  }
}

/** JSON is YAML. */
function configurationOf(
  { domain, components, rooms, on, certified, ownProxy, ownProxyRate, ownProxySettings, isRateLimited = false, modules }: EjabberdInit,
  {
    clientPort,
    directTlsPort,
    componentPorts,
    ownProxyPort,
  }: Pick<Ejabberd, 'clientPort' | 'directTlsPort' | 'componentPorts' | 'ownProxyPort'>,
  certificate: string,
): object {
  const loopback = on?.loopback ?? '127.0.0.1'
  const services = [...new Set(componentPorts.values())].map((port) => ({
    port,
    ip: loopback,
    module: 'ejabberd_service',
    access: 'all',
    hosts: Object.fromEntries(
      Object.entries(components)
        .filter(([jid]) => componentPorts.get(jid) === port)
        .map(([jid, password]) => [jid, { password }]),
    ),
  }))
  const clients = [loopback, on?.ipv4, on?.ipv6]
    .filter((ip) => ip)
    .flatMap((ip) => {
      const listener = { ip, module: 'ejabberd_c2s', ...(isRateLimited && { shaper: 'c2s_shaper', max_stanza_size: 262_144 }) }
      const clear = { ...listener, port: clientPort, starttls: certified !== undefined, starttls_required: certified !== undefined }
      return certified ? [clear, { ...listener, port: directTlsPort, tls: true }] : [clear]
    })
  return {
    hosts: [domain],
    loglevel: 'warning',
    auth_method: 'internal',
    ...(certified && { certfiles: [certificate] }),
    acl: { local: { user_regexp: '' } },
    access_rules: { local: { allow: 'local' } },
    shaper: { ...(ownProxyRate && { shaped: { rate: ownProxyRate, burst_size: 20_000 } }), normal: { rate: 3000, burst_size: 20_000 } },
    shaper_rules: { ...(ownProxyRate && { own_proxy: 'shaped' }), c2s_shaper: 'normal' },
    listen: [...clients, ...services],
    modules: {
      mod_disco: {},
      mod_ping: {},
      mod_roster: {},
      // As in the file Debian installs.
      ...(ownProxy && {
        mod_proxy65: {
          ...{ host: ownProxy, ip: '127.0.0.1', hostname: '127.0.0.1', port: ownProxyPort, access: 'local', max_connections: 5 },
          ...(ownProxyRate && { shaper: 'own_proxy' }),
          ...ownProxySettings,
        },
      }),
      ...(rooms && { mod_muc: { host: rooms, default_room_options: { persistent: false } } }),
      ...modules,
    },
  }
}

async function ready(child: ChildProcess): Promise<void> {
  const lines: string[] = []
  const [output, errors] = [child.stdout, child.stderr].map((input) => createInterface({ input: input as NodeJS.ReadableStream }))
  errors?.on('line', (line) => lines.push(line))
  await new Promise<void>((resolve, reject) => {
    output?.on('line', (line) => {
      lines.push(line)
      if (line === 'ready') resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`ejabberd ended:\n${lines.slice(-20).join('\n')}`)))
  })
}
