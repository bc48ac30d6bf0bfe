// Question: how large a machine does the proxy need?
// Method: a streamhost in a process of its own is filled from here, over loopback, with sockets in their handshake, with
// sockets that wait, or with idle bytestreams, and its memory is taken (RSS, after a collection). Then STREAMS bytestreams
// at once move a GiB in all: CPU time, against what the same octets cost through a bare pipe() in a process of its own, and
// the memory it takes meanwhile. The kernel's socket buffers are not in a process's memory; net.ipv4.tcp_rmem and tcp_wmem
// bound them.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { formatBytes } from '../src/core/index.ts'
import { computeDstAddr, type DstAddr } from '../src/socks5/index.ts'
import { Streamhost } from '../src/streamhost/index.ts'
import { join } from './client.ts'

/** Of each kind. */
const SOCKETS = 2_000
const AT_ONCE = 64
const WARM_UP = 200
const SAMPLE_MS = 100
const STREAMS = 4
const GIB = 1024 ** 3
const BLOCK = Buffer.alloc(64 * 1024, 'x')

interface Usage {
  readonly rss: number
  readonly cpuSeconds: number
}

let bytestreams = 0
function nextDstAddr(): DstAddr {
  bytestreams += 1
  return computeDstAddr(`sid ${bytestreams}`, 'requester@example.com/foo', 'target@example.org/bar')
}

/** Does `make` that many times, some at once. */
async function many<Made>(count: number, make: () => Promise<Made>): Promise<Made[]> {
  const made: Made[] = []
  let started = 0
  const worker = async () => {
    while (started < count) {
      started += 1
      made.push(await make())
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return made
}

class Contestant implements Disposable {
  readonly #child: ChildProcess
  port = 0

  private constructor(role: string) {
    this.#child = fork(fileURLToPath(import.meta.url), [role], { execArgv: ['--import=tsx', '--expose-gc'] })
  }

  static async start(role: string): Promise<Contestant> {
    const contestant = new Contestant(role)
    contestant.port = await contestant.#next()
    return contestant
  }

  /** Asks for its usage; `tidy` collects garbage first. */
  usage(tidy = true): Promise<Usage> {
    this.#child.send(tidy)
    return this.#next()
  }

  async #next<Message>(): Promise<Message> {
    return (await once(this.#child, 'message'))[0] as Message
  }

  [Symbol.dispose](): void {
    this.#child.disconnect()
  }
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function openPair(port: number): Promise<[Socket, Socket]> {
  const dstAddr = nextDstAddr()
  const pair: [Socket, Socket] = [await join(port, dstAddr), await join(port, dstAddr)]
  for (const socket of pair) socket.on('error', () => {}) // A relay that is gone resets what it relayed.
  return pair
}

/** A side that arrives at a bare pipe() before the other. */
async function openPiped(port: number): Promise<[Socket, Socket]> {
  return [await openSocket(port), await openSocket(port)]
}

/** Sends `bytes` from one end to the other. */
async function move([from, to]: readonly [Socket, Socket], bytes: number): Promise<void> {
  const arrived = new Promise<void>((resolve) => {
    let left = bytes
    to.on('data', ({ length }) => {
      left -= length
      if (left <= 0) resolve()
    })
  })
  for (let sent = 0; sent < bytes; sent += BLOCK.length) if (!from.write(BLOCK)) await once(from, 'drain')
  await arrived
}

/** @returns octets of memory for each of what `open` opens, once a few have been opened */
async function memoryEach(count: number, open: (port: number) => Promise<unknown>): Promise<number> {
  using contestant = await Contestant.start('streamhost')
  await many(WARM_UP, () => open(contestant.port))
  const before = await contestant.usage()
  await many(count, () => open(contestant.port))
  return ((await contestant.usage()).rss - before.rss) / count
}

async function reportMemory(): Promise<void> {
  using empty = await Contestant.start('streamhost')
  console.log(`memory of the process of a streamhost\n  ${'by itself'.padEnd(28)} ${formatBytes((await empty.usage()).rss)}`)
  const kinds = [
    ['socket in its handshake', SOCKETS, openSocket],
    ['socket that waits', SOCKETS, (port: number) => join(port, nextDstAddr())],
    ['idle bytestream', SOCKETS / 2, openPair],
  ] as const
  for (const [what, count, open] of kinds) {
    console.log(`  ${`each ${what}`.padEnd(28)} ${((await memoryEach(count, open)) / 1024).toFixed(1)} KiB`)
  }
}

async function measureThroughput(contestant: Contestant, open: (port: number) => Promise<[Socket, Socket]>) {
  const pairs = []
  for (let index = 0; index < STREAMS; index += 1) pairs.push(await open(contestant.port))
  const before = await contestant.usage()
  const started = performance.now()
  let [rss, isMoving] = [before.rss, true]
  const sampled = (async () => {
    for (; isMoving; await setTimeout(SAMPLE_MS)) rss = Math.max(rss, (await contestant.usage(false)).rss)
  })()
  await Promise.all(pairs.map((pair) => move(pair, GIB / STREAMS)))
  const seconds = (performance.now() - started) / 1000
  isMoving = false
  await sampled
  const after = await contestant.usage()
  for (const socket of pairs.flat()) socket.destroy()
  return { cpuSeconds: after.cpuSeconds - before.cpuSeconds, seconds, rss: rss - before.rss }
}

async function main(): Promise<void> {
  await reportMemory()
  using streamhost = await Contestant.start('streamhost')
  using naive = await Contestant.start('pipe')
  // The first run only warms up.
  for (const contestant of [
    { with: streamhost, open: openPair },
    { with: naive, open: openPiped },
  ])
    await measureThroughput(contestant.with, contestant.open)
  const ours = await measureThroughput(streamhost, openPair)
  const theirs = await measureThroughput(naive, openPiped)
  console.log(`\na GiB through ${STREAMS} bytestreams at once`)
  console.log(
    `  ${'CPU time'.padEnd(28)} ${ours.cpuSeconds.toFixed(2)} s, × ${(ours.cpuSeconds / theirs.cpuSeconds).toFixed(2)} of a bare pipe()`,
  )
  console.log(`  ${'time, with both ends here'.padEnd(28)} ${ours.seconds.toFixed(2)} s`)
  console.log(`  ${'more memory at most'.padEnd(28)} ${formatBytes(Math.max(0, ours.rss))}`)
}

async function serveStreamhost(): Promise<number> {
  const many = 20_000
  const limits = { openSocketsMax: many, openPerSourceMax: many, halfOpenMax: many, halfOpenPerSourceMax: many, handshakeMsMax: 3_600_000 }
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }], limits })
  streamhost.on('waiting', ({ dstAddr, sockets }) => {
    if (sockets === 2) setImmediate(() => streamhost.activate(dstAddr))
  })
  const [address] = await streamhost.listen()
  return address?.port as number
}

async function servePipe(): Promise<number> {
  let waiting: Socket | undefined
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (waiting) waiting.pipe(socket).pipe(waiting)
    waiting = waiting ? undefined : socket
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function serve(role: string): Promise<void> {
  process.on('message', (tidy) => {
    if (tidy) global.gc?.()
    const { user, system } = process.cpuUsage()
    process.send?.({ rss: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 } satisfies Usage)
  })
  process.on('disconnect', () => process.exit())
  process.send?.(await (role === 'streamhost' ? serveStreamhost() : servePipe()))
}

const [role] = process.argv.slice(2)
if (role === undefined) {
  await main()
  process.exit() // Sockets are left that nobody waits for.
}
await serve(role)
