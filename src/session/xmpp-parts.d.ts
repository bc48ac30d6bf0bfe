/** The parts of `@xmpp/client` that come without types, as far as `xmpp-entity.ts` uses them. */
declare module '@xmpp/client-core' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'
  import type { Element } from '@xmpp/xml'

  interface Transport {
    readonly prototype: { readonly Parser: unknown }
  }

  interface ClientOptions {
    readonly service: string
    readonly domain: string
    readonly timeout: number
  }
  export class Client extends EventEmitter {
    constructor(options: ClientOptions)
    jid: { readonly resource: string; toString(): string } | null
    /** Milliseconds for each answer it waits for. */
    timeout: number
    readonly socket: Socket | null
    readonly transports: readonly Transport[]
    Transport: Transport | undefined
    Parser: unknown
    readonly parser: { write(text: string): void; emit(event: 'end'): boolean } | null
    readonly options: ClientOptions
    _attachSocket(socket: Socket): void
    _detachSocket(): void
    open(options: ClientOptions): Promise<unknown>
    restart(): Promise<unknown>
    stop(): Promise<unknown>
    write(text: string): Promise<void>
    sendReceive(element: Element): Promise<Element>
  }
}
declare module '@xmpp/tcp' {
  export default function tcp(options: object): void
}
declare module '@xmpp/middleware' {
  import type { Element } from '@xmpp/xml'

  interface Middleware {
    use(handle: (context: { readonly stanza: Element }, next: () => Promise<unknown>) => Promise<unknown> | undefined): void
  }
  export default function middleware(options: object): Middleware
}
declare module '@xmpp/stream-features' {
  import type { Element } from '@xmpp/xml'

  type Handler = (context: { readonly stanza: Element }, next: () => Promise<unknown>, feature: Element) => Promise<unknown>
  export interface StreamFeatures {
    use(name: string, xmlns: string, handler: Handler): void
  }
  export default function streamFeatures(options: object): StreamFeatures
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
