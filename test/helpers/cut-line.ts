import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import type { Address } from './raw-client.ts'

/** A line to a server that a test can cut. */
export interface CutLine extends Address {
  /** Where the next connections lead; they fail while there is nothing. */
  to: Address | undefined
  /** Breaks every connection there is; with `bytes` as soon as so many have passed. */
  cut(bytes?: number): void
}

/** Passes connections on until the test is over, no faster than they are read. */
export async function startCutLine(t: ExecutionContext): Promise<CutLine> {
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (!line.to) return void client.resetAndDestroy()
    const server = connect({ ...line.to, allowHalfOpen: true, noDelay: true })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}).on('close', (hadError) => void (sockets.delete(one) && hadError && other.resetAndDestroy()))
      one.on('data', ({ length }: Buffer) => {
        left -= length
        if (left <= 0) line.cut()
      })
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
    cut(bytes = 0) {
      left = bytes > 0 ? bytes : Number.POSITIVE_INFINITY
      if (bytes > 0) return
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
  t.teardown(() => {
    line.cut()
    listener.close()
  })
  return line
}
