import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { BytestreamError, type Clock, type ErrorCode, type Logger, silentLogger, systemClock, toBytestreamError } from '../core/index.ts'
import type { DstAddr } from '../socks5/index.ts'
import type { BoundAddress, ListenAddress } from './addresses.ts'
import { Bytestreams } from './bytestreams.ts'
import type { StreamhostCounters, StreamhostGauges } from './counters.ts'
import { checkLimits, defaultLimits, pipesPossible, type StreamhostLimits, withinDescriptors } from './limits.ts'
import { type Admitted, HandshakeListener, type SocksRequest } from './listener.ts'
import { Pairing } from './pairing.ts'
import { type Refusal, RefusalLog } from './refusal-log.ts'
import { type ChosenEngine, chooseEngine } from './relay/choose-engine.ts'
import type { RelayEngine, RelayTotals } from './relay/engine.ts'
import type { Rates } from './relay/rates.ts'
import { watchWaiting } from './waiting-socket.ts'

/** What a program gives a streamhost, besides what its user sets. */
export interface StreamhostComponents {
  readonly clock?: Clock
  readonly logger?: Logger
}

/** Where a streamhost listens, and what it allows. */
export interface StreamhostInit {
  /** In the order in which their sockets are preferred. */
  readonly listen: readonly ListenAddress[]
  readonly limits?: Partial<StreamhostLimits>
  /** What is limited of what they relay; nothing by default. */
  readonly rates?: Rates
  /** Threads of the native engine; whatever has a limit is moved by the first. Default 1. */
  readonly relayThreads?: number
  /** Closed by its owner. By default the native engine where it can be had, else the one in JavaScript. */
  readonly engine?: RelayEngine
}

/** Facts. */
export interface StreamhostEvents {
  listening: [{ addresses: readonly BoundAddress[] }]
  /** A socket got a place; `sockets` of its DST.ADDR wait now. */
  waiting: [{ dstAddr: DstAddr; remoteAddress: string; sockets: number }]
  /** A waiting socket has gone: its side left, or it was closed for `code`. */
  left: [{ dstAddr: DstAddr; remoteAddress: string; code: ErrorCode | undefined }]
  /** `waitedMs`: since the first of the two sockets got its place. */
  activated: [{ dstAddr: DstAddr; engine: string; remoteAddresses: readonly [first: string, second: string]; waitedMs: number }]
  closed: [{ dstAddr: DstAddr; engine: string; totals: RelayTotals; durationMs: number }]
  /** A socket was turned away before it had a place. */
  refused: [{ remoteAddress: string; code: ErrorCode }]
}

interface Waiting extends Admitted {
  readonly remoteAddress: string
  readonly sinceMs: number
  readAheadBytes: number
  /** Gives the place up, for `code` or because its side has gone. */
  readonly leave: (code?: ErrorCode) => void
  /** Stops watching and its deadline. */
  readonly release: () => void
}

/**
 * A streamhost: accepts SOCKS5 connections, keeps them waiting under their DST.ADDR, and on activation pairs and
 * relays. It knows nothing of XMPP; whoever activates has to know who may.
 *
 * @see XEP-0065 §6, §10
 */
export class Streamhost extends EventEmitter<StreamhostEvents> implements AsyncDisposable {
  /** As they are kept: a default for each that was not given, and no more open sockets than there are descriptors for. */
  readonly limits: StreamhostLimits
  readonly #clock: Clock
  readonly #refusalLog: RefusalLog
  readonly #chosen: ChosenEngine
  readonly #ownsEngine: boolean
  readonly #bytestreams: Bytestreams
  readonly #listener: HandshakeListener
  readonly #pairing: Pairing<Socket>
  readonly #waiting = new Map<Socket, Waiting>()
  readonly #refusals: Partial<Record<ErrorCode, number>> = {}
  #addresses: readonly BoundAddress[] = []
  #admitted = 0
  #activated = 0
  #readAheadBytes = 0
  #isClosing = false

