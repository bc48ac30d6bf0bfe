import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { BytestreamError, type Clock, type ErrorCode, type Logger, silentLogger, systemClock } from '../core/index.ts'
import { type DstAddr, ServerHandshake } from '../socks5/index.ts'
import { type BoundAddress, formatAddress, type ListenAddress, normaliseAddress, sourceOf } from './addresses.ts'
import { HalfOpen } from './half-open.ts'
import { defaultLimits, type StreamhostLimits } from './limits.ts'
import { OpenSockets } from './open-sockets.ts'
import { Ports } from './ports.ts'

/** A socket that was let in. It is the caller's from now on. */
export interface Admitted {
  /** Paused, half-close allowed, its next octet is the first of the bytestream. */
  readonly socket: Socket
  /** To be called when its descriptor is given back; until then it counts as open. Once more does nothing. */
  readonly uncount: () => void
}

/** A socket that has asked for a DST.ADDR. Exactly one of `accept` and `refuse` has to be called, at once. */
export interface SocksRequest {
  readonly dstAddr: DstAddr
  readonly remoteAddress: string
  /** Local address and port the socket came in at. */
  readonly listeningAddress: string
  /** Which of the addresses listened on it was, by its place in the list. */
  readonly rank: number
  accept(): Admitted
  refuse(code: ErrorCode): void
}

export type ListenerLimits = Pick<
  StreamhostLimits,
  'openSocketsMax' | 'halfOpenMax' | 'openPerSourceMax' | 'halfOpenPerSourceMax' | 'handshakeMsMax'
>

export interface ListenerInit {
  readonly listen: readonly ListenAddress[]
  readonly limits?: Partial<ListenerLimits>
  readonly onRequest: (request: SocksRequest) => void
}

export interface ListenerComponents {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Facts. */
export interface ListenerEvents {
  /** A socket was turned away, or its handshake went wrong; the error says why. */
  refused: [{ remoteAddress: string; error: BytestreamError }]
}

interface Guest {
  readonly socket: Socket
  readonly source: string
  readonly remoteAddress: string
  /** Left out where the socket has to be asked. */
  readonly listeningAddress: string | undefined
  readonly rank: number
  readonly handshake: ServerHandshake
  /** It counts as open no more. */
  readonly uncount: () => void
  /** Stops its deadline and takes our listeners off the socket. */
  release: () => void
}

/** Milliseconds a socket that was refused may take to close, before it is cut. */
const LINGER_MS = 2_000

/**
 * Accepts sockets and takes each through its SOCKS5 handshake, under a deadline and within the limits. What becomes
 * of a complete request is for `onRequest` to say.
 *
 * @see RFC 1928 §3-§6, XEP-0065 §10.2
 */
export class HandshakeListener extends EventEmitter<ListenerEvents> {
  readonly #clock: Clock
  readonly #init: ListenerInit
  readonly #limits: ListenerLimits
  readonly #ports: Ports
  readonly #halfOpen = new HalfOpen<Guest>()
  readonly #open = new OpenSockets()
  readonly #lingering = new Set<Guest>()
  #accepted = 0

  constructor({ clock = systemClock, logger = silentLogger }: ListenerComponents, init: ListenerInit) {
    super()
    this.#clock = clock
    this.#init = init
    this.#ports = new Ports(logger, { listen: init.listen, onSocket: (...arrival) => this.#receive(...arrival) })
    this.#limits = { ...defaultLimits(), ...init.limits }
  }

  /** Sockets accepted since the start, those turned away at once included. */
  get accepted(): number {
    return this.#accepted
  }

  /** Sockets open now. */
  get openSockets(): number {
    return this.#open.size
  }

  get halfOpenSockets(): number {
    return this.#halfOpen.size
  }

  /** Whether every address accepts sockets. */
  get isListening(): boolean {
    return this.#ports.isListening
  }

  /**
   * @throws BytestreamError `ERR_LISTEN` when an address cannot be listened on; those already bound are given up.
   *   `ERR_SHUTTING_DOWN` after {@link close}
   */
  async listen(): Promise<readonly BoundAddress[]> {
    try {
      return await this.#ports.listen()
    } catch (error) {
      await this.#dropAll()
      throw error
    }
  }

  /** Stops listening and cuts every socket in its handshake; those that were accepted stay. Settles once its own are closed. */
  async close(): Promise<void> {
    this.#ports.close()
    await this.#dropAll()
  }

