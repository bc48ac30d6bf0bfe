import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { BytestreamError, prepareJid, systemClock } from '../../src/core/index.ts'
import { answerEntityQueries, componentConnector, ServiceDiscovery, Session } from '../../src/session/index.ts'
import { computeDstAddr, ServerHandshake } from '../../src/socks5/index.ts'
import { type Activate, attribute, buildAddresses, type IqRequest, NS, parseActivate, xml } from '../../src/xep/index.ts'
import type { ServerUnderTest } from './server.ts'
import { hex } from './socks5.ts'

/** Ways in which a proxy can be wrong. */
export type Fault =
  | 'no identity'
  | 'no feature'
  | 'forbidden'
  | 'no streamhost'
  | 'no port in the address'
  | 'nothing for a sid'
  | 'open to strangers'
  | 'out of reach of strangers'
  | 'silent to strangers'
  | 'a host that does not exist'
  | 'a closed port'
  | 'one way, to the first socket'
  | 'refuses every socket'
  | 'another address in the reply'
  | 'a reply in two pieces'
  | 'forwards'
  | 'lets everything in'
  | 'activates what it does not know'
  | 'closes what waits at a failed activation'
  | 'takes any text for a JID'
  | 'activates for anybody'
  | 'closes at the second activation'
  | 'ignores early octets'
  | 'mangles early octets'
  | 'keeps the end to itself'
  | 'loses the end of large bursts'
  | 'changes large bursts'

type Has = (fault: Fault) => boolean

interface Waiting {
  readonly sockets: readonly Socket[]
  isActive: boolean
}

/** A proxy in few lines, plugged into a server, that is wrong in the ways it is told, and in no other. */
export interface FaultyProxy extends AsyncDisposable {
  readonly jid: string
  /** Settles once the other end of every socket it holds is closed. */
  emptied(): Promise<void>
}

