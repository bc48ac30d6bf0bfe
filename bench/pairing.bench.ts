// Question: what does the bookkeeping of a streamhost cost for each bytestream?
// Method: two races in one run.
//   1. Pairing alone, without sockets: two join, are activated and end, with 1,000 others waiting. Against a Map of arrays.
//   2. Whole set-ups over loopback, 32 at once: two sockets, both handshakes, activation, 1 KiB each way, tear-down. Each
//      contestant runs in a process of its own, whose CPU time is taken too, and activates when the second socket has come;
//      they take turns, and the medians are compared. Against the least that can relay at all: a Map, pipe(), no limits, no
//      deadlines, one read for each message.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { computeDstAddr, type DstAddr } from '../src/socks5/index.ts'
import { Streamhost } from '../src/streamhost/index.ts'
import { Pairing } from '../src/streamhost/pairing.ts'
import { join, read } from './client.ts'
import { race } from './race.ts'

const ROUNDS = 5
const SET_UPS = 3_000
const AT_ONCE = 32
const OTHERS = 1_000
const KIB = Buffer.alloc(1_024, 'x')

const dstAddrs = Array.from({ length: SET_UPS }, (_, number) =>
  computeDstAddr(`sid ${number}`, 'requester@example.com/foo', 'target@example.org/bar'),
)

function shippedPairing(): () => void {
  const pairing = new Pairing<object>({ perDstAddrMax: 4, waitingMax: 10_000 })
  const place = (sourceAddress: string) => ({ socket: {}, listeningAddress: '192.0.2.1:7777', rank: 0, sourceAddress })
  const [first, second] = [place('192.0.2.2'), place('192.0.2.3')]
  for (const dstAddr of dstAddrs.slice(0, OTHERS)) pairing.join(dstAddr, first)
  const dstAddr = dstAddrs[OTHERS] as DstAddr
  return () => {
    pairing.join(dstAddr, first)
    pairing.join(dstAddr, second)
    pairing.activate(dstAddr)
    pairing.end(dstAddr)
  }
}

function naivePairing(): () => void {
  const waiting = new Map<string, object[]>()
  const active = new Set<string>()
  const [first, second] = [{}, {}]
  for (const dstAddr of dstAddrs.slice(0, OTHERS)) waiting.set(dstAddr, [first])
  const dstAddr = dstAddrs[OTHERS] as DstAddr
  return () => {
    waiting.set(dstAddr, [first])
    waiting.get(dstAddr)?.push(second)
    active.add(dstAddr)
    waiting.delete(dstAddr)
    active.delete(dstAddr)
  }
}

async function serveShipped(): Promise<number> {
  const limits = { openPerSourceMax: 10_000, halfOpenPerSourceMax: 10_000 }
  const streamhost = new Streamhost({}, { listen: [{ host: '127.0.0.1', port: 0 }], limits })
  streamhost.on('waiting', ({ dstAddr, sockets: count }) => {
    if (count === 2) setImmediate(() => streamhost.activate(dstAddr))
  })
  const [address] = await streamhost.listen()
  return address?.port as number
}

async function serveNaive(): Promise<number> {
  const waiting = new Map<string, Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]))
      socket.once('data', (request) => {
        socket.pause()
        const reply = Buffer.from(request)
        reply[1] = 0
        socket.write(reply)
        const key = request.toString('latin1', 5, 45)
        const other = waiting.get(key)
        if (!other) return void waiting.set(key, socket)
        waiting.delete(key)
        socket.pipe(other)
        other.pipe(socket)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function setUp(port: number, dstAddr: DstAddr): Promise<void> {
  const pair = [await join(port, dstAddr), await join(port, dstAddr)] as const
  for (const socket of pair) socket.write(KIB)
  for (const socket of pair) await read(socket, KIB.length)
  for (const socket of pair) socket.end().resume()
  await Promise.all(pair.map((socket) => once(socket, 'close')))
}

interface SetUpResult {
  readonly perSecond: number
  /** Of the contestant's process, user and system. */
  readonly cpuMsEach: number
}

async function cpuMs(contestant: ChildProcess): Promise<number> {
  contestant.send('cpu')
  return (await once(contestant, 'message'))[0] as number
}

async function runSetUps(contestant: ChildProcess, port: number): Promise<SetUpResult> {
  const cpuBefore = await cpuMs(contestant)
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (next < SET_UPS) await setUp(port, dstAddrs[next++] as DstAddr)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (performance.now() - started) / 1_000
  return { perSecond: SET_UPS / seconds, cpuMsEach: ((await cpuMs(contestant)) - cpuBefore) / SET_UPS }
}

async function start(name: string): Promise<{ contestant: ChildProcess; run: () => Promise<SetUpResult> }> {
  const contestant = fork(fileURLToPath(import.meta.url), [name], { execArgv: ['--import=tsx'] })
  const [port] = (await once(contestant, 'message')) as [number]
  return { contestant, run: () => runSetUps(contestant, port) }
}

async function serve(name: string): Promise<void> {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.((user + system) / 1_000)
  })
  process.on('disconnect', () => process.exit())
  process.send?.(await (name === 'shipped' ? serveShipped() : serveNaive()))
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

async function raceSetUps(): Promise<void> {
  const [shipped, naive] = [await start('shipped'), await start('naive')]
  const results: [SetUpResult, SetUpResult][] = []
  // The first round only warms up.
  for (let round = 0; round <= ROUNDS; round++) results.push([await shipped.run(), await naive.run()])
  for (const { contestant } of [shipped, naive]) contestant.disconnect()

  const report = (figure: keyof SetUpResult, unit: string, digits: number) => {
    const [ours = Number.NaN, theirs = Number.NaN] = [0, 1].map((index) =>
      median(results.slice(1).map((round) => round[index]?.[figure] ?? 0)),
    )
    console.log(
      `  ${unit.padEnd(32)} Streamhost ${ours.toFixed(digits)}, naive twin ${theirs.toFixed(digits)}   × ${(ours / theirs).toFixed(2)}`,
    )
  }
  console.log(`\nset-ups, ${AT_ONCE} at once`)
  report('perSecond', 'bytestreams a second', 0)
  report('cpuMsEach', 'CPU for each, in ms', 3)
}

const [role] = process.argv.slice(2)
if (role === undefined) {
  await race('pairing, for each bytestream', { Pairing: shippedPairing(), 'naive twin': naivePairing() })
  await raceSetUps()
} else {
  await serve(role)
}
