import { setImmediate } from 'node:timers/promises'
import PQueue from 'p-queue'
import { abortError, bareJid, throwIfAborted, tryPrepareJid } from '../../core/index.ts'
import type { Transfer } from '../transfer.ts'
import { FairQueue, type TurnOptions } from './fair-queue.ts'

/** How many transfers run at once. */
export interface TurnsInit {
  /** In all. */
  readonly concurrency: number
  /** With one account, whichever of its devices. */
  readonly concurrencyPerPeer: number
}

/** Gives transfers their turns: the highest priority first, and fair between peers. */
export class Turns {
  readonly #order: FairQueue
  readonly #queue: PQueue<FairQueue, TurnOptions>
  #ids = 0

  /** @throws TypeError for a number below 1 */
  constructor({ concurrency, concurrencyPerPeer }: TurnsInit) {
    if (!(concurrencyPerPeer >= 1)) throw new TypeError(`concurrencyPerPeer is ${concurrencyPerPeer}: at least 1 is needed`)
    const orders: FairQueue[] = []
    // p-queue makes its own, without arguments.
    class Order extends FairQueue {
      constructor() {
        super(concurrencyPerPeer)
        orders.push(this)
      }
    }
    this.#queue = new PQueue<FairQueue, TurnOptions>({ concurrency, queueClass: Order })
    this.#order = orders[0] as FairQueue
  }

  /** Whether nothing new begins. */
  get isPaused(): boolean {
    return this.#queue.isPaused
  }

  /** Nothing new begins; what runs goes on. */
  pause(): void {
    this.#queue.pause()
  }

  resume(): void {
    this.#queue.start()
  }

  /**
   * Does `work` when the turn of a transfer has come. One that is cancelled meanwhile waits no more.
   *
   * @throws BytestreamError the reason of the transfer's signal; as `work` does
   */
  async take<T>(transfer: Transfer, work: () => Promise<T>): Promise<T> {
    const { signal, priority } = transfer
    throwIfAborted(signal)
    const peer = bareJid(tryPrepareJid(transfer.peer))
    const id = String(this.#ids++)
    const leaving = new AbortController()
    const onAbort = () => leaving.abort(abortError(signal))
    const onPriority = (changed: number) => this.#queue.setPriority(id, changed)
    signal.addEventListener('abort', onAbort, { once: true })
    transfer.on('priority', onPriority)
    const stopWaiting = () => {
      signal.removeEventListener('abort', onAbort)
      transfer.off('priority', onPriority)
    }
    return await new Promise<T>((resolve, reject) => {
      const turn = async () => {
        stopWaiting() // From here on the work itself hears of an end, and cleans up before its place is another's.
        const working = work()
        working.then(resolve, reject)
        await Promise.allSettled([working])
        await setImmediate() // Whoever looks sees it over before the next one begins.
        this.#order.release(peer)
      }
      this.#queue.add(turn, { id, peer, priority, signal: leaving.signal }).catch(reject).finally(stopWaiting)
    })
  }
}
