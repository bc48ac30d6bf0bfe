import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../test/helpers/prosody.ts'
import { cpuSeconds, processTree } from '../usage.ts'
import type { Contender } from './contenders.ts'
import { Timed } from './timed.ts'

const LOOPBACK = '127.0.0.1'
/** Milliseconds between two looks whether a server is there, or has ended what it had begun. */
const LOOK_MS = 5
const LOOKS_MAX = 2_000

async function until(isSo: () => boolean): Promise<void> {
  for (let look = 0; !isSo(); look += 1) {
    if (look === LOOKS_MAX) throw new Error('a server is not there, or does not come to an end')
    await setTimeout(LOOK_MS)
  }
}

/** Whether somebody listens, asked without connecting: some accept once. proc(5): `0A` is LISTEN. */
const isListening = (port: number) =>
  new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`).test(readFileSync('/proc/self/net/tcp', 'latin1'))

/** Nothing but the octets, and a hash of each file: what the same work costs at the least with tools that everybody has. */
export const floor: Contender = {
  ...{ name: 'nc, and openssl dgst twice (floor)', needs: ['nc', 'openssl'] },
  async start() {
    return {
      async move(source, copy) {
        const port = await freePort()
        const receiver = new Timed('nc', ['-l', LOOPBACK, String(port)], { into: copy })
        await until(() => isListening(port))
        const sender = new Timed('nc', ['-N', LOOPBACK, String(port)], { from: source })
        const moved = (await sender.cpuSeconds) + (await receiver.cpuSeconds)
        const [one, other] = [source, copy].map((path) => new Timed('openssl', ['dgst', '-sha256', path]))
        return { ends: moved + ((await one?.cpuSeconds) ?? 0) + ((await other?.cpuSeconds) ?? 0) }
      },
      async [Symbol.asyncDispose]() {},
    }
  },
}

const program = fileURLToPath(new URL('streams.js', import.meta.url))

export const streams: Contender = {
  ...{ name: 'Node streams, no XMPP', needs: [] },
  async start() {
    return {
      async move(source, copy) {
        const receiver = new Timed(process.execPath, [program, 'receive', copy])
        const { port } = await receiver.event('ready')
        const sender = new Timed(process.execPath, [program, 'send', source, String(port)])
        return { ends: (await sender.cpuSeconds) + (await receiver.cpuSeconds) }
      },
      async [Symbol.asyncDispose]() {},
    }
  },
}

/** Debian's place for it; sshd wants to be started by its whole path. */
const SSHD = '/usr/sbin/sshd'

const settingsOf = (port: number, path: (name: string) => string) => `
ListenAddress ${LOOPBACK}
Port ${port}
HostKey ${path('ssh-host')}
AuthorizedKeysFile ${path('ssh-user.pub')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
`

/** Encrypted, and without a hash of its own. */
export const scp: Contender = {
  ...{ name: 'scp, encrypted, no hash', needs: ['scp', 'sshd'] },
  async start(stage) {
    const path = (name: string) => stage.path(name)
    for (const key of ['ssh-host', 'ssh-user']) spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(key)])
    const port = await freePort()
    await writeFile(path('ssh-settings'), settingsOf(port, path))
    await writeFile(path('ssh-known'), `[${LOOPBACK}]:${port} ${readFileSync(path('ssh-host.pub'), 'utf8')}`)
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }) // Where it runs as no service, nobody has made it.
    const server = spawn(SSHD, ['-D', '-e', '-f', path('ssh-settings')], { stdio: 'ignore' })
    await until(() => isListening(port) || server.exitCode !== null)
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}`)
    const options = ['-i', path('ssh-user'), '-o', 'IdentitiesOnly=yes', '-o', `UserKnownHostsFile=${path('ssh-known')}`]
    return {
      async move(source, copy) {
        const before = cpuSeconds(treeOf(server))
        const to = `${userInfo().username}@${LOOPBACK}:${copy}`
        const sender = new Timed('scp', ['-q', '-B', '-F', 'none', '-P', String(port), ...options, source, to])
        const ends = await sender.cpuSeconds
        // What serves one connection ends a moment after it, and counts for its parent from then on.
        await until(() => treeOf(server).length === 1)
        return { ends: ends + cpuSeconds(treeOf(server)) - before }
      },
      async [Symbol.asyncDispose]() {
        for (const pid of treeOf(server).reverse()) process.kill(pid, 'SIGKILL')
      },
    }
  },
}

const treeOf = (child: ChildProcess) => processTree(child.pid as number)
