import { createHash, randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startCli } from './cli.ts'
import { type FileNetwork, type Logged, type Role, roles } from './file-network.ts'
import type { ForeignProgram } from './foreign.ts'
import { ForeignClient } from './foreign-client.ts'

/** Somebody who sends files, or receives them. */
export interface FileClient {
  /** Full JID. */
  readonly jid: string
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

const PYTHON = '/usr/bin/python3'

/** @param command begins a program of `peers/`; what it is told about account, server and folder comes behind `program` */
function foreignKind(
  name: string,
  needs: readonly ForeignProgram[],
  program: readonly [string, ...string[]],
  flavour = '',
): FileClientKind {
  return {
    name,
    needs,
    async start(t, { star, server, folder }, role) {
      const { local, password, domain } = server.account(roles[role])
      const jid = `${local}@${domain}/${name.replaceAll(' ', '-')}`
      const inbox = await mkdtemp(join(folder, 'inbox-'))
      const client = new ForeignClient(t, {
        command: [...program, jid, server.client.host, String(server.client.port), inbox, ...(flavour ? [flavour] : [])],
        password,
        on: star.leaves[role === 'sender' ? 0 : 1],
      })
      const heard = async (event: string) => {
        const fact = await client.next()
        if (fact.event !== event) throw new Error(`${name} as ${role} said ${JSON.stringify(fact)} instead of ${event}`)
        return fact
      }
      await heard('online')
      return {
        jid,
        async send(to, file) {
          client.order({ to, file })
          await heard('sent')
        },
        received: async () => (await heard('received')).file ?? '',
      }
    },
  }
}

const peer = (script: string) => [PYTHON, `test/interop/peers/${script}`] as const

/** Negotiates bytestreams, but nothing about what they carry. */
export const slixmpp = foreignKind('slixmpp', ['slixmpp'], peer('slixmpp-files.py'), 'bare')
export const slixmppSi = foreignKind('slixmpp with stream initiation', ['slixmpp'], peer('slixmpp-files.py'), 'si')

export const libpurple = foreignKind('libpurple', ['libpurple'], peer('libpurple-files.py'))

/** Our own commands, on the host of the server: elsewhere they would not log in without TLS. */
export const streamhost: FileClientKind = {
  name: 'streamhost',
  needs: [],
  async start(t, { star: { centre }, server, folder }, role) {
    const { local, password, domain } = server.account(roles[role])
    const account = ['--json', '--account', `${local}@${domain}`]
    const environment = { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: `xmpp://127.0.0.1:${server.client.port}` }
    const inbox = await mkdtemp(join(folder, 'inbox-'))
    const begin = async () => {
      const receive = startCli(t, ['receive', ...account, '--into', inbox, '--from', `${roles.sender}@${domain}`], environment, centre)
      return { receive, jid: String((await receive.event('ready'))['jid']) }
    }
    const receiver = role === 'receiver' ? await begin() : undefined
    return {
      jid: receiver?.jid ?? '',
      async send(to, path) {
        // Of the host's own addresses, a leaf would reach one.
        const sent = await startCli(t, ['send', path, ...account, '--to', to, '--method', 'proxy'], environment, centre).ended
        if (sent.code !== 0) throw new Error(`send ended with ${sent.code}: ${sent.stderr}`)
      },
      received: async () => String((await receiver?.receive.event('received'))?.['path']),
    }
  },
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

/**
 * Moves a file of at least `bytesMin` octets from one client to another, and holds what arrived against what was sent,
 * and against what the proxy counted.
 *
 * @returns what the proxy logged of the bytestream
 */
export async function moveFile(
  t: ExecutionContext,
  network: FileNetwork,
  { from, to, bytesMin }: { from: FileClientKind; to: FileClientKind; bytesMin: number },
): Promise<Logged> {
  const receiver = await to.start(t, network, 'receiver')
  const sender = await from.start(t, network, 'sender')
  // No other transfer has the same size: that is how the proxy's own is found.
  const content = randomBytes(bytesMin + randomInt(bytesMin))
  const path = join(network.folder, `${content.length}.bin`)
  await writeFile(path, content)
  const [stored] = await Promise.all([receiver.received(), sender.send(receiver.jid, path)])
  t.is(sha256(await readFile(stored)), sha256(content))
  const relayed = await network.relayed(content.length)
  t.is(relayed.end, 'end')
  return relayed
}
