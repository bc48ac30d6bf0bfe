/** `@xmpp/client`, which comes without types, as far as the tests use it as an independent client. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events'
  import type { Element } from '@xmpp/xml'

  interface XmppClient extends EventEmitter {
    readonly iqCaller: { request(iq: Element, timeoutMs?: number): Promise<Element> }
    readonly reconnect: { stop(): void }
    /** @returns its full JID, once it is online */
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    send(stanza: Element): Promise<void>
  }
  interface ClientInit {
    readonly service: string
    readonly domain: string
    readonly username: string
    readonly password: string
    readonly resource?: string
    /** Milliseconds of each step. */
    readonly timeout?: number
  }
  export function client(options: ClientInit): XmppClient
}
