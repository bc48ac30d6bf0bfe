import { abortError, BytestreamError, orAbort, startDeadline, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import { type JingleTransport, NS } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import type { WayInit } from '../way.ts'
import { InBandTransport, type InBandTransportComponents } from './in-band-transport.ts'
import type { Socks5TransportComponents, Socks5TransportInit } from './socks5-offer.ts'
import { Socks5Transport } from './socks5-transport.ts'
import type { OpenTransport, TransportLink, TransportSide } from './transport-link.ts'

/** Milliseconds the initiator has to ask for another transport when no streamhost has worked. */
const REPLACE_MS_MAX = 30_000

export type JingleTransportComponents = Socks5TransportComponents & InBandTransportComponents

/** Where the other side has offered the content, what it offered decides, within the choice of the method. */
export interface JingleTransportInit extends WayInit, Pick<Socks5TransportInit, 'onStep'> {
  /** In band: octets of a block; what we offer, and the most we accept. */
  readonly blockSize?: number
}

/**
 * Makes a function that opens the transport of a content, whichever side offers it.
 *
 * @see XEP-0260, XEP-0261
 */
export function jingleTransport(
  components: JingleTransportComponents,
  { method = 'auto', ...init }: JingleTransportInit = {},
): OpenTransport {
  const timings = { ...defaultTimings, ...init.timings }
  return async (link, offered) => {
    throwIfAborted(init.signal)
    const kind = offered?.kind ?? (method === 'ibb' ? 'inBand' : 'socks5')
    if (kind === 'inBand' && (method === 'auto' || method === 'ibb')) {
      return offered?.kind === 'inBand'
        ? InBandTransport.accept(components, link.peer, offered, { ...init, timings })
        : InBandTransport.offer(components, link.peer, { ...init, timings })
    }
    if (kind !== 'socks5' || method === 'ibb')
      throw new BytestreamError('ERR_NO_VALID_STREAMS', `${kind} is not a transport for this content`)
    const message = `the streamhosts for ${link.peer} were not found within ${timings.overallMsMax / 1000} s`
    using deadline = startDeadline(components.clock, timings.overallMsMax, 'ERR_TIMEOUT', message, init.signal)
    const socks5Init = { ...init, method, timings, signal: deadline.signal }
    const socks5 = await Socks5Transport.open(components, link, socks5Init, offered?.kind === 'socks5' ? offered : undefined)
    return new ReplaceableTransport(components, link, socks5, { ...init, timings, mayReplace: method === 'auto' })
  }
}

/** What an entity that takes the transports of {@link jingleTransport} shows in service discovery (XEP-0260 §6, XEP-0261 §5). */
export const jingleTransportsPart = { identities: [], features: [NS.jingleSocks5, NS.jingleInBand] } as const

interface ReplaceableInit extends Omit<JingleTransportInit, 'method' | 'timings'> {
  readonly timings: Timings
  readonly mayReplace: boolean
}

/**
 * A SOCKS5 bytestream that may be replaced by one in band, when neither side can reach a streamhost of the other. It is the
 * session's initiator that asks for it; what the responder asks for is taken as well.
 *
 * @see XEP-0260 §3
 */
class ReplaceableTransport implements TransportSide {
  readonly description: JingleTransport
  readonly opened: Promise<Bytestream>
  readonly #components: JingleTransportComponents
  readonly #link: TransportLink
  readonly #init: ReplaceableInit
  readonly #socks5: Socks5Transport
  readonly #closing = new AbortController()
  #inBand: InBandTransport | undefined
  #isOpen = false
  #onReplaced: (inBand: InBandTransport) => void = () => {}
  #stopWaiting: () => void = () => {}

  constructor(components: JingleTransportComponents, link: TransportLink, socks5: Socks5Transport, init: ReplaceableInit) {
    this.#components = components
    this.#link = link
    this.#init = init
    this.#socks5 = socks5
    this.description = socks5.description
    const onAbort = () => this.close(init.signal && abortError(init.signal))
    init.signal?.addEventListener('abort', onAbort, { once: true })
    this.opened = this.#open().finally(() => {
      this.#stopWaiting()
      init.signal?.removeEventListener('abort', onAbort)
    })
    this.opened.catch(() => {}) // Looked at by those who wait for it.
  }

  begin(theirs: JingleTransport): void {
    const { overallMsMax } = this.#init.timings
    this.#stopWaiting = this.#components.clock.after(overallMsMax, () =>
      this.close(new BytestreamError('ERR_TIMEOUT', `no bytestream to ${this.#link.peer} within ${overallMsMax / 1000} s`)),
    )
    this.#socks5.begin(theirs)
  }

  receiveInfo(transport: JingleTransport): void {
    if (transport.kind === 'inBand') throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', 'an in-band bytestream has nothing to tell')
    this.#socks5.receiveInfo(transport)
  }

  async receiveReplace(transport: JingleTransport): Promise<JingleTransport> {
    if (this.#isOpen || this.#inBand || this.#closing.signal.aborted)
      throw new BytestreamError('ERR_JINGLE_OUT_OF_ORDER', 'there is nothing to replace')
    if (transport.kind !== 'inBand' || !this.#init.mayReplace)
      throw new BytestreamError('ERR_NO_VALID_STREAMS', `${transport.kind} is not a transport for this content`)
    this.#inBand = InBandTransport.accept(this.#components, this.#link.peer, transport, this.#inBandInit)
    this.#onReplaced(this.#inBand)
    this.#socks5.close(new BytestreamError('ERR_NO_STREAMHOST', `${this.#link.peer} has chosen it`))
    return this.#inBand.description
  }

  close(error?: Error): void {
    const { signal } = this.#closing
    if (!signal.aborted && !this.#isOpen)
      this.#closing.abort(error ?? new BytestreamError('ERR_ABORTED', 'the bytestream is not wanted any more'))
    this.#socks5.close(error)
    this.#inBand?.close(error)
  }

  get #inBandInit() {
    const { blockSize, timings } = this.#init
    return { blockSize, timings, signal: this.#closing.signal }
  }

  async #open(): Promise<Bytestream> {
    const bytestream = await this.#socks5.opened.catch((error: unknown) => this.#goInBand(toBytestreamError(error)))
    this.#isOpen = true
    return bytestream
  }

  async #goInBand(why: BytestreamError): Promise<Bytestream> {
    const { signal } = this.#closing
    throwIfAborted(signal)
    if (!this.#init.mayReplace) throw why
    try {
      const inBand = this.#inBand ?? (await (this.#link.ownRole === 'initiator' ? this.#replace() : this.#awaitReplacement()))
      this.#init.onStep?.({ step: 'in band', reason: why.message })
      return await inBand.opened
    } catch (cause) {
      throwIfAborted(signal)
      throw new BytestreamError(why.code, `${why.message}; and in band: ${toBytestreamError(cause).message}`, { cause })
    }
  }

  async #replace(): Promise<InBandTransport> {
    const { signal } = this.#closing
    const inBand = InBandTransport.offer(this.#components, this.#link.peer, this.#inBandInit)
    this.#inBand = inBand
    inBand.begin(await orAbort(this.#link.sendReplace(inBand.description), signal))
    return inBand
  }

  async #awaitReplacement(): Promise<InBandTransport> {
    const message = `${this.#link.peer} asked for no other transport within ${REPLACE_MS_MAX / 1000} s`
    using deadline = startDeadline(this.#components.clock, REPLACE_MS_MAX, 'ERR_TIMEOUT', message, this.#closing.signal)
    const replaced = new Promise<InBandTransport>((resolve) => {
      this.#onReplaced = resolve
    })
    return await orAbort(replaced, deadline.signal)
  }
}
