import { connect, type Socket } from 'node:net'
import { abortError, BytestreamError, type Clock } from '../core/index.ts'

/** Octets of one socket that are held, to within a read of it: more than any probe wants at once. A flood has to wait. */
const HELD_BYTES_MAX = 1024 * 1024

/** Where a socket connects to. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What a socket brought. */
export interface Reading {
  readonly octets: Buffer
  /** In how many pieces they came. */
  readonly pieces: number
  /** Why they are fewer than wanted: the peer has closed its side, broken the connection, or been quiet for too long. */
  readonly ending: 'end' | 'reset' | 'quiet' | undefined
}

/** A TCP connection whose every octet is looked at, half-close allowed. */
export class RawSocket {
  readonly #socket: Socket
  readonly #clock: Clock
  #pieces: Buffer[] = []
  #waitingBytes = 0
  #ending: 'end' | 'reset' | undefined
  #onNews = () => {}

  /** @param socket is connected, or going to be */
  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    const finish = (ending: 'end' | 'reset') => () => {
      this.#ending ??= ending
      this.#onNews()
    }
    socket
      .on('data', (octets: Buffer) => {
        this.#pieces.push(octets)
        this.#waitingBytes += octets.length
        if (this.#waitingBytes >= HELD_BYTES_MAX) socket.pause()
        this.#onNews()
      })
      .on('end', finish('end'))
      .on('error', finish('reset'))
      .on('close', finish('reset'))
  }

  /** Octets that have come and were not read yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Whether the peer has closed its side, or broken the connection. */
  get isOver(): boolean {
    return this.#ending !== undefined
  }

  send(octets: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(octets)
  }

  /** Closes our side; the other stays open. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Waits for octets.
   *
   * @param bytes how many are wanted; there may be fewer, and `ending` says why
   * @param quietMsMax milliseconds to wait for each next piece
   */
  async read(bytes: number, quietMsMax: number): Promise<Reading> {
    while (this.waitingBytes < bytes) {
      if (this.#ending) return this.#take(this.waitingBytes, this.#ending)
      if (!(await this.#news(quietMsMax))) return this.#take(this.waitingBytes, 'quiet')
    }
    return this.#take(bytes, undefined)
  }

  /** @returns whether there was any within the time */
  #news(msMax: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isNews: boolean) => {
        cancel()
        this.#onNews = () => {}
        resolve(isNews)
      }
      const cancel = this.#clock.after(msMax, () => settle(false))
      this.#onNews = () => settle(true)
    })
  }

  #take(bytes: number, ending: Reading['ending']): Reading {
    const all = Buffer.concat(this.#pieces)
    let [pieces, counted] = [0, 0]
    for (const { length } of this.#pieces) {
      if (counted >= bytes) break
      pieces += 1
      counted += length
    }
    const rest = all.subarray(bytes)
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#waitingBytes = rest.length
    if (rest.length < HELD_BYTES_MAX) this.#socket.resume()
    return { octets: all.subarray(0, bytes), pieces, ending }
  }
}

/** The sockets of one probe: none outlives it. */
export class Sockets implements Disposable {
  readonly #clock: Clock
  readonly #open: Socket[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Opens a TCP connection.
   *
   * @throws BytestreamError `ERR_UNREACHABLE`, or the reason of `signal`
   */
  connect({ host, port }: Address, signal: AbortSignal): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(abortError(signal))
      const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
      this.#open.push(socket)
      const onAbort = () => socket.destroy(abortError(signal))
      const onError = (cause: Error) =>
        reject(
          cause instanceof BytestreamError
            ? cause
            : new BytestreamError('ERR_UNREACHABLE', `${formatAddress({ host, port })} cannot be reached: ${reasonOf(cause)}`, { cause }),
        )
      signal.addEventListener('abort', onAbort, { once: true })
      socket.once('close', () => signal.removeEventListener('abort', onAbort))
      socket.once('error', onError).once('connect', () => {
        socket.off('error', onError)
        resolve(new RawSocket(socket, this.#clock))
      })
      return undefined
    })
  }

  [Symbol.dispose](): void {
    for (const socket of this.#open) socket.destroy()
  }
}

/** Where several addresses of a host were tried, Node keeps the reasons below. */
function reasonOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(({ message }: Error) => message).join('; ') : error.message
}

/** `HOST:PORT`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
