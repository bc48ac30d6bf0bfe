import { execFile } from 'node:child_process'
import { chmod, copyFile, cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { type Authority, startAuthority } from './certificates.ts'
import { type FileClient, type FileClientKind, leafOf, PYTHON } from './file-clients.ts'
import { type FileNetwork, type FileNetworkInit, type Role, roles, startFileNetwork } from './file-network.ts'
import { ForeignClient } from './foreign-client.ts'
import type { ForeignProgram } from './foreign-programs.ts'
import { forwardLoopback } from './namespaces.ts'
import type { ServerKind } from './server.ts'

/** A network with TLS, where sender and receiver are contacts of each other: desktop clients want both. */
export interface DesktopNetwork extends FileNetwork {
  readonly authority: Authority
}

/** What a network needs, beside its server. */
export const desktopNetworkNeeds = ['namespaces', 'slixmpp'] as const

const PEERS = 'test/interop/peers'

const BEFRIEND_MS_MAX = 30_000

/** What a contact hears that asks for the presence of who has added it. */
export type Answer = 'granted' | 'refused' | 'nothing'

const run = promisify(execFile)

/** Ends as a {@link FileNetwork} does. */
export async function startDesktopNetwork(kind: ServerKind, init: Pick<FileNetworkInit, 'proxy' | 'server'> = {}): Promise<DesktopNetwork> {
  const authority = await startAuthority()
  const network = await startFileNetwork(kind, { ...init, authority })
  try {
    await befriend(network)
  } catch (error) {
    await network[Symbol.asyncDispose]()
    throw error
  }
  return { ...network, authority }
}

const bareJid = ({ server }: FileNetwork, role: Role) => `${roles[role]}@${server.domain}`

/** Makes sender and receiver contacts of each other, which they stay. */
async function befriend(network: FileNetwork): Promise<void> {
  const { server, star, trusted = '' } = network
  const jids = [bareJid(network, 'sender'), bareJid(network, 'receiver')]
  const args = [`${PEERS}/slixmpp-befriend.py`, server.client.host, String(server.client.port), trusted, ...jids]
  const env = { ...process.env, PASSWORD: server.account(roles.sender).password }
  await run(...star.centre.command(PYTHON, args), { env, timeout: BEFRIEND_MS_MAX })
}

/** Adds a contact to the roster of the one who receives, by another client of that account, which logs out. */
export async function addContact(network: DesktopNetwork, contact: string, answer: Answer): Promise<void> {
  const { server, star, trusted = '' } = network
  const { host, port } = server.client
  const args = [`${PEERS}/slixmpp-subscribe.py`, host, String(port), trusted, bareJid(network, 'receiver'), contact, answer]
  const env = { ...process.env, PASSWORD: server.account(roles.receiver).password }
  await run(...star.centre.command(PYTHON, args), { env, timeout: BEFRIEND_MS_MAX })
}

/** A client with windows, and the program of `peers/` that presses its buttons. */
interface DesktopClient {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  readonly script: string
  readonly flavour?: string
}

/** Of `peers/desktop.py`. */
const desktopNeeds = ['unshare', 'Xvfb', 'dbus-daemon', 'ca-certificates'] as const

/** A PID namespace, whose processes end with the first of them, and that with its parent. */
const OF_ITS_OWN = ['unshare', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'] as const

/** Where a client sees the folder of its desktop. */
const INSIDE = '/mnt'

/** Where clients look for a server of which DNS says nothing. */
const CLIENT_PORT = 5222

type DesktopProgram = Pick<DesktopClient, 'script' | 'flavour'>

/** What the programs of an account find whenever they are started, and leave behind. */
interface Desktop {
  /** Here; inside it is {@link INSIDE}. */
  readonly folder: string
  /** Settles once the program says that it is online. */
  start(program: DesktopProgram, contact: string): Promise<{ readonly client: ForeignClient; readonly version: string }>
}

async function makeDesktop(t: ExecutionContext, network: DesktopNetwork, role: Role): Promise<Desktop> {
  const { server, star, authority } = network
  const folder = await mkdtemp(join(network.folder, 'desktop-'))
  await chmod(folder, 0o755)
  await writeFile(join(folder, 'ca.pem'), authority.cert)
  await cp(PEERS, join(folder, 'peers'), { recursive: true })
  const leaf = leafOf(star, role)
  await forwardLoopback(t, leaf, server.client, CLIENT_PORT)
  return {
    folder,
    async start({ script, flavour }, contact) {
      const inside = [`${INSIDE}/peers/${script}`, `${bareJid(network, role)}/desktop`, contact, ...(flavour ? [flavour] : [])]
      const client = new ForeignClient(t, {
        command: [...OF_ITS_OWN, PYTHON, `${PEERS}/desktop.py`, folder, PYTHON, ...inside],
        password: server.account(roles[role]).password,
        on: leaf,
      })
      const { version = '' } = await client.heard('online')
      return { client, version }
    },
  }
}

async function startDesktop(t: ExecutionContext, network: DesktopNetwork, program: DesktopProgram, role: Role): Promise<FileClient> {
  const { folder, start } = await makeDesktop(t, network, role)
  const { client, version } = await start(program, bareJid(network, role === 'sender' ? 'receiver' : 'sender'))
  const jid = bareJid(network, role)
  return {
    jid,
    version,
    async send(_to, path) {
      const name = basename(path)
      await copyFile(path, join(folder, 'outbox', name))
      client.order({ file: `${INSIDE}/outbox/${name}` })
      await client.heard('sent')
    },
    async received() {
      const { file = '' } = await client.heard('received')
      return join(folder, relative(INSIDE, file))
    },
  }
}

/** For a {@link DesktopNetwork} only; whoever sends does so to the one who receives. */
const kindOf = ({ name, needs, ...program }: DesktopClient): FileClientKind => ({
  name,
  needs: [...desktopNeeds, ...needs],
  start: (t, network, role) => startDesktop(t, network as DesktopNetwork, program, role),
})

export const dino = kindOf({ name: 'Dino', needs: ['Dino', 'xdotool', 'python3-gi'], script: 'dino-files.py' })
const psiProgram = { needs: ['Psi+', 'xdotool'], script: 'psi-files.py' } as const

export const psi = kindOf({ ...psiProgram, name: 'Psi+' })
/** It knows nothing but the way in band. */
export const psiInBand = kindOf({ ...psiProgram, name: 'Psi+ in band', flavour: 'ibb' })
const gajimProgram = { needs: ['Gajim'], script: 'gajim-files.py' } as const

export const gajim = kindOf({ ...gajimProgram, name: 'Gajim' })
/** It uses no proxy, as it comes. */
export const gajimAlone = kindOf({ ...gajimProgram, name: 'Gajim alone', flavour: 'alone' })

/** Somebody who reads what a contact writes. */
interface Reader {
  /** Starts the client, with all that it has kept; settles once it is online. */
  open(): Promise<ForeignClient>
  /** Of the client, once it was open. */
  readonly version: string
  /** What is on the screen, as PNG, once all messages are told that the client has. */
  screenshot(client: ForeignClient): Promise<Buffer>
}

export interface ReaderKind {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  /** Makes a desktop for the one who receives, with a chat with that contact. */
  make(t: ExecutionContext, network: DesktopNetwork, contact: string): Promise<Reader>
}

const readerOf = ({ name, needs, ...program }: DesktopClient): ReaderKind => ({
  name,
  needs: [...desktopNeeds, ...needs],
  async make(t, network, contact) {
    const { folder, start } = await makeDesktop(t, network, 'receiver')
    const reader = {
      version: '',
      async open() {
        const { client, version } = await start(program, contact)
        reader.version = version
        return client
      },
      async screenshot(client: ForeignClient) {
        client.order({ screenshot: `${INSIDE}/outbox/${SCREENSHOT}` })
        await client.heard('done')
        return readFile(join(folder, 'outbox', SCREENSHOT))
      },
    }
    return reader
  },
})

const SCREENSHOT = 'screen.png'

export const dinoReader = readerOf({ name: 'Dino', needs: ['Dino', 'xdotool', 'python3-gi'], script: 'dino-chat.py' })
export const psiReader = readerOf({ ...psiProgram, name: 'Psi+', script: 'psi-chat.py' })
export const gajimReader = readerOf({ name: 'Gajim', needs: ['Gajim', 'xdotool', 'python3-gi'], script: 'gajim-chat.py' })