  async #dropAll(): Promise<void> {
    const own = [...this.#halfOpen, ...this.#lingering]
    const closed = own.map(({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    for (const guest of own) this.#drop(guest)
    await Promise.all(closed)
  }

  #receive(socket: Socket, rank: number, listeningAddress?: string): void {
    this.#accepted += 1
    socket.on('error', () => {}) // Told by 'close', which follows.
    const remoteAddress = normaliseAddress(socket.remoteAddress ?? '')
    if (remoteAddress === '') return void socket.destroy() // Gone before it was accepted.
    const source = sourceOf(remoteAddress)
    const full = this.#makeRoom(source)
    if (full) {
      socket.destroy()
      this.emit('refused', { remoteAddress, error: full })
      return
    }
    const uncount = this.#open.add(source)
    socket.once('close', uncount)
    this.#begin({ socket, source, remoteAddress, listeningAddress, rank, handshake: new ServerHandshake(), uncount, release: () => {} })
  }

  /**
   * Sees that there is room for one socket more. One in its handshake makes way for the newcomer, since refusing the
   * newcomer would let whoever came first keep everybody out; one that has its place never does.
   *
   * @returns why there is none
   */
  #makeRoom(source: string): BytestreamError | undefined {
    const { openSocketsMax, openPerSourceMax, halfOpenMax, halfOpenPerSourceMax } = this.#limits
    const isSourceFull = this.#open.countOf(source) >= openPerSourceMax
    const isFull = this.#open.size >= openSocketsMax
    let victim: Guest | undefined
    if (isSourceFull || this.#halfOpen.countOf(source) >= halfOpenPerSourceMax) victim = this.#halfOpen.oldestOf(source)
    else if (isFull || this.#halfOpen.size >= halfOpenMax) victim = this.#halfOpen.oldestOfBusiest()
    if (victim) {
      this.#drop(victim)
      const error = new BytestreamError('ERR_LIMIT_HALF_OPEN', 'too many handshakes are under way')
      this.emit('refused', { remoteAddress: victim.remoteAddress, error })
    } else if (isSourceFull) {
      return new BytestreamError('ERR_LIMIT_SOURCE_SOCKETS', `${openPerSourceMax} sockets of one source are open`)
    } else if (isFull) {
      return new BytestreamError('ERR_LIMIT_SOCKETS', `${openSocketsMax} sockets are open`)
    }
    return undefined
  }

  #begin(guest: Guest): void {
    const { socket, source, remoteAddress } = guest
    const onData = (octets: Buffer) => this.#advance(guest, octets)
    const onGone = () => this.#drop(guest)
    const cancelDeadline = this.#clock.after(this.#limits.handshakeMsMax, () => {
      this.#drop(guest)
      const error = new BytestreamError('ERR_HANDSHAKE_TIMEOUT', `no complete handshake within ${this.#limits.handshakeMsMax} ms`)
      this.emit('refused', { remoteAddress, error })
    })
    guest.release = () => {
      cancelDeadline()
      socket.off('data', onData).off('end', onGone).off('close', onGone)
    }
    this.#halfOpen.add(source, guest)
    socket.on('data', onData).on('end', onGone).on('close', onGone)
  }

  #advance(guest: Guest, octets: Buffer): void {
    const { socket, handshake, remoteAddress } = guest
    const { replies, request, early, error } = handshake.push(octets)
    for (const reply of replies) socket.write(reply)
    if (error) {
      this.#hangUp(guest)
      this.emit('refused', { remoteAddress, error })
    } else if (request) {
      this.#release(guest)
      socket.pause()
      // Put back while Node still waits for the verdict on this read, so that it reads no further.
      if (early && early.length > 0) socket.unshift(early)
      this.#present(guest, request.dstAddr)
    }
  }

  #present(guest: Guest, dstAddr: DstAddr): void {
    const { socket, handshake, remoteAddress, rank, uncount } = guest
    const { listeningAddress = formatAddress(socket.localAddress ?? '', socket.localPort) } = guest
    this.#init.onRequest({
      dstAddr,
      remoteAddress,
      listeningAddress,
      rank,
      accept: () => {
        socket.write(handshake.accept())
        socket.off('close', uncount)
        return { socket, uncount }
      },
      refuse: (code) => {
        socket.write(handshake.refuse(code))
        this.#hangUp(guest)
        this.emit('refused', { remoteAddress, error: new BytestreamError(code, 'the request was refused') })
      },
    })
  }

  /** The handshake is over, one way or the other. */
  #release(guest: Guest): void {
    guest.release()
    this.#halfOpen.delete(guest.source, guest)
    this.#lingering.delete(guest)
  }

  #drop(guest: Guest): void {
    this.#release(guest)
    guest.uncount()
    guest.socket.destroy()
  }

  /**
   * Sees that a refusal arrives: what the peer still sends is read until it ends too, since unread octets would turn our
   * end into a reset.
   */
  #hangUp(guest: Guest): void {
    const { socket } = guest
    this.#release(guest)
    const onClose = () => this.#release(guest)
    const cancelDeadline = this.#clock.after(LINGER_MS, () => this.#drop(guest))
    guest.release = () => {
      cancelDeadline()
      socket.off('close', onClose)
    }
    this.#lingering.add(guest)
    socket.on('close', onClose)
    socket.end()
    socket.resume()
  }
}
