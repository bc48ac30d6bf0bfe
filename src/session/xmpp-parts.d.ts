/** The parts of `@xmpp/client` that come without types, as far as `xmpp-entity.ts` uses them. */
declare module '@xmpp/client-core' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from '@xmpp/xml'

  interface ClientOptions {
    readonly service: string
    readonly domain: string
    readonly timeout: number
  }
  export class Client extends EventEmitter {
    constructor(options: ClientOptions)
    jid: { toString(): string } | null
    /** Milliseconds for each answer it waits for. */
    timeout: number
    /** A socket of Node, or where there is TLS from the start or by STARTTLS, an object with one. */
    readonly socket: {
      destroy?(): void
      readonly remoteAddress?: string
      readonly writableLength?: number
      readonly socket?: {
        destroy(): void
        readonly writableLength: number
      } | null
    } | null
    readonly parser: { write(text: string): void } | null
    readonly options: ClientOptions
    connect(service: string): Promise<unknown>
    open(options: ClientOptions): Promise<unknown>
    stop(): Promise<unknown>
    send(element: Element): Promise<void>
    isSecure(): boolean
  }
}
declare module '@xmpp/tcp' {
  export default function tcp(options: object): void
}
declare module '@xmpp/tls' {
  export default function tls(options: object): void
}
declare module '@xmpp/resolve' {
  export default function resolve(options: object): void
}
declare module '@xmpp/starttls' {
  export default function starttls(options: object): void
}
declare module '@xmpp/middleware' {
  export default function middleware(options: object): object
}
declare module '@xmpp/stream-features' {
  export default function streamFeatures(options: object): object
}
declare module '@xmpp/iq/caller.js' {
  interface IqCaller {
    readonly handlers: ReadonlyMap<string, { reject(error: Error): void }>
  }
  export default function iqCaller(options: object): IqCaller
}
declare module '@xmpp/resource-binding' {
  export default function resourceBinding(options: object, resource?: string): void
}
declare module '@xmpp/sasl' {
  type Authenticate = (credentials: object, mechanism: string) => Promise<void>
  export default function sasl(options: object, onAuthenticate: (authenticate: Authenticate, mechanisms: string[]) => Promise<void>): void
}
