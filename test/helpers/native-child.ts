// A relay in a process of its own, which ends in the way its argument names. Started by test/native/process.test.ts and, on
// other versions of Node, by test/native/node-versions.test.ts.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { loadNativeRelay, type NativeRelay } from '../../src/native/index.ts'
import { compiled } from './our-programs.ts'

const OCTETS = Buffer.alloc(256 * 1024, 'o')

function start(): NativeRelay {
  const loaded = loadNativeRelay()
  if ('reason' in loaded) throw new Error(loaded.reason)
  return loaded.start({ threads: 2, pipesMax: 100 })
}

async function pair(): Promise<readonly [accepted: Socket, connected: Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [accepted]: Socket[] = await once(server, 'connection')
  server.close()
  return [accepted as Socket, connected]
}

function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd: number; readStop(): void } }
  handle.readStop()
  return handle.fd
}

/** A bytestream, and the sockets of both who use it. */
async function add(relay: NativeRelay, onDone: (ending: string) => void = () => {}): Promise<readonly [Socket, Socket]> {
  const [[one, first], [other, second]] = [await pair(), await pair()]
  relay.add(descriptorOf(one), descriptorOf(other), { early: [undefined, undefined] }, onDone)
  one.destroy()
  other.destroy()
  for (const socket of [first, second]) socket.on('error', () => {})
  return [first, second]
}

/** Bytestreams that move as many octets as they can, and others that end and begin all the time. */
async function keepBusy(relay: NativeRelay): Promise<void> {
  for (let index = 0; index < 4; index++) {
    const [first, second] = await add(relay)
    const fill = (): void => {
      while (first.write(OCTETS)) {}
      first.once('drain', fill)
    }
    second.once('data', () => second.resume())
    fill()
  }
  const again = async (): Promise<void> => {
    const [first, second] = await add(relay, () => void again())
    second.resume()
    second.on('end', () => second.end())
    first.resume()
    first.end('x')
  }
  for (let index = 0; index < 8; index++) void again()
  await add(relay, () => void again())
  const [first, second] = await add(relay)
  first.write('moved')
  await once(second, 'data')
}

/** A thread that does what `states` says. */
const startThread = (state: string): Worker => new Worker(compiled('test/helpers/native-child.ts'), { workerData: state })

const tell = (what: string): void => void process.stdout.write(`${what}\n`)

const endings: Readonly<Record<string, () => Promise<void> | void>> = {
  'starts a relay': () => void start(),
  'has an idle relay after a bytestream': async () => {
    const [first, second] = await add(start(), tell)
    first.end()
    second.end()
    first.resume()
    second.resume()
  },
  'has nothing but a bytestream': async () => {
    const [first, second] = await add(start(), tell)
    second.on('data', (octets) => tell(String(octets)))
    second.on('end', () => second.end())
    first.resume()
    first.end('moved')
    for (const socket of [first, second]) socket.unref()
  },
  'exits while bytestreams run': async () => {
    await keepBusy(start())
    process.exit(0)
  },
  'exits right after a bytestream was added': async () => {
    await add(start())
    process.exit(0)
  },
  'exits right after a relay was started': () => {
    start()
    process.exit(0)
  },
  'throws while bytestreams run': async () => {
    await keepBusy(start())
    throw new Error('thrown on purpose')
  },
  'throws when it hears of an end': async () => {
    process.on('uncaughtException', (error) => {
      tell(`uncaught: ${error.message}`)
      process.exit(0)
    })
    const [first] = await add(start(), () => {
      throw new Error('thrown on purpose')
    })
    first.resetAndDestroy()
  },
  'waits for a signal while bytestreams run': async () => {
    await keepBusy(start())
    tell('busy')
  },
  'stops and exits': async () => {
    const relay = start()
    await keepBusy(relay)
    relay.stop()
    process.exit(0)
  },
  'ends threads while bytestreams run': async () => {
    for (let round = 0; round < 2; round++) {
      const workers = ['busy', 'busy', 'started', 'added'].map(startThread)
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      await Promise.all(workers.map((worker) => worker.terminate()))
    }
    tell('terminated')
  },
  'lets threads end by themselves': async () => {
    const workers = ['exit', 'throw', 'idle'].map(startThread)
    for (const worker of workers) worker.on('error', ({ message }) => tell(message))
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))))
    tell('over')
  },
}

const states: Readonly<Record<string, () => Promise<void> | void>> = {
  busy: () => keepBusy(start()),
  added: () => void add(start()),
  started: () => void start(),
  exit: () => keepBusy(start()).then(() => process.exit()),
  throw: async () => {
    await keepBusy(start())
    throw new Error('thrown on purpose')
  },
  idle: () => endings['has an idle relay after a bytestream']?.(),
}

if (isMainThread) {
  await endings[process.argv[2] ?? '']?.()
} else {
  await states[workerData]?.()
  parentPort?.postMessage('ready')
}
