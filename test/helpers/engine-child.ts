// A streamhost in a process of its own, and all it promises at its smallest: early octets, both directions, a half-close, a
// reset. Tells what it saw, and ends by itself. Started by test/native/node-versions.test.ts, on other versions of Node.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { computeDstAddr, encodeConnectRequest, encodeGreeting } from '../../src/socks5/index.ts'
import { Streamhost } from '../../src/streamhost/index.ts'

const LARGE = Buffer.alloc(4 * 1024 * 1024, 'o')
const REPLIES_BYTES = 2 + 47

await using streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }] })
const [address] = await streamhost.listen()
const closed: object[] = []
streamhost.on('closed', ({ totals }) => closed.push(totals))

/** What comes after the replies to greeting and request, until the end of the stream or its error. */
class Side {
  readonly socket: Socket
  readonly ready: Promise<void>
  readonly over: Promise<string>
  #bytes = 0

  constructor(dstAddr: ReturnType<typeof computeDstAddr>, early: string) {
    this.socket = connect({ host: '127.0.0.1', port: address?.port ?? 0, allowHalfOpen: true })
    this.socket.write(Buffer.concat([encodeGreeting(), encodeConnectRequest(dstAddr), Buffer.from(early)]))
    this.over = new Promise((resolve) => {
      this.socket.once('end', () => resolve(`${this.#bytes - REPLIES_BYTES} octets, end`))
      this.socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(`${this.#bytes - REPLIES_BYTES} octets, ${code}`))
    })
    this.ready = new Promise((resolve) => {
      this.socket.on('data', ({ length }) => {
        this.#bytes += length
        if (this.#bytes >= REPLIES_BYTES) resolve()
      })
    })
  }
}

async function open(sid: string): Promise<readonly [Side, Side]> {
  const dstAddr = computeDstAddr(sid, 'requester@example.com/foo', 'target@example.org/bar')
  const first = new Side(dstAddr, 'early')
  await first.ready
  const second = new Side(dstAddr, '')
  await second.ready
  streamhost.activate(dstAddr)
  return [first, second]
}

const [first, second] = await open('ends')
first.socket.end(LARGE)
const there = await second.over
second.socket.end(LARGE)
const back = await first.over

const [leaves, stays] = await open('breaks')
await once(stays.socket, 'data')
leaves.socket.resetAndDestroy()
const broken = await stays.over
while (closed.length < 2) await once(streamhost, 'closed')

console.log(JSON.stringify({ engine: streamhost.engine, there, back, broken, closed }))
