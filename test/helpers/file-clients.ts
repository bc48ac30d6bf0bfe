import { createHash, randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startCli } from './cli.ts'
import { type FileNetwork, type Logged, type Role, roles } from './file-network.ts'
import { ForeignClient } from './foreign-client.ts'
import type { ForeignProgram } from './foreign-programs.ts'
import { forwardLoopback, type Host, type Star } from './namespaces.ts'
import { compileQxmppFiles } from './qxmpp.ts'

/** Somebody who sends files, or receives them. */
export interface FileClient {
  /** Full JID; bare where a client does not tell when it is online, so that whoever sends has to wait for its presence. */
  readonly jid: string
  /** Of the library behind it, as it tells itself; empty for our own. */
  readonly version: string
  /** Settles when the client says that the file was sent. */
  send(to: string, path: string): Promise<void>
  /** Settles with the path of what the client says it has received. */
  received(): Promise<string>
}

/** A client program, and a way it negotiates. */
export interface FileClientKind {
  readonly name: string
  readonly needs: readonly ForeignProgram[]
  start(t: ExecutionContext, network: FileNetwork, role: Role): Promise<FileClient>
}

export const leafOf = ({ leaves }: Star, role: Role) => leaves[role === 'sender' ? 0 : 1] as Host

export const PYTHON = '/usr/bin/python3'

/** A program of `peers/`, and what starts it; it is told account, server and folder, then its flavour. */
interface Program {
  readonly needs: readonly ForeignProgram[]
  readonly command: () => readonly [string, ...string[]] | Promise<readonly [string, ...string[]]>
  readonly flavour?: string
}

function foreignKind(name: string, { needs, command, flavour }: Program): FileClientKind {
  return {
    name,
    needs,
    async start(t, { star, server, folder }, role) {
      const { local, password, domain } = server.account(roles[role])
      const jid = `${local}@${domain}/${name.replaceAll(' ', '-')}`
      const inbox = await mkdtemp(join(folder, 'inbox-'))
      const client = new ForeignClient(t, {
        command: [...(await command()), jid, server.client.host, String(server.client.port), inbox, ...(flavour ? [flavour] : [])],
        password,
        on: leafOf(star, role),
      })
      const { version = '' } = await client.heard('online')
      return {
        jid,
        version,
        async send(to, file) {
          client.order({ to, file })
          await client.heard('sent')
        },
        received: async () => (await client.heard('received')).file ?? '',
      }
    },
  }
}

const script = (name: string) => () => [PYTHON, `test/interop/peers/${name}`] as const

/** Negotiates bytestreams, but nothing about what they carry. */
export const slixmpp = foreignKind('slixmpp', { needs: ['slixmpp'], command: script('slixmpp-files.py'), flavour: 'bare' })
export const slixmppSi = foreignKind('slixmpp with stream initiation', {
  needs: ['slixmpp'],
  command: script('slixmpp-files.py'),
  flavour: 'si',
})

/** Of several methods offered, it takes the one in band. */
export const slixmppInBand = foreignKind('slixmpp in band', { needs: ['slixmpp'], command: script('slixmpp-files.py'), flavour: 'ibb' })

export const libpurple = foreignKind('libpurple', { needs: ['libpurple'], command: script('libpurple-files.py') })

const qxmppProgram: Program = { needs: ['qxmpp', 'g++', 'pkg-config'], command: async () => [await compileQxmppFiles()] }

export const qxmpp = foreignKind('QXmpp', qxmppProgram)
export const qxmppInBand = foreignKind('QXmpp in band', { ...qxmppProgram, flavour: 'ibb' })
/** It hashes JIDs as Latin-1. */
export const qxmppBeyondAscii = foreignKind('QXmpp in Zürich', qxmppProgram)

/** Our own commands. Without TLS they log in only where the server looks as if it were on their host. */
const streamhostKind = (name: string, options: readonly string[] = []): FileClientKind => ({
  name,
  needs: [],
  async start(t, { star, server, folder, trusted }, role) {
    const leaf = leafOf(star, role)
    const { local, password, domain } = server.account(roles[role])
    const account = ['--json', '--account', `${local}@${domain}`]
    const port = await forwardLoopback(t, leaf, server.client)
    const environment = {
      STREAMHOST_PASSWORD: password,
      STREAMHOST_SERVICE: `xmpp://127.0.0.1:${port}`,
      ...(trusted && { STREAMHOST_TLS_CA: trusted }),
    }
    const command = (...args: string[]) => startCli(t, [...args, ...account], environment, leaf)
    if (role === 'sender') {
      return {
        jid: `${local}@${domain}`,
        version: '',
        async send(to, path) {
          const sent = await command('send', path, '--to', to, ...options).ended
          if (sent.code !== 0) throw new Error(`send ended with ${sent.code}: ${sent.stderr}`)
        },
        received: () => Promise.reject(new TypeError('it only sends')),
      }
    }
    const receive = command('receive', '--into', await mkdtemp(join(folder, 'inbox-')), '--from', `${roles.sender}@${domain}`)
    return {
      jid: String((await receive.event('ready'))['jid']),
      version: '',
      send: () => Promise.reject(new TypeError('it only receives')),
      async received() {
        const failed = receive.event('failed').then(({ message }) => Promise.reject(new Error(`receive failed: ${message}`)))
        return String((await Promise.race([receive.event('received'), failed]))['path'])
      },
    }
  },
})

export const streamhost = streamhostKind('streamhost')
export const streamhostInBand = streamhostKind('streamhost in band', ['--method', 'ibb'])
/** One that says at once that it has failed. */
export const streamhostOnce = streamhostKind('streamhost', ['--retry-for', '0'])

/** Milliseconds: QXmpp gives each of four streamhosts some seconds. */
const MOVE_MS_MAX = 100_000

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

interface Move {
  readonly from: FileClientKind
  readonly to: FileClientKind
  /** At least; none at all is an empty file. */
  readonly bytesMin: number
}

export interface MovedFile {
  readonly sender: FileClient
  readonly receiver: FileClient
  /** Octets. */
  readonly size: number
}

/** Moves a file from one client to another, and holds what arrived against what was sent. */
async function move(t: ExecutionContext, network: FileNetwork, { from, to, bytesMin }: Move): Promise<MovedFile> {
  t.timeout(MOVE_MS_MAX, 'the file has not arrived')
  const receiver = await to.start(t, network, 'receiver')
  const sender = await from.start(t, network, 'sender')
  // No other transfer has the same size, unless it is empty: that is how the proxy's own is found.
  const content = randomBytes(bytesMin && bytesMin + randomInt(bytesMin))
  const path = join(network.folder, `${content.length}.bin`)
  await writeFile(path, content)
  const [stored] = await Promise.all([receiver.received(), sender.send(receiver.jid, path)])
  t.is(sha256(await readFile(stored)), sha256(content))
  return { sender, receiver, size: content.length }
}

/** Moves a file through the proxy of a network, and holds what arrived against what the proxy counted, too. */
export async function moveFile(t: ExecutionContext, network: FileNetwork, file: Move): Promise<MovedFile & { readonly relayed: Logged }> {
  const moved = await move(t, network, file)
  const relayed = await network.relayed(moved.size)
  t.is(relayed.end, 'end')
  return { ...moved, relayed }
}

/** Moves a file through the XMPP server of a network without a proxy: there is no other way. */
export function moveFileInBand(t: ExecutionContext, network: FileNetwork, file: Move): Promise<MovedFile> {
  t.is(network.hasProxy, false)
  return move(t, network, file)
}
