import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import { type Answer, decode, encode, type Question } from 'dns-packet'
import { type NameResolver, querySrv } from '../../src/session/name-resolver.ts'

/** A name server on loopback, and what asks it and nobody else. */
export interface NameServer extends NameResolver {
  /** The names and types it was asked, such as `SRV _xmpp-client._tcp.example.test`. */
  readonly asked: readonly string[]
}

const NXDOMAIN = 3
const SERVFAIL = 2
const AUTHORITATIVE = 1 << 10

/** What it says of a name: records, that it is broken, or nothing at all. Names that are not there do not exist. */
export type Zone = Readonly<Record<string, readonly Answer[] | 'broken' | 'silent'>>

export const srv = (name: string, target: string, port: number, priority = 0, weight = 0): Answer => ({
  type: 'SRV',
  name,
  data: { target, port, priority, weight },
})
export const a = (name: string, data: string): Answer => ({ type: 'A', name, data })

/** Speaks DNS over UDP until the test is over. */
export async function startNameServer(t: ExecutionContext, zone: Zone): Promise<NameServer> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const { id, questions = [] } = decode(message)
    const [{ name, type } = { name: '', type: 'A' } as Question] = questions
    asked.push(`${type} ${name}`)
    const known = zone[name.toLowerCase()]
    if (known === 'silent') return
    const answers = Array.isArray(known) ? (known as readonly Answer[]).filter((answer) => answer.type === type) : []
    const code = known === undefined ? NXDOMAIN : known === 'broken' ? SERVFAIL : 0
    socket.send(encode({ type: 'response', id: id ?? 0, flags: AUTHORITATIVE | code, questions, answers }), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  const resolver = () => {
    const own = new Resolver({ timeout: Object.values(zone).includes('silent') ? 200 : 5_000, tries: 2 })
    own.setServers([`127.0.0.1:${socket.address().port}`])
    return own
  }
  return {
    asked,
    srv: (name, signal) => querySrv(resolver(), name, signal),
    addresses: (host) => resolver().resolve4(host),
  }
}
