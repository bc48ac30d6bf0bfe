import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Address } from './raw-client.ts'

/** A line to a server that a test can cut. */
export interface CutLine extends Address {
  /** Where the next connections lead; they fail while there is nothing. */
  to: Address | undefined
  /** Breaks every connection there is. */
  cut(): void
  /** Breaks every connection there is, and the server does not notice. */
  lose(): void
  /** Settles when the server has sent so many octets; the connections there are then pass no more. */
  held(bytes: number): Promise<void>
  /** The connections there are, but none that comes later, pass nothing until the returned function is called. */
  hold(): () => void
}

/** Passes connections on until the test is over, no faster than they are read. */
export async function startCutLine(t: ExecutionContext): Promise<CutLine> {
  /** With what each passes on to. */
  const sockets = new Map<Socket, Socket>()
  const clients = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY
  let onHeld = () => {}
  const count = ({ length }: Buffer) => {
    left -= length
    if (left > 0) return
    left = Number.POSITIVE_INFINITY
    for (const socket of sockets.keys()) socket.unpipe().pause()
    onHeld()
  }
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (!line.to) return void client.resetAndDestroy()
    const server = connect({ ...line.to, allowHalfOpen: true, noDelay: true })
    clients.add(client)
    client.on('close', () => clients.delete(client))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.set(one, other)
      one.on('error', () => {}).on('close', (hadError) => void (sockets.delete(one) && hadError && other.resetAndDestroy()))
      if (one === server) one.on('data', count)
      one.pipe(other)
    }
    return undefined
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const line: CutLine = {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    to: undefined,
    cut() {
      for (const socket of sockets.keys()) socket.resetAndDestroy()
    },
    lose() {
      for (const client of clients) {
        sockets.delete(client)
        client.unpipe().resetAndDestroy()
      }
    },
    held(bytes) {
      left = bytes
      return new Promise((resolve) => {
        onHeld = resolve
      })
    },
    hold() {
      for (const socket of sockets.keys()) socket.unpipe().pause()
      return () => {
        for (const [one, other] of sockets) one.pipe(other)
      }
    },
  }
  t.teardown(() => {
    line.cut()
    listener.close()
  })
  return line
}
