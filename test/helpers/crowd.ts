import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { encodeGreeting } from '../../src/socks5/index.ts'
import type { Address } from './raw-client.ts'

/** So many addresses of this machine, beside the usual one: all of 127/8 is, on Linux. */
export const loopbacks = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `127.9.${Math.floor(number / 250)}.${1 + (number % 250)}`)

export interface CrowdInit {
  readonly size: number
  /** Addresses they come from, in turn. */
  readonly sources: readonly string[]
  /** Whether they begin a handshake, instead of saying nothing at all. */
  readonly isGreeting?: boolean
  /** Whether one that is closed comes again at once. */
  readonly isReturning?: boolean
}

/** Peers that keep connections open without ever showing a DST.ADDR, until the test is over. */
export class Crowd {
  readonly #at: Address
  readonly #isGreeting: boolean
  readonly #isReturning: boolean
  readonly #sockets = new Set<Socket>()
  #isOver = false
  /** Connections made, and those that were closed on them. */
  connected = 0
  closed = 0

  private constructor(at: Address, { isGreeting = false, isReturning = false }: CrowdInit) {
    this.#at = at
    this.#isGreeting = isGreeting
    this.#isReturning = isReturning
  }

  /** Those that are there now, as far as they know. */
  get size(): number {
    return this.#sockets.size
  }

  /** Settles once each has been connected. */
  static async gather(t: ExecutionContext, at: Address, init: CrowdInit): Promise<Crowd> {
    const { size, sources } = init
    const crowd = new Crowd(at, init)
    t.teardown(() => crowd.disperse())
    const first = Array.from({ length: size }, (_, number) => crowd.#come(sources[number % sources.length] as string))
    await Promise.all(first.map((socket) => once(socket, 'connect')))
    return crowd
  }

  /** They leave, and come no more. */
  disperse(): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }

  #come(localAddress: string): Socket {
    const socket = connect({ ...this.#at, localAddress })
    this.#sockets.add(socket)
    socket.on('error', () => {}) // 'close' follows.
    socket.on('connect', () => {
      this.connected += 1
      if (this.#isGreeting) socket.write(encodeGreeting())
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (this.#isOver) return
      this.closed += 1
      if (this.#isReturning) this.#come(localAddress)
    })
    socket.resume()
    return socket
  }
}
