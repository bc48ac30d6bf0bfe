// Question: what does it cost to know the hash of a file that is being received, and would another thread do it better?
// Method: first the hashes alone, 1 MiB at a time: on the main thread, and in a worker that gets the octets in memory both see, or
// handed over. Then whole files: a process of its own sends one over loopback, it is taken as a transfer takes it, into buffers that
// are used again, and written to a file, unhashed, hashed before each write, hashed while another thread writes (as FileSink
// does), and hashed in a worker, which gets a copy. A file that is received has its
// SHA-256 computed in any case. The contestants take turns; medians of ROUNDS are shown, ratios to the first line. CPU seconds are
// those of all threads of this process.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeOctets } from '../src/bytestreams/socket-octets.ts'
import { systemClock } from '../src/core/index.ts'
import { ContentHasher, type HashAlgorithm, verifiableAlgorithms } from '../src/transfer/hashes.ts'
import { beginSink } from '../test/helpers/parts.ts'
import { HashThread, type Passing } from './hash-thread.ts'

const MIB = 1024 ** 2
const PIECE_BYTES = 1024 * 1024
const ROUNDS = 5
const ALONE_BYTES = 64 * MIB
const FILE_BYTES = 256 * MIB

/** Does what is measured with that many octets. */
type Run = () => Promise<void>

interface Measure {
  readonly seconds: number
  readonly cpuSeconds: number
}

async function measure(run: Run): Promise<Measure> {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()]
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6 }
}

const median = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] as number

/** Lets the contestants take turns, and prints a line for each. */
async function compete(title: string, bytes: number, contestants: Readonly<Record<string, Run>>): Promise<void> {
  const entries = Object.entries(contestants).map(([name, run]) => ({ name, run, measures: [] as Measure[] }))
  for (let round = -1; round < ROUNDS; round++) {
    for (const { run, measures } of entries) {
      const found = await measure(run)
      if (round >= 0) measures.push(found) // The round before the first warms up.
    }
  }
  console.log(`\n${title}`)
  const [first] = entries.map(({ measures }) => median(measures.map(({ seconds }) => seconds)))
  for (const { name, measures } of entries) {
    const seconds = median(measures.map((each) => each.seconds))
    const cpuSeconds = median(measures.map((each) => each.cpuSeconds))
    const speed = `${(bytes / MIB / seconds).toFixed(0).padStart(6)} MiB/s   × ${((first as number) / seconds).toFixed(2)}`
    console.log(`  ${name.padEnd(44)} ${speed}   ${((cpuSeconds * 1024 * MIB) / bytes).toFixed(2)} CPU-s/GiB`)
  }
}

async function alone(algo: HashAlgorithm, passing?: Passing): Promise<void> {
  const pieces = ALONE_BYTES / PIECE_BYTES
  if (passing === undefined) {
    const hasher = await ContentHasher.begin([algo])
    const octets = Buffer.alloc(PIECE_BYTES, 'x')
    for (let piece = 0; piece < pieces; piece++) hasher.update(octets)
    hasher.digest()
    return
  }
  const thread = threads.get(`${algo} ${passing}`) as HashThread
  const octets = Buffer.alloc(PIECE_BYTES, 'x')
  for (let piece = 0; piece < pieces; piece++) await thread.update(passing === 'shared' ? octets : Buffer.alloc(PIECE_BYTES, 'x'))
  await thread.finish()
}

/** Threads that are up already: starting one takes longer than most files. */
const threads = new Map<string, HashThread>()

async function startThreads(algorithms: readonly HashAlgorithm[]): Promise<void> {
  for (const passing of ['shared', 'transferred'] as const) {
    const name = `${algorithms.join(' ')} ${passing}`
    if (!threads.has(name)) threads.set(name, await HashThread.start(algorithms, passing))
  }
}

/** What is done with each piece that comes. */
type Take = (octets: Buffer, file: FileHandle) => Promise<unknown>

const folder = await mkdtemp(join(tmpdir(), 'streamhost-bench-'))
const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
await once(server, 'listening')
const sender = fork(fileURLToPath(new URL('hash-sender.ts', import.meta.url)), { execArgv: ['--import=tsx'] })

/** The octets of the next file that is sent. */
async function* nextFile(): AsyncGenerator<Buffer, void> {
  sender.send({ port: (server.address() as AddressInfo).port, bytes: FILE_BYTES })
  const [socket] = (await once(server, 'connection')) as [Socket]
  const { socket: taken, octets } = takeOctets(socket, FILE_BYTES, systemClock)
  yield* octets
  taken.end().resume()
}

/** The memory is the transfer's: a thread can only have what was copied. */
const copyOf = (octets: Buffer) => Buffer.allocUnsafeSlow(octets.length).fill(octets)

async function received(take: Take, finish = async () => {}): Promise<void> {
  const content = nextFile()
  const path = join(folder, 'file')
  const file = await open(path, 'w')
  for await (const octets of content) await take(octets, file)
  await finish()
  await file.close()
  await rm(path)
}

async function receivedBySink(algorithms: readonly HashAlgorithm[]): Promise<void> {
  const content = nextFile()
  await using sink = await beginSink(folder, { name: 'file', size: FILE_BYTES, hashUsed: algorithms.slice(-1) })
  for await (const octets of content) await sink.write(octets)
}

function whole(algorithms: readonly HashAlgorithm[]): Readonly<Record<string, Run>> {
  const thread = (passing: Passing) => threads.get(`${algorithms.join(' ')} ${passing}`) as HashThread
  const onMain = async (take: (hasher: ContentHasher) => Take) => {
    const hasher = await ContentHasher.begin(algorithms)
    await received(take(hasher))
    hasher.digest()
  }
  return {
    'without a hash': () => received((octets, file) => file.write(octets)),
    'main thread, before each write': () =>
      onMain((hasher) => (octets, file) => {
        hasher.update(octets)
        return file.write(octets)
      }),
    'main thread, during each write': () =>
      onMain((hasher) => (octets, file) => {
        const writing = file.write(octets)
        hasher.update(octets)
        return writing
      }),
    FileSink: () => receivedBySink(algorithms),
    'worker, memory both see': () =>
      received(
        async (octets, file) => Promise.all([file.write(octets), thread('shared').update(octets)]),
        () => thread('shared').finish(),
      ),
    'worker, handed over once written': () =>
      received(
        async (octets, file) => {
          await file.write(octets)
          await thread('transferred').update(copyOf(octets))
        },
        () => thread('transferred').finish(),
      ),
  }
}

try {
  for (const algo of verifiableAlgorithms) {
    await startThreads([algo])
    await compete(algo, ALONE_BYTES, {
      'main thread': () => alone(algo),
      'worker, memory both see': () => alone(algo, 'shared'),
      'worker, handed over': () => alone(algo, 'transferred'),
    })
  }
  for (const algo of ['sha-256', 'sha3-256', 'blake2b-512', 'blake2b-256'] as const) {
    const algorithms = [...new Set(['sha-256', algo] as const)]
    await startThreads(algorithms)
    await compete(`a file of 256 MiB, its ${algorithms.join(' and ')}`, FILE_BYTES, whole(algorithms))
  }
} finally {
  for (const thread of threads.values()) await thread[Symbol.asyncDispose]()
  if (sender.connected) sender.disconnect()
  server.close()
  await rm(folder, { recursive: true })
}
