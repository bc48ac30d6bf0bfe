import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { connectPeer, type Peer } from './peer.ts'

/** A TCP connection: the end a streamhost has, and the one its client has. */
export interface Link {
  /** As a streamhost hands it to an engine: paused, half-close allowed, reading once ahead. */
  readonly near: Socket
  readonly far: Peer
}

/** Connects over loopback. Both ends are gone when the test is over. */
export async function openLink(t: ExecutionContext): Promise<Link> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 1 })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = await connectPeer(t, server.address() as AddressInfo)
  const [near] = await accepted
  server.close()
  near.pause().on('error', () => {})
  t.teardown(() => near.destroy())
  return { near, far }
}
