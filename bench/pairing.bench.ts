// Question: what does the bookkeeping of a streamhost cost for each bytestream?
// Method: two races, contenders in turn, medians of the rounds, and their ratio in the same run; absolute figures belong to
// the machine.
//   1. Pairing alone, without sockets: two join, are activated and end, with 1,000 others waiting. Against a Map of arrays.
//   2. Whole set-ups over loopback, 32 at once: two sockets, both handshakes, activation, 1 KiB each way, tear-down. The
//      contender runs in a process of its own, whose CPU time is taken too, and activates when the second socket has come.
//      Against the least that can relay at all: a Map, pipe(), no limits, no deadlines, one read for each message.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ClientHandshake, computeDstAddr, type DstAddr } from '../src/socks5/index.ts'
import { Streamhost } from '../src/streamhost/index.ts'
import { Pairing } from '../src/streamhost/pairing.ts'

const ROUNDS = 5
const PAIRINGS = 50_000
const OTHERS = 1_000
const SET_UPS = 3_000
const AT_ONCE = 32
const KIB = Buffer.alloc(1_024, 'x')

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
const dstAddrOf = (number: number) => computeDstAddr(`sid ${number}`, 'requester@example.com/foo', 'target@example.org/bar')

/** Runs each contender in turn, again and again. @returns the results of each, in the order of the rounds */
async function race<T>(contenders: Readonly<Record<string, () => T | Promise<T>>>): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>()
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const result = await run()
      // The first round only warms up.
      if (round > 0) results.set(name, [...(results.get(name) ?? []), result])
    }
  }
  return results
}

const sockets = Array.from({ length: 4 }, () => ({}))
const places = sockets.map((socket, index) => ({ socket, listeningAddress: '192.0.2.1:7777', rank: 0, sourceAddress: `192.0.2.${index}` }))
const dstAddrs = Array.from({ length: PAIRINGS }, (_, number) => dstAddrOf(number))

function nanosecondsEach(pairUp: (dstAddr: DstAddr) => void): number {
  const started = process.hrtime.bigint()
  for (const dstAddr of dstAddrs) pairUp(dstAddr)
  return Number(process.hrtime.bigint() - started) / PAIRINGS
}

function shippedPairing(): number {
  const pairing = new Pairing<object>({ perDstAddrMax: 4, waitingMax: 10_000 })
  const [first, second] = places as [(typeof places)[0], (typeof places)[0]]
  for (let number = 0; number < OTHERS; number++) pairing.join(dstAddrOf(-1 - number), first)
  return nanosecondsEach((dstAddr) => {
    pairing.join(dstAddr, first)
    pairing.join(dstAddr, second)
    pairing.activate(dstAddr)
    pairing.end(dstAddr)
  })
}

function naivePairing(): number {
  const waiting = new Map<string, object[]>()
  const active = new Set<string>()
  const [first, second] = sockets as [object, object]
  for (let number = 0; number < OTHERS; number++) waiting.set(dstAddrOf(-1 - number), [first])
  return nanosecondsEach((dstAddr) => {
    for (const socket of [first, second]) {
      const others = waiting.get(dstAddr)
      if (others) others.push(socket)
      else waiting.set(dstAddr, [socket])
    }
    if (waiting.get(dstAddr)?.length === 2) active.add(dstAddr)
    waiting.delete(dstAddr)
    active.delete(dstAddr)
  })
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

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  let octets: Buffer | null = socket.read(bytes)
  while (octets === null) {
    await once(socket, 'readable')
    octets = socket.read(bytes)
  }
  return octets
}

async function join(port: number, dstAddr: DstAddr): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const handshake = new ClientHandshake(dstAddr)
  socket.write(handshake.start())
  const { request } = handshake.push(await read(socket, 2))
  socket.write(request as Buffer)
  handshake.push(await read(socket, 47))
  return socket
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
  /** Of the contender's process, user and system. */
  readonly cpuMsEach: number
}

async function cpuMs(contender: ChildProcess): Promise<number> {
  contender.send('cpu')
  return (await once(contender, 'message'))[0] as number
}

async function runSetUps(contender: ChildProcess, port: number): Promise<SetUpResult> {
  const cpuBefore = await cpuMs(contender)
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (next < SET_UPS) await setUp(port, dstAddrs[next++] as DstAddr)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const seconds = (performance.now() - started) / 1_000
  return { perSecond: SET_UPS / seconds, cpuMsEach: ((await cpuMs(contender)) - cpuBefore) / SET_UPS }
}

async function start(name: string): Promise<{ contender: ChildProcess; run: () => Promise<SetUpResult> }> {
  const contender = fork(fileURLToPath(import.meta.url), [name], { execArgv: ['--import=tsx'] })
  const [port] = (await once(contender, 'message')) as [number]
  return { contender, run: () => runSetUps(contender, port) }
}

async function serve(name: string): Promise<void> {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.((user + system) / 1_000)
  })
  process.on('disconnect', () => process.exit())
  process.send?.(await (name === 'shipped' ? serveShipped() : serveNaive()))
}

function report(what: string, shipped: readonly number[], naive: readonly number[], digits: number): void {
  const [ours, theirs] = [median(shipped), median(naive)]
  console.log(
    `${what.padEnd(44)} ${ours.toFixed(digits).padStart(8)} ${theirs.toFixed(digits).padStart(8)} ${(ours / theirs).toFixed(2).padStart(8)}`,
  )
}

async function main(): Promise<void> {
  console.log(`${''.padEnd(44)} ${'shipped'.padStart(8)} ${'naive'.padStart(8)} ${'ratio'.padStart(8)}`)
  const pairing = await race({ shipped: shippedPairing, naive: naivePairing })
  report('pairing, ns for each bytestream', pairing.get('shipped') ?? [], pairing.get('naive') ?? [], 0)

  const [shipped, naive] = [await start('shipped'), await start('naive')]
  const setUps = await race({ shipped: shipped.run, naive: naive.run })
  const all = (name: string, figure: keyof SetUpResult) => (setUps.get(name) ?? []).map((result) => result[figure])
  report(`set-ups a second, ${AT_ONCE} at once`, all('shipped', 'perSecond'), all('naive', 'perSecond'), 0)
  report('CPU of the relay for each, ms', all('shipped', 'cpuMsEach'), all('naive', 'cpuMsEach'), 3)
  for (const { contender } of [shipped, naive]) contender.disconnect()
}

const [role] = process.argv.slice(2)
await (role === undefined ? main() : serve(role))