  /** @throws TypeError for a limit that is no whole number from 1 on, or a rate that is none */
  constructor(
    { clock = systemClock, logger = silentLogger }: StreamhostComponents,
    { listen, limits, rates = {}, relayThreads = 1, engine }: StreamhostInit,
  ) {
    super()
    this.#clock = clock
    this.limits = withinDescriptors(checkLimits({ ...defaultLimits(), ...limits }))
    this.#refusalLog = new RefusalLog(logger, clock)
    const native = { threads: relayThreads, pipesMax: pipesPossible(this.limits) }
    this.#ownsEngine = engine === undefined
    this.#chosen = engine ? { engine, reason: undefined } : chooseEngine({ clock, logger }, native)
    this.#bytestreams = new Bytestreams({ clock, engine: this.#chosen.engine }, { limits: this.limits, rates })
    this.#pairing = new Pairing(this.limits)
    this.#listener = new HandshakeListener({ clock, logger }, { listen, limits: this.limits, onRequest: (request) => this.#admit(request) })
    this.#listener.on('refused', ({ remoteAddress, error: { code } }) => {
      this.#countRefusal({ remoteAddress, code })
      this.emit('refused', { remoteAddress, code })
    })
  }

  /** Name of what moves the octets. */
  get engine(): string {
    return this.#chosen.engine.name
  }

  /** Why that is not the native engine, for an admin; `undefined` where it is, or where an engine was given. */
  get engineReason(): string | undefined {
    return this.#chosen.reason
  }

  /** Where it listens; empty before {@link listen}. */
  get addresses(): readonly BoundAddress[] {
    return this.#addresses
  }

  /** Whether every address accepts sockets: from {@link listen} until {@link close}. */
  get isListening(): boolean {
    return this.#listener.isListening
  }

  /** Whether it takes no more: {@link close} was called. */
  get isClosing(): boolean {
    return this.#isClosing
  }

  /** What has happened since the start. */
  get counters(): StreamhostCounters {
    const { firstToSecond, secondToFirst } = this.#bytestreams.moved
    return {
      accepted: this.#listener.accepted,
      admitted: this.#admitted,
      activated: this.#activated,
      refusals: this.#refusals,
      ended: this.#bytestreams.ended,
      firstToSecondBytes: firstToSecond,
      secondToFirstBytes: secondToFirst,
    }
  }

  /** How much there is of everything now. */
  gauges(): StreamhostGauges {
    return {
      openSockets: this.#listener.openSockets,
      halfOpen: this.#listener.halfOpenSockets,
      waiting: this.#pairing.waitingSockets,
      active: this.#pairing.activeBytestreams,
      readAheadBytes: this.#readAheadBytes,
    }
  }

  /** @throws BytestreamError `ERR_LISTEN` */
  async listen(): Promise<readonly BoundAddress[]> {
    this.#addresses = await this.#listener.listen()
    this.emit('listening', { addresses: this.#addresses })
    return this.#addresses
  }

  /** Sockets that wait under `dstAddr`. */
  waitingSockets(dstAddr: DstAddr): number {
    return this.#pairing.waitingUnder(dstAddr)
  }

  /**
   * Starts relaying between the two sockets that wait under `dstAddr`. When it fails, what waits goes on waiting.
   *
   * @throws BytestreamError `ERR_BYTESTREAM_UNKNOWN`, `ERR_PEER_MISSING` (XEP-0065 §6.3.5), `ERR_SHUTTING_DOWN`
   */
  activate(dstAddr: DstAddr): 'activated' | 'already active' {
    if (this.#isClosing) throw new BytestreamError('ERR_SHUTTING_DOWN', 'the proxy is shutting down')
    const pair = this.#pairing.activate(dstAddr)
    if (!pair) return 'already active'
    for (const spare of pair.spares) {
      this.#release(spare).uncount()
      spare.destroy()
    }
    const first = this.#release(pair.sockets[0])
    const second = this.#release(pair.sockets[1])
    this.#activated += 1
    this.#relay(dstAddr, first, second)
    const remoteAddresses = [first.remoteAddress, second.remoteAddress] as const
    this.emit('activated', { dstAddr, engine: this.engine, remoteAddresses, waitedMs: this.#clock.now() - first.sinceMs })
    return 'activated'
  }

  /**
   * Puts other rates in place, for bytestreams that run, too. Nothing of them is lost. With several `relayThreads`, what
   * began without a limit stays without.
   *
   * @throws TypeError for a rate that is none
   */
  changeRates(rates: Rates): void {
    this.#bytestreams.changeRates(rates)
  }

  /**
   * Stops listening, turns away what waits, and lets running bytestreams finish. Settles once every socket is closed.
   *
   * @param drainMs milliseconds running bytestreams get before they are broken off; a later call may cut it short
   */
  async close({ drainMs = 0 }: { drainMs?: number } = {}): Promise<void> {
    this.#isClosing = true
    const waiting = [...this.#waiting.keys()].map(closed)
    for (const { leave } of this.#waiting.values()) leave('ERR_SHUTTING_DOWN')
    const { running } = this.#bytestreams
    const breakOff = () => {
      for (const relay of running) relay.breakOff('aborted')
    }
    let cancelDrain = () => {}
    if (drainMs <= 0) breakOff()
    else if (running.length > 0) cancelDrain = this.#clock.after(drainMs, breakOff)
    await Promise.all([this.#listener.close(), ...waiting, ...running.map(({ done }) => done)])
    cancelDrain()
    if (this.#ownsEngine) this.#chosen.engine.close()
  }

  /** Does what {@link close} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #admit(request: SocksRequest): void {
    const { dstAddr, remoteAddress, listeningAddress, rank } = request
    if (this.#isClosing) return request.refuse('ERR_SHUTTING_DOWN')
    try {
      this.#pairing.checkPlace(dstAddr, listeningAddress)
    } catch (thrown) {
      return request.refuse(toBytestreamError(thrown).code)
    }
    const admitted = request.accept()
    const { socket } = admitted
    this.#pairing.join(dstAddr, { socket, listeningAddress, rank, sourceAddress: remoteAddress })
    this.#admitted += 1
    this.#wait(dstAddr, admitted, remoteAddress)
    this.emit('waiting', { dstAddr, remoteAddress, sockets: this.waitingSockets(dstAddr) })
  }

  #wait(dstAddr: DstAddr, { socket, uncount }: Admitted, remoteAddress: string): void {
    const { waitingMsMax, readAheadBytesMax } = this.limits
    const leave = (code?: ErrorCode) => {
      this.#pairing.leave(dstAddr, socket)
      this.#release(socket).uncount()
      // A side that is turned away must not take a proper end for an empty bytestream.
      if (code) socket.resetAndDestroy()
      else socket.destroy()
      if (code) this.#countRefusal({ remoteAddress, code, dstAddr })
      this.emit('left', { dstAddr, remoteAddress, code })
    }
    const stopWatching = watchWaiting(socket, {
      octets: (bytes) => {
        waiting.readAheadBytes = bytes
        this.#readAheadBytes += bytes
        if (this.#readAheadBytes > readAheadBytesMax) leave('ERR_LIMIT_READ_AHEAD')
      },
      left: () => leave(),
    })
    const cancelDeadline = this.#clock.after(waitingMsMax, () => leave('ERR_TIMEOUT'))
    const waiting: Waiting = {
      socket,
      uncount,
      remoteAddress,
      sinceMs: this.#clock.now(),
      readAheadBytes: 0,
      leave,
      release: () => {
        stopWatching()
        cancelDeadline()
      },
    }
    this.#waiting.set(socket, waiting)
  }

  /** Ends the waiting of a socket. */
  #release(socket: Socket): Waiting {
    const waiting = this.#waiting.get(socket) as Waiting
    waiting.release()
    this.#readAheadBytes -= waiting.readAheadBytes
    this.#waiting.delete(socket)
    return waiting
  }

  #relay(dstAddr: DstAddr, first: Admitted, second: Admitted): void {
    const { uncount: uncountFirst } = first
    const { uncount: uncountSecond } = second
    const startedMs = this.#clock.now()
    this.#bytestreams.start(first.socket, second.socket, (totals) => {
      uncountFirst()
      uncountSecond()
      this.#pairing.end(dstAddr)
      this.emit('closed', { dstAddr, engine: this.engine, totals, durationMs: this.#clock.now() - startedMs })
    })
  }

  #countRefusal(refusal: Refusal): void {
    this.#refusals[refusal.code] = (this.#refusals[refusal.code] ?? 0) + 1
    this.#refusalLog.tell(refusal)
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}
