import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Ejabberd, startEjabberd } from '../../test/helpers/ejabberd.ts'
import { PYTHON } from '../../test/helpers/file-clients.ts'
import { DOMAIN, PROXY, SECRET } from '../../test/helpers/prosody.ts'
import { cpuSeconds, processTree } from '../usage.ts'
import type { Contender, Mover } from './contenders.ts'
import type { Stage } from './stage.ts'
import { Timed } from './timed.ts'

const PASSWORD = 'password'
/** Of the receiver. Nobody has to find it: slixmpp cannot, and ours wait 300 ms for a device that might come before it. */
const RESOURCE = 'bench'
const accounts = { sender: PASSWORD, receiver: PASSWORD }
/** Of ejabberd's own. */
const OWN_PROXY = `own.${DOMAIN}`
/** As it is installed: the build, without a compiler in between. */
const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const SCRIPT = fileURLToPath(new URL('slixmpp-mover.py', import.meta.url))

/** No scheduler waits busily: that would be counted as work. */
const start = (init: { components: Readonly<Record<string, string>>; ownProxy?: string }): Promise<Ejabberd> =>
  startEjabberd({
    ...{ domain: DOMAIN, accounts, ...init },
    ownProxySettings: { max_connections: 'infinity', shaper: 'none', recbuf: 65_536, sndbuf: 65_536 },
    machineArguments: ['+K', 'true', '+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none'],
  })

/** Two programs that log in, and move one file; what else runs is the relay. */
async function moveBetween(receiver: Timed, startSender: () => Timed, relay: readonly number[]) {
  await receiver.event('ready')
  const before = cpuSeconds(relay)
  const sender = startSender()
  const failed = sender.cpuSeconds.catch((error) => {
    receiver.kill()
    throw error
  })
  const ends = (await failed) + (await receiver.cpuSeconds)
  return { ends, relay: cpuSeconds(relay) - before }
}

/** What runs our commands. */
export interface NodeProgram {
  /** Without the `v`. */
  readonly version: string
  readonly path: string
}

interface Ours {
  readonly node: NodeProgram
  readonly server: Ejabberd
  readonly stage: Stage
  readonly method: 'direct' | 'proxy'
  readonly relay: readonly number[]
}

async function moveByOurs({ node, server, stage, method, relay }: Ours, source: string, copy: string) {
  const environment = {
    ...{ STREAMHOST_PASSWORD: PASSWORD, STREAMHOST_SERVICE: `xmpp://127.0.0.1:${server.clientPort}` },
    XDG_CACHE_HOME: stage.path('cache'), // Where Node keeps compiled code, if it does: not where a user has it.
  }
  const run = (...args: string[]) => new Timed(node.path, [COMMAND, ...args, '--json'], { environment })
  const inbox = stage.path('inbox')
  await mkdir(inbox, { recursive: true })
  const account = `receiver@${DOMAIN}/${RESOURCE}`
  const receiver = run('receive', '--once', '--into', inbox, '--from', `sender@${DOMAIN}`, '--account', account)
  const send = () => run('send', source, '--to', account, '--account', `sender@${DOMAIN}`, '--method', method)
  const cost = await moveBetween(receiver, send, relay)
  await rename(join(inbox, basename(source)), copy)
  return cost
}

export const directOn = (node: NodeProgram): Contender => ({
  ...{ name: `streamhost, direct, Node ${node.version}`, needs: ['ejabberd'] },
  async start(stage) {
    const server = await start({ components: {} })
    return {
      move: (source, copy) => moveByOurs({ node, server, stage, method: 'direct', relay: processTree(server.pid) }, source, copy),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
})

async function startServe(node: NodeProgram, server: Ejabberd): Promise<{ child: ChildProcess; engine: string }> {
  const service = `xmpp://127.0.0.1:${server.componentPorts.get(PROXY)}`
  const args = ['serve', '--json', '--service', service, '--domain', PROXY, '--listen', '127.0.0.1:0']
  const environment = { ...process.env, STREAMHOST_SECRET: SECRET }
  const child = spawn(node.path, [COMMAND, ...args], { env: environment, stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const facts = JSON.parse(line) as { event: string; engine: string }
    if (facts.event === 'ready') return { child, engine: facts.engine }
  }
  throw new Error('serve ended before it was ready')
}

export const proxiedOn = (node: NodeProgram): Contender => ({
  ...{ name: `streamhost, through serve behind ejabberd, Node ${node.version}`, needs: ['ejabberd'] },
  async start(stage) {
    const server = await start({ components: { [PROXY]: SECRET } })
    const { child, engine } = await startServe(node, server).catch(async (error) => {
      await server[Symbol.asyncDispose]()
      throw error
    })
    const mover: Mover = {
      move(source, copy) {
        const relay = [...processTree(child.pid as number), ...processTree(server.pid)]
        return moveByOurs({ node, server, stage, method: 'proxy', relay }, source, copy)
      },
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL')
        await once(child, 'exit')
        await server[Symbol.asyncDispose]()
      },
    }
    if (engine === 'splice') return mover
    await mover[Symbol.asyncDispose]()
    throw new Error(`serve has the ${engine} engine here`)
  },
})

export const slixmpp: Contender = {
  ...{ name: "slixmpp, through ejabberd's proxy", needs: ['ejabberd', 'slixmpp'] },
  async start(stage) {
    const server = await start({ components: {}, ownProxy: OWN_PROXY })
    const run = (account: string, ...what: string[]) =>
      new Timed(PYTHON, [SCRIPT, `${account}@${DOMAIN}/${RESOURCE}`, '127.0.0.1', String(server.clientPort), ...what], {
        environment: { PASSWORD, PYTHONDONTWRITEBYTECODE: '1' },
      })
    return {
      async move(source, copy) {
        const receiver = run('receiver', 'receive', stage.folder)
        const send = () => run('sender', 'send', `receiver@${DOMAIN}/${RESOURCE}`, source)
        const cost = await moveBetween(receiver, send, processTree(server.pid))
        await rename(stage.path('received'), copy)
        return cost
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  },
}
