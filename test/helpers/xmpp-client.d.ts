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
  export function client(options: { service: string; domain: string; username: string; password: string; resource?: string }): XmppClient
}
