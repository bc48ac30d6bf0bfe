import type { Socket } from 'node:net'
import type { Relay, RelayEnd, RelayEngine, RelayOptions, RelayTotals } from './engine.ts'

/** Relays with Node's own sockets. Needs nothing, works everywhere. */
export const streamEngine: RelayEngine = {
  name: 'stream',
  relay: (first, second, options) => new StreamRelay(first, second, options),
}

/** Looks at the counters within the idle time: it is kept to a quarter of itself. */
const IDLE_LOOKS = 4

class StreamRelay implements Relay {
  firstToSecond = 0
  secondToFirst = 0
  readonly done: Promise<RelayTotals>
  readonly #first: Socket
  readonly #second: Socket
  #end: RelayEnd = 'end'

  constructor(first: Socket, second: Socket, { clock, signal, idleMsMax }: RelayOptions) {
    this.#first = first
    this.#second = second

    const onAbort = () => this.#breakOff('aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    let seen = 0
    let quietLooks = 0
    let cancelIdle = () => {}
    // Counters are compared now and then, instead of a timer being set anew for each octet.
    const watchIdle = () => {
      const moved = this.firstToSecond + this.secondToFirst
      quietLooks = moved === seen ? quietLooks + 1 : 0
      seen = moved
      if (quietLooks >= IDLE_LOOKS) this.#breakOff('idle')
      else cancelIdle = clock.after(idleMsMax / IDLE_LOOKS, watchIdle)
    }
    this.done = Promise.all([closed(first), closed(second)]).then(() => {
      cancelIdle()
      signal.removeEventListener('abort', onAbort)
      return { firstToSecond: this.firstToSecond, secondToFirst: this.secondToFirst, end: this.#end }
    })

    for (const socket of [first, second]) {
      socket.on('error', () => this.#breakOff('reset'))
      // Whatever closed it: what is not over from both sides was broken off.
      socket.on('close', () => {
        if (!(socket.readableEnded && socket.writableFinished)) this.#breakOff('reset')
      })
    }
    pump(first, second, (bytes) => {
      this.firstToSecond += bytes
    })
    pump(second, first, (bytes) => {
      this.secondToFirst += bytes
    })
    if (first.destroyed || second.destroyed) this.#breakOff('reset')
    else if (signal.aborted) onAbort()
    else cancelIdle = clock.after(idleMsMax / IDLE_LOOKS, watchIdle)
  }

  /** Neither side may take what it has for all there is. */
  #breakOff(end: RelayEnd): void {
    if (this.#end !== 'end') return
    this.#end = end
    for (const socket of [this.#first, this.#second]) reset(socket)
  }
}

/**
 * Closes with a reset. While a FIN is on its way to the kernel, Node cannot: it would send the FIN and never tell of the
 * close.
 */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) socket.once('finish', () => reset(socket))
  else socket.resetAndDestroy()
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

/** One direction. While the sink is slow at most two reads are held: the one it has not taken, and the one Node makes ahead. */
function pump(source: Socket, sink: Socket, count: (bytes: number) => void): void {
  source.on('data', (octets: Buffer) => {
    count(octets.length)
    sink.write(octets)
    // What the kernel took at once is not waited for, whatever the high-water mark says.
    if (sink.writableLength > 0) source.pause()
  })
  sink.on('drain', () => {
    if (source.isPaused()) source.resume()
  })
  source.on('end', () => sink.end())
  source.resume()
}
