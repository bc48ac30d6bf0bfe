import type { ExecutionContext } from 'ava'
import { type Logger, silentLogger } from '../../src/core/index.ts'
import { computeDstAddr, type DstAddr, encodeConnectRequest, encodeGreeting } from '../../src/socks5/index.ts'
import { Streamhost, type StreamhostInit } from '../../src/streamhost/index.ts'
import { FakeClock } from './fake-clock.ts'
import { connectPeer, type Peer } from './peer.ts'

export const CHOICE = Buffer.from([5, 0])
const REPLY_BYTES = 47

/** A DST.ADDR of its own for each number. */
export const dstAddrOf = (number: number): DstAddr => computeDstAddr(`sid-${number}`, 'requester@example.com/foo', 'target@example.org/bar')

/** The octets of a CONNECT request, and of the reply to it (XEP-0065 §5.3.2). */
export const connectOctets = (dstAddr: string): Buffer => encodeConnectRequest(dstAddr as DstAddr)
export const replyOctets = (reply: number, dstAddr: string): Buffer =>
  Buffer.concat([Buffer.from([5, reply, 0, 3, 40]), Buffer.from(`${dstAddr}\0\0`)])

export interface Port {
  readonly host: string
  readonly port: number
}

export interface StreamhostStage {
  readonly streamhost: Streamhost
  readonly clock: FakeClock
  /** Where it listens, by the place in the list it was given. */
  readonly ports: readonly [Port, ...Port[]]
}

/** A streamhost on 127.0.0.1, or where `init` says, with a clock that stands still. */
export async function openStreamhost(
  t: ExecutionContext,
  init: Partial<StreamhostInit> = {},
  logger: Logger = silentLogger,
): Promise<StreamhostStage> {
  const clock = new FakeClock()
  const streamhost = new Streamhost({ clock, logger }, { listen: [{ host: '127.0.0.1', port: 0 }], ...init })
  t.teardown(() => streamhost.close())
  const ports = (await streamhost.listen()) as readonly Port[] as readonly [Port, ...Port[]]
  return { streamhost, clock, ports }
}

/** Goes through the handshake, one message at a time. @returns the reply to CONNECT */
export async function handshake(peer: Peer, dstAddr: string): Promise<Buffer> {
  peer.write(encodeGreeting())
  await peer.read(CHOICE.length)
  peer.write(connectOctets(dstAddr))
  return peer.read(REPLY_BYTES)
}

/** Connects and takes a place. */
export async function join(t: ExecutionContext, port: Port, dstAddr: string): Promise<Peer> {
  const peer = await connectPeer(t, port)
  const reply = await handshake(peer, dstAddr)
  if (!reply.equals(replyOctets(0, dstAddr))) throw new Error(`not let in: ${reply.toString('hex')}`)
  return peer
}

/** Both sides of a bytestream, in the order given; not yet activated. */
export async function joinBoth(t: ExecutionContext, port: Port, dstAddr: string): Promise<readonly [Peer, Peer]> {
  return [await join(t, port, dstAddr), await join(t, port, dstAddr)]
}

/** Nothing is left of anything. */
export function isEmpty(t: ExecutionContext, { streamhost, clock }: StreamhostStage): void {
  t.deepEqual(streamhost.gauges(), { openSockets: 0, halfOpen: 0, waiting: 0, active: 0, readAheadBytes: 0 })
  t.is(clock.waiting, 0)
}
