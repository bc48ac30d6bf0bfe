/** What our tests use of the npm package `socksv5` 0.0.6, which comes without types. */
declare module 'socksv5' {
  import type { EventEmitter } from 'node:events'
  import type { AddressInfo, Socket } from 'node:net'

  /** One request a client made. Its socket is not there yet: accepting gives it. */
  export interface RequestInfo {
    readonly cmd: 'connect' | 'bind' | 'udp'
    readonly srcAddr: string
    readonly srcPort: number
    readonly dstAddr: string
    readonly dstPort: number
  }

  export interface AuthHandler {
    readonly METHOD: number
  }

  export interface Server extends EventEmitter {
    maxConnections: number
    useAuth(auth: AuthHandler): this
    listen(port: number, host: string, listening: () => void): this
    address(): AddressInfo
    close(closed?: () => void): this
    on(event: 'connection', listener: (info: RequestInfo, accept: (intercept: true) => Socket | undefined, deny: () => void) => void): this
    /** The server underneath. Not documented. */
    readonly _srv: EventEmitter
  }

  export interface ConnectOptions {
    readonly host: string
    readonly port: number
    readonly proxyHost?: string
    readonly localDNS?: boolean
  }

  export interface Client extends EventEmitter {
    connect(options: ConnectOptions, connected?: (socket: Socket) => void): this
    /** The socket underneath. Not documented. */
    readonly _sock: Socket
  }

  const socks: {
    createServer(): Server
    Client: new (options: { readonly proxyPort: number; readonly auths: readonly AuthHandler[] }) => Client
    connect(options: ConnectOptions): Client
    readonly auth: { None(): AuthHandler; UserPassword(username: string, password: string): AuthHandler }
  }
  export default socks
}
