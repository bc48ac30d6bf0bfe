import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { BytestreamError, type Logger } from '../core/index.ts'
import { type BoundAddress, formatAddress, type ListenAddress } from './addresses.ts'

export interface PortsInit {
  readonly listen: readonly ListenAddress[]
  /**
   * Gets each socket as it comes, and which of `listen` it came in at, by its place in the list. `listeningAddress` is left
   * out where that stands for several: then only the socket knows.
   */
  readonly onSocket: (socket: Socket, rank: number, listeningAddress?: string) => void
}

const KEEP_ALIVE_MS = 60_000
/** Sockets the kernel holds for us; it takes no more than `net.core.somaxconn`. */
const BACKLOG = 4_096
/** Every address of a family. */
const ANY: readonly string[] = ['0.0.0.0', '::']
/** What listening on every address of a family fails with where there is no such family. */
const NO_FAMILY: readonly string[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']
/** Free ports that are tried until one is free in both families. */
const PORT_TRIES = 10

/** The addresses listened on. Sockets come from them half-open, without delay, and are read no further than they are taken. */
export class Ports {
  readonly #logger: Logger
  readonly #init: PortsInit
  readonly #servers: Server[] = []
  #isClosed = false

  constructor(logger: Logger, init: PortsInit) {
    this.#logger = logger
    this.#init = init
  }

  /** Whether every address accepts sockets. */
  get isListening(): boolean {
    return this.#servers.length > 0 && this.#servers.every(({ listening }) => listening)
  }

  /**
   * @throws BytestreamError `ERR_LISTEN` when an address cannot be listened on; those already bound are given up.
   *   `ERR_SHUTTING_DOWN` after {@link close}
   */
  async listen(): Promise<readonly BoundAddress[]> {
    const bound: BoundAddress[] = []
    try {
      for (const [rank, { host, port }] of this.#init.listen.entries()) {
        if (host === '*') bound.push(...(await this.#listenEverywhere(port, rank)))
        else bound.push(await this.#listenOn(host, port, rank))
      }
    } catch (error) {
      this.#giveUp()
      throw error
    }
    return bound
  }

  /** Listens no more. A server waits for the sockets it accepted too, so it is not waited for. */
  close(): void {
    this.#isClosed = true
    this.#giveUp()
  }

  #giveUp(): void {
    for (const server of this.#servers.splice(0)) server.close()
  }

  /** Both families on one port; a machine that lacks one is told about. */
  async #listenEverywhere(port: number, rank: number): Promise<BoundAddress[]> {
    for (let tries = 1; ; tries++) {
      const four = await this.#listenIfPossible('0.0.0.0', port, rank)
      try {
        const six = await this.#listenIfPossible('::', four?.port ?? port, rank)
        const bound = [six, four].filter((address) => address !== undefined)
        if (bound.length === 0) throw new BytestreamError('ERR_LISTEN', 'this machine has neither IPv4 nor IPv6')
        return bound
      } catch (error) {
        // A free port of the one family may be taken in the other.
        if (port !== 0 || tries >= PORT_TRIES || causeOf(error) !== 'EADDRINUSE') throw error
        this.#servers.pop()?.close()
      }
    }
  }

  /** @returns `undefined` on a machine without this family */
  async #listenIfPossible(host: string, port: number, rank: number): Promise<BoundAddress | undefined> {
    try {
      return await this.#listenOn(host, port, rank)
    } catch (error) {
      if (!NO_FAMILY.includes(causeOf(error))) throw error
      this.#logger.warn({ host, port, reason: (error as Error).message }, 'this machine lacks a family of addresses')
      return undefined
    }
  }

  #listenOn(host: string, port: number, rank: number): Promise<BoundAddress> {
    // A high-water mark of 1 makes Node stop reading after one read while nobody takes the octets.
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, highWaterMark: 1 }
    let listeningAddress: string | undefined
    const server = createServer(options, (socket) => this.#init.onSocket(socket, rank, listeningAddress))
    return new Promise((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new BytestreamError('ERR_LISTEN', `cannot listen on ${host} port ${port}: ${cause.message}`, { cause })),
      )
      server.listen({ host, port, ipv6Only: host === '::', backlog: BACKLOG }, () => {
        if (this.#isClosed) {
          server.close()
          return reject(new BytestreamError('ERR_SHUTTING_DOWN', `no longer listening on ${host}`))
        }
        this.#servers.push(server)
        server.removeAllListeners('error')
        server.on('error', (error) => this.#logger.error({ err: error }, 'accepting a socket failed'))
        const bound = server.address() as AddressInfo
        if (!ANY.includes(bound.address)) listeningAddress = formatAddress(bound.address, bound.port)
        resolve({ host, port: bound.port })
      })
    })
  }
}

/** The system's code behind an error, or an empty string. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code ?? ''
}
