import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Bytestream, JingleTransportInit, TransportSide } from '../../src/bytestreams/index.ts'
import type { JingleCandidate, JingleSocks5, JingleTransport } from '../../src/xep/index.ts'
import { type HandPlayed, joinTransports, playAgainst } from './jingle-wire.ts'
import { Peer } from './peer.ts'
import { startNetwork } from './xmpp-network.ts'

export const here = ['127.0.0.1']
/** Offers no address of its own. */
export const hidden = { ownHosts: [] } as const satisfies JingleTransportInit

/** Two sessions on an embedded server that has room for two proxies. */
export async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['romeo', 'juliet'], ['one.localhost', 'two.localhost'])
  const [romeo, juliet] = [await network.logIn('romeo'), await network.logIn('juliet')]
  return {
    ...{ network, romeo, juliet },
    join: (initiator: JingleTransportInit, responder: JingleTransportInit) =>
      joinTransports(t, { initiator: { session: romeo, init: initiator }, responder: { session: juliet, init: responder } }),
  }
}

export const socks5Of = ({ description }: TransportSide) => description as JingleSocks5
export const peerOf = ({ stream }: Bytestream) => new Peer(stream as Socket)

/** Whether nobody listens at a port of this machine. */
export async function isRefused(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  const outcome = await once(socket, 'connect').catch((error: NodeJS.ErrnoException) => error.code)
  socket.destroy()
  return outcome === 'ECONNREFUSED'
}

/** Waits until the other end of a socket is closed. */
export const isClosed = async (socket: Socket | Promise<Socket>) => void (await new Peer(await socket).readAll())

/** An offer of a side that is played by hand. */
export const offerOf = (candidates: readonly JingleCandidate[] = [], more: Partial<JingleSocks5> = {}): JingleSocks5 => ({
  ...{ kind: 'socks5', sid: 'vj3hs98y', mode: 'tcp', candidates },
  ...more,
})
export const candidateAt = (port: number, more: Partial<JingleCandidate> = {}): JingleCandidate => ({
  ...{ cid: `at-${port}`, host: '127.0.0.1', port, priority: 8_257_636, type: 'direct', jid: 'romeo@montague.example/orchard' },
  ...more,
})

/** Our responder, and an initiator played by hand. */
export async function respond(
  t: ExecutionContext,
  offered: JingleTransport,
  init: JingleTransportInit = hidden,
  more: Pick<HandPlayed, 'clock' | 'reach'> = {},
) {
  const scene = await setScene(t)
  const sides = { role: 'responder', session: scene.juliet, peer: scene.romeo.jid } as const
  const played = await playAgainst(t, { ...sides, init, offered, ...more })
  return { ...scene, ...played }
}

export interface Silent {
  readonly port: number
  /** The first that came. */
  readonly arrived: Promise<Socket>
}

/** Takes connections, and says nothing, as if every packet after the first were lost. */
export async function listenSilent(t: ExecutionContext): Promise<Silent> {
  const server = createServer((socket) => t.teardown(() => socket.destroy()))
  const arrived = once(server, 'connection').then(([socket]) => socket as Socket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, arrived }
}
