import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startEjabberd } from '../../test/helpers/ejabberd.ts'
import type { ForeignProgram } from '../../test/helpers/foreign-programs.ts'
import { DOMAIN, freePort, PROXY, SECRET, startProsody } from '../../test/helpers/prosody.ts'
import type { Address } from '../../test/helpers/raw-client.ts'
import { processTree } from '../usage.ts'
import type { Programs } from './programs.ts'
import { ACCOUNT, type Reach } from './reach.ts'

const MIB = 1024 ** 2
const GIB = 1024 * MIB

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  readonly reach: Reach
  /** Its processes. */
  readonly pids: readonly number[]
  /** Those of the XMPP server it stands behind, if that is another process. */
  readonly serverPids: readonly number[]
}

export interface Contender {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  /** So many that a hundredth of a second, in which CPU time is counted, is under 3 % of what they cost. */
  readonly octets: number
  /** The same for set-ups. */
  readonly setups: number
  start(programs: Programs): Promise<Relay>
}

async function firstLine(child: ChildProcess, isIt: (line: string) => boolean = () => true): Promise<string> {
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  for await (const line of reader) if (isIt(line)) return line
  throw new Error(`${child.spawnfile} ended`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A relay that is one process, and knows no XMPP. */
const bare = (child: ChildProcess, reach: Reach): Relay => ({
  ...{ reach, pids: processTree(child.pid as number), serverPids: [] },
  [Symbol.asyncDispose]: () => end(child),
})

/** The generator by itself: what it could measure at most. */
export const nobody: Contender = {
  ...{ name: 'no relay', needs: [], octets: 3 * GIB, setups: 8_000 },
  async start() {
    const port = await freePort()
    return { reach: { port, sinkPort: port }, pids: [], serverPids: [], async [Symbol.asyncDispose]() {} }
  },
}

export const floor: Contender = {
  ...{ name: 'floor (C, splice)', needs: [], octets: 3 * GIB, setups: 8_000 },
  async start({ floor: program }) {
    const child = spawn(program, { stdio: ['ignore', 'pipe', 'inherit'] })
    return bare(child, { port: Number(await firstLine(child)) })
  },
}

/** With pipes as large as the floor's: with those it takes by itself, a GiB costs up to twice as much. */
const haproxyConfiguration = (port: number, sinkPort: number) => `
global
  nbthread 1
  maxconn 6500
  maxpipes 1500
  tune.pipesize 1048576
defaults
  mode tcp
  timeout connect 1m
  timeout client 1h
  timeout server 1h
  option splice-request
  option splice-response
listen relay
  bind 127.0.0.1:${port} backlog 4096
  server sink 127.0.0.1:${sinkPort}
`

export const haproxy: Contender = {
  ...{ name: 'HAProxy (splice)', needs: ['haproxy'], octets: 3 * GIB, setups: 8_000 },
  async start({ folder }) {
    const [port, sinkPort] = [await freePort(), await freePort()]
    const file = join(folder, `haproxy-${port}.cfg`)
    await writeFile(file, haproxyConfiguration(port, sinkPort))
    const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] })
    await connectable(child, port)
    return bare(child, { port, sinkPort })
  },
}

async function connectable(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${child.spawnfile} ended with ${child.exitCode}`)
}

/** Of a server's own; the other one is ours. */
const OWN_PROXY = `own.${DOMAIN}`

const accounts = { [ACCOUNT.local]: ACCOUNT.password }

/** The generator logs in with SASL PLAIN, and says more than 10 KB a second, which is all that Prosody listens to by default. */
const configuration = 'allow_unencrypted_plain_auth = true\nlimits = { c2s = { rate = "1000mb/s" } }\n'

export const prosody: Contender = {
  ...{ name: "Prosody's proxy65", needs: ['prosody'], octets: 64 * MIB, setups: 2_000 },
  async start() {
    const server = await startProsody({ accounts, configuration, ownProxy: OWN_PROXY })
    return {
      reach: { port: server.ownProxyPort, xmpp: { port: server.clientPort, proxy: OWN_PROXY } },
      ...{ pids: processTree(server.pid), serverPids: [] },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

export const ejabberd: Contender = {
  ...{ name: "ejabberd's proxy65", needs: ['ejabberd'], octets: 768 * MIB, setups: 2_000 },
  async start() {
    const server = await startEjabberd({
      ...{ accounts, domain: ACCOUNT.domain, components: {}, ownProxy: OWN_PROXY },
      ownProxySettings: { max_connections: 'infinity', shaper: 'none', recbuf: 65_536, sndbuf: 65_536 },
      // No scheduler waits busily: that would be counted as work.
      machineArguments: ['+K', 'true', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
    })
    return {
      reach: { port: server.ownProxyPort, xmpp: { port: server.clientPort, proxy: OWN_PROXY } },
      ...{ pids: processTree(server.pid), serverPids: [] },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}

async function engineOf({ host, port }: Address): Promise<string | undefined> {
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
  return /^streamhost_info\{.*engine="([^"]*)"/m.exec(metrics)?.[1]
}

/** What `serve --json` says when it is ready. */
interface Ready {
  readonly advertised: readonly [Address]
  readonly http: Address
}

async function startServe(componentPort: number, folder: string, environment: Readonly<Record<string, string>>) {
  const log = join(folder, `serve-${componentPort}.log`)
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STREAMHOST_')))
  const at = ['--service', `xmpp://127.0.0.1:${componentPort}`, '--domain', PROXY, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0']
  // One machine plays every client.
  const many = ['--open-per-source-max', '15000', '--half-open-per-source-max', '4096']
  const child = spawn(process.execPath, ['--import=tsx', 'src/cli/main.ts', 'serve', '--json', ...at, ...many], {
    env: { ...inherited, STREAMHOST_SECRET: SECRET, ...environment },
    stdio: ['ignore', 'pipe', openSync(log, 'w')],
  })
  try {
    return { child, ready: JSON.parse(await firstLine(child, (line) => line.includes('"ready"'))) as Ready }
  } catch (error) {
    throw new Error(`serve: ${readFileSync(log, 'utf8')}`, { cause: error })
  }
}

/** `streamhost serve` behind a Prosody. */
function ours(engine: string, environment: Readonly<Record<string, string>>, octets: number): Contender {
  return {
    ...{ name: `streamhost (${engine})`, needs: ['prosody'], octets, setups: 2_000 },
    async start({ folder }) {
      const server = await startProsody({ accounts, configuration })
      const { child, ready } = await startServe(server.componentPort, folder, environment)
      const relay: Relay = {
        reach: { port: ready.advertised[0].port, xmpp: { port: server.clientPort, proxy: PROXY } },
        ...{ pids: processTree(child.pid as number), serverPids: processTree(server.pid) },
        async [Symbol.asyncDispose]() {
          await end(child)
          await server[Symbol.asyncDispose]()
        },
      }
      const used = await engineOf(ready.http)
      if (used === engine) return relay
      await relay[Symbol.asyncDispose]()
      throw new Error(`serve has the ${used} engine here`)
    },
  }
}

export const splice = ours('splice', {}, 3 * GIB)
export const stream = ours('stream', { STREAMHOST_NO_NATIVE: '1' }, 1.5 * GIB)
