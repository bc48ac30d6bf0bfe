// Goal: what Node does not document works as the stream engine relies on, in every Node this runs on (docs/adr/0011).
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { takeSocket } from '../../../src/streamhost/relay/handle.ts'
import { connectPeer, until } from '../../helpers/peer.ts'

/** A socket of a server that still listens, with its client. */
async function open(t: ExecutionContext) {
  const server = createServer({ allowHalfOpen: true, highWaterMark: 1 }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = await connectPeer(t, server.address() as AddressInfo)
  const [near] = await accepted
  near.pause()
  return { server, near, far }
}

test('the connection lives on in the other socket, which reads where it is told to, and once', async (t) => {
  const { near, far } = await open(t)
  far.write('early')
  await until(() => near.readableLength > 0)
  const [one, other] = [Buffer.alloc(4), Buffer.alloc(8)]
  const reads: number[] = []
  const { socket, early } = takeSocket(near, {
    buffer: () => (reads.length === 0 ? one : other),
    callback: (bytes) => {
      reads.push(bytes)
      return false
    },
  })
  t.teardown(() => socket.destroy())
  t.is(`${early}`, 'early')
  far.write('one, another')
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
  t.deepEqual(reads, [])
  socket.resume()
  await until(() => reads.length > 0)
  for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
  t.deepEqual([reads, `${one}`], [[4], 'one,'])
  socket.resume()
  await until(() => reads.length > 1)
  t.deepEqual([reads, `${other}`], [[4, 8], ' another'])
  socket.end('answer')
  far.end()
  t.is(`${await far.readAll()}`, 'answer')
})

test('the accepted socket is closed, and its server counts it no more', async (t) => {
  const { server, near, far } = await open(t)
  const closed = once(near, 'close')
  const { socket } = takeSocket(near, { buffer: Buffer.alloc(1), callback: () => false })
  t.teardown(() => socket.destroy())
  await closed
  t.is(await new Promise((resolve) => server.getConnections((_, connections) => resolve(connections))), 0)
  socket.write('.')
  t.is((await far.read(1)).length, 1)
})

test('an end that the accepted socket had heard is heard by the other one, too', async (t) => {
  const { near, far } = await open(t)
  far.end()
  near.resume()
  await once(near, 'end')
  const { socket } = takeSocket(near, { buffer: Buffer.alloc(1), callback: () => false })
  t.teardown(() => socket.destroy())
  socket.resume()
  await once(socket, 'end')
  t.false(socket.destroyed)
})
