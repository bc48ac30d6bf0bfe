// Goal: whoever writes and then resets has not ended properly, even when both reach the relay at once.
// Method: the relay's side looks only when octets and reset lie in the kernel, which libuv by itself reports as an end.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type Relay, StreamEngine } from '../../../src/streamhost/index.ts'

interface Stage {
  readonly relay: Relay
  readonly first: Socket
  readonly second: Socket
}

async function openStage(t: ExecutionContext): Promise<Stage> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: 1 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true }).on('error', () => {})
    const [near] = await accepted
    t.teardown(() => far.destroy())
    return { near, far }
  }
  const [first, second] = [await open(), await open()]
  server.close()
  const relay = new StreamEngine().relay(first.near, second.near, {})
  return { relay, first: first.far, second: second.far }
}

/** Writes and resets so quickly that the relay, in the same process, cannot look in between. */
function writeAndReset(socket: Socket): void {
  socket.write(Buffer.alloc(1_000))
  socket.resetAndDestroy()
}

for (const [title, choose] of [
  ['from the first', ({ first, second }: Stage) => [first, second]],
  ['from the second', ({ first, second }: Stage) => [second, first]],
] as const) {
  test(`octets with a reset right behind them are a reset, ${title}`, async (t) => {
    const stage = await openStage(t)
    const [one, other] = choose(stage) as [Socket, Socket]
    writeAndReset(one)
    other.resume()
    other.end()
    t.is((await stage.relay.done).end, 'reset')
  })

  test(`octets with a reset right behind them are a reset after a half-close, too, ${title}`, async (t) => {
    const stage = await openStage(t)
    const [one, other] = choose(stage) as [Socket, Socket]
    other.end()
    one.resume()
    await once(one, 'end')
    writeAndReset(one)
    other.resume()
    t.is((await stage.relay.done).end, 'reset')
  })
}
