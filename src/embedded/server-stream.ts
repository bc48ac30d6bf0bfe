import type { Socket } from 'node:net'
import type { Clock, Logger } from '../core/index.ts'
import { type StanzaLimits, XmlStream } from '../session/index.ts'
import type { Identity } from '../tls/index.ts'
import { attribute, type Element, NS, type StreamErrorReason, startAdopting } from '../xep/index.ts'
import type { Accounts } from './accounts.ts'
import type { Admission } from './admission.ts'
import type { EmbeddedLimits } from './limits.ts'
import type { Router } from './router.ts'

/** What every stream of one server works with. */
export interface ServerParts {
  readonly domain: string
  readonly logger: Logger
  readonly clock: Clock
  readonly limits: EmbeddedLimits
  readonly accounts: Accounts
  readonly admission: Admission
  readonly router: Router
  /** What TLS shows to clients, where they are offered it. */
  readonly identity: Identity | undefined
  /** Of the configured components, by address. */
  readonly secrets: ReadonlyMap<string, string>
  /** Tells the owner of the server what became of an address. */
  readonly tell: (fact: 'bound' | 'componentConnected' | 'componentDisconnected', jid: string) => void
}

/** `undefined` when all is well, else why the stream ends. */
export type Fault = StreamErrorReason | undefined

/** The server's side of one accepted connection, which it owns: what streams of clients and of components have in common. */
export abstract class ServerStream {
  protected readonly parts: ServerParts
  protected readonly stream: XmlStream
  /** To be called once the other side has logged in. */
  protected readonly admitted: () => void
  readonly #xmlns: string
  #header: Element | undefined
  /** Of the stream's stanzas. */
  #adopt: ((stanza: Element) => boolean) | undefined

  /** @param xmlns the content namespace of the stream */
  constructor(parts: ServerParts, socket: Socket, xmlns: string, limits: StanzaLimits) {
    const { admission, clock } = parts
    const { backlogBytesMax } = parts.limits
    this.parts = parts
    this.#xmlns = xmlns
    this.stream = new XmlStream(socket, { limits, backlogBytesMax, clock, header: () => this.openingTag(this.#header) })
    this.admitted = admission.admit(this.stream)
    this.stream.on('header', (header) => this.#guard(() => this.#begin(header)))
    this.stream.on('element', (element) => this.#guard(() => this.#receive(element)))
    this.stream.once('ended', () => this.leave())
    this.stream.once('closed', () => this.leave())
  }

  /** Our header, for the other side's; it came as `header`, if it came at all. */
  protected abstract openingTag(header: Element | undefined): string
  /** The other side's header belongs to the right namespaces. */
  protected abstract begin(header: Element): Fault
  /** @returns what became of an element before the login was complete, or `stanza` when it is */
  protected abstract negotiate(element: Element): Fault | 'stanza'
  /** A stanza fit to be written into another stream; `from` is prepared, where it is a JID. */
  protected abstract receive(stanza: Element): Fault
  /** The other side is gone, or will be; may come more than once. */
  protected abstract leave(): void

  /** Ends the stream; whoever has to know that the other side is gone hears so. */
  fail(reason: StreamErrorReason): void {
    this.leave()
    this.stream.fail(reason)
  }

  #begin(header: Element): Fault {
    this.#header = header
    this.#adopt = startAdopting(header)
    if (header.is('stream', NS.stream) && attribute(header, 'xmlns') === this.#xmlns) return this.begin(header)
    return { condition: 'invalid-namespace', text: `a stream is an element of ${NS.stream}, and its content of ${this.#xmlns} here` }
  }

  #receive(element: Element): Fault {
    if (element.is('error', NS.stream)) {
      this.stream.end()
      return undefined
    }
    const outcome = this.negotiate(element)
    if (outcome !== 'stanza') return outcome
    if (!this.#adopt?.(element)) {
      return { condition: 'not-well-formed', text: 'a name is not one, its prefix has no namespace, or there are too many prefixes' }
    }
    if (!['iq', 'message', 'presence'].includes(element.name) || element.getNS() !== this.#xmlns) {
      return { condition: 'unsupported-stanza-type', text: 'only iq, message and presence are stanzas' }
    }
    return this.receive(element)
  }

  #guard(step: () => Fault): void {
    try {
      const fault = step()
      if (fault) this.fail(fault)
    } catch (error) {
      this.parts.logger.error({ err: error, remoteAddress: this.stream.remoteAddress }, 'what came over a stream could not be handled')
      this.fail({ condition: 'internal-server-error', text: '' })
    }
  }
}