export async function startFaultyProxy(
  { componentAt, secret, domain }: ServerUnderTest,
  jid: string,
  faults: readonly Fault[],
): Promise<FaultyProxy> {
  const has: Has = (fault) => faults.includes(fault)
  const bytestreams = new Map<string, Waiting>()
  const sockets = new Set<Socket>()
  const admit = (socket: Socket, handshake: ServerHandshake, dstAddr: string) => {
    const waiting = bytestreams.get(dstAddr) ?? { sockets: [], isActive: false }
    if (waiting.sockets.length === 2 || has('refuses every socket')) return void socket.end(handshake.refuse('ERR_PLACES_TAKEN'))
    bytestreams.set(dstAddr, { ...waiting, sockets: [...waiting.sockets, socket] })
    const reply = has('another address in the reply') ? hex('05 00 00 01 00 00 00 00 00 00') : handshake.accept()
    if (!has('a reply in two pieces')) return void socket.write(reply)
    // Both ends are in this process: after a turn of its loop the first piece has been read.
    socket.write(reply.subarray(0, 20), () => setImmediate(() => setImmediate(() => socket.write(reply.subarray(20)))))
    return undefined
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    shakeHands(socket, has, admit)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const session = new Session({}, componentConnector(systemClock, { jid, secret, service: componentAt(jid) }), { reconnect: 'never' })
  const discovery = new ServiceDiscovery(session.iqs)
  discovery.add(answerEntityQueries(session.iqs, systemClock, { name: 'a faulty proxy', version: '0' }))
  const identities = has('no identity') ? [] : [{ category: 'proxy', type: 'bytestreams' }]
  discovery.add({ identities, features: has('no feature') ? [] : [NS.bytestreams] })
  const host = has('a host that does not exist') ? 'nowhere.invalid' : '127.0.0.1'
  const streamhost = { jid, host, port: has('a closed port') ? 1 : port }
  const mayUse = (from: string) => !has('forbidden') && (has('open to strangers') || from.startsWith(`juliet@${domain}`))
  session.iqs.handle('get', NS.bytestreams, 'query', ({ from, payload }: IqRequest) => {
    const sid = attribute(payload, 'sid')
    if (!mayUse(from)) {
      if (has('silent to strangers')) return new Promise(() => {})
      throw new BytestreamError(has('out of reach of strangers') ? 'ERR_UNREACHABLE' : 'ERR_FORBIDDEN', '')
    }
    if (has('no streamhost') || (sid && has('nothing for a sid'))) return xml('query', { xmlns: NS.bytestreams })
    if (has('no port in the address')) return xml('query', { xmlns: NS.bytestreams }, xml('streamhost', { jid, host }))
    return buildAddresses([streamhost], sid)
  })
  session.iqs.handle('set', NS.bytestreams, 'query', ({ from, payload }: IqRequest) =>
    activate(from, parseActivate(payload), bytestreams, has),
  )
  await session.start()
  return {
    jid,
    async emptied() {
      for (const socket of sockets) {
        socket.end().resume()
        if (!socket.closed) await once(socket, 'close')
      }
    },
    async [Symbol.asyncDispose]() {
      await session.stop()
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function shakeHands(socket: Socket, has: Has, admit: (socket: Socket, handshake: ServerHandshake, dstAddr: string) => void): void {
  const handshake = new ServerHandshake()
  const onData = (octets: Buffer) => {
    const [length = 0] = octets.subarray(4)
    if (octets.subarray(0, 4).equals(hex('05 01 00 03')) && length !== 40) {
      if (has('forwards') || has('lets everything in')) {
        socket.off('data', onData)
        socket.write(hex('05 00 00 01 00 00 00 00 00 00'))
        if (has('forwards')) forward(socket, octets.toString('latin1', 5, 5 + length), octets.readUInt16BE(5 + length))
        return
      }
    }
    const { replies, request, early, error } = handshake.push(octets)
    for (const reply of replies) socket.write(reply)
    if (error) socket.end()
    if (!request) return
    socket.off('data', onData).pause()
    if (early?.length) socket.unshift(early)
    admit(socket, handshake, request.dstAddr)
  }
  socket.on('data', onData)
}

function forward(socket: Socket, host: string, port: number): void {
  const there = connect({ host, port })
  there.on('error', () => socket.destroy()).pipe(socket)
  socket.on('close', () => there.destroy()).pipe(there)
}

function activate(from: string, { sid, targetJid }: Activate, bytestreams: Map<string, Waiting>, has: Has): undefined {
  if (!has('takes any text for a JID')) prepareJid(targetJid)
  const dstAddr = computeDstAddr(sid, from, targetJid)
  const anybodys = [...bytestreams.values()].find(({ sockets, isActive }) => sockets.length === 2 && !isActive)
  const found = bytestreams.get(dstAddr) ?? (has('activates for anybody') ? anybodys : undefined)
  if (!found) {
    if (has('activates what it does not know') || targetJid === '@') return undefined
    throw new BytestreamError('ERR_BYTESTREAM_UNKNOWN', '')
  }
  const [first, second] = found.sockets
  if (!first || !second) {
    if (has('closes what waits at a failed activation')) first?.destroy()
    throw new BytestreamError('ERR_PEER_MISSING', '')
  }
  if (found.isActive && has('closes at the second activation')) first.destroy()
  if (found.isActive) return undefined
  found.isActive = true
  relay(second, first, has)
  if (!has('one way, to the first socket')) relay(first, second, has)
  return undefined
}

function relay(from: Socket, to: Socket, has: Has): void {
  let relayed = 0
  const early: Buffer | null = from.read()
  if (early && has('mangles early octets')) to.write(early.subarray(1))
  else if (early && !has('ignores early octets')) to.write(early)
  from.on('data', (octets: Buffer) => {
    relayed += octets.length
    const isLarge = relayed > 200_000
    if (isLarge && has('changes large bursts')) octets.reverse()
    to.write(isLarge && has('loses the end of large bursts') ? octets.subarray(1) : octets)
  })
  if (!has('keeps the end to itself')) from.on('end', () => to.end())
  from.on('close', () => to.destroy())
  from.resume()
}
