import { once } from 'node:events'
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { ContentHasher, type HashAlgorithm } from '../src/transfer/hashes.ts'

/** How octets get to the thread: copied into memory both see, or handed over. */
export type Passing = 'shared' | 'transferred'

/** As large as the buffers files are read into. */
const PIECE_BYTES = 1024 * 1024
/** Pieces on their way to the thread. */
const PIECES_MAX = 4

interface WorkerData {
  readonly algorithms: readonly HashAlgorithm[]
  readonly memory: SharedArrayBuffer
}

interface Piece {
  readonly slot: number
  /** In the memory both see, unless the octets are there. */
  readonly length: number
  readonly octets?: Uint8Array
}

/** Computes hashes in a thread of its own: what {@link ContentHasher} would cost there. */
export class HashThread implements AsyncDisposable {
  readonly #worker: Worker
  readonly #passing: Passing
  readonly #memory: Uint8Array
  readonly #free = Array.from({ length: PIECES_MAX }, (_, slot) => slot)

  private constructor(worker: Worker, passing: Passing, memory: SharedArrayBuffer) {
    this.#worker = worker
    this.#passing = passing
    this.#memory = new Uint8Array(memory)
    worker.on('message', (slot: unknown) => typeof slot === 'number' && this.#free.push(slot))
  }

  static async start(algorithms: readonly HashAlgorithm[], passing: Passing): Promise<HashThread> {
    const memory = new SharedArrayBuffer(PIECES_MAX * PIECE_BYTES)
    // Node 20 does not hand its loader on to threads.
    const entry = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(import.meta.url)})))`
    const worker = new Worker(entry, { eval: true, workerData: { algorithms, memory } satisfies WorkerData })
    await once(worker, 'message')
    return new HashThread(worker, passing, memory)
  }

  /** Where octets are handed over, nobody else may need them. */
  async update(octets: Uint8Array): Promise<void> {
    if (this.#passing === 'transferred') {
      const slot = await this.#freeSlot()
      this.#worker.postMessage({ slot, length: octets.length, octets } satisfies Piece, [octets.buffer as ArrayBuffer])
      return
    }
    for (let start = 0; start < octets.length; start += PIECE_BYTES) {
      const slot = await this.#freeSlot()
      const piece = octets.subarray(start, start + PIECE_BYTES)
      this.#memory.set(piece, slot * PIECE_BYTES)
      this.#worker.postMessage({ slot, length: piece.length } satisfies Piece)
    }
  }

  async #freeSlot(): Promise<number> {
    while (this.#free.length === 0) await once(this.#worker, 'message')
    return this.#free.pop() as number
  }

  /** Settles when the thread has seen everything. */
  async finish(): Promise<void> {
    while (this.#free.length < PIECES_MAX) await once(this.#worker, 'message')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

async function work(port: MessagePort, { algorithms, memory }: WorkerData): Promise<void> {
  const hasher = await ContentHasher.begin(algorithms)
  port.on('message', ({ slot, length, octets }: Piece) => {
    hasher.update(octets ?? Buffer.from(memory, slot * PIECE_BYTES, length))
    port.postMessage(slot)
  })
  port.postMessage('ready')
}

if (!isMainThread && parentPort) await work(parentPort, workerData as WorkerData)
