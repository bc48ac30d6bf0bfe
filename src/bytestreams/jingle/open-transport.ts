import { abortError, BytestreamError, orAbort, startDeadline, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import { type JingleTransport, NS } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import { keepWay, noneHasWorked } from '../last-ways.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import type { MethodChoice, WayInit } from '../way.ts'
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
    const { overallMsMax } = timings
    const message = `no bytestream to ${link.peer} within ${overallMsMax / 1000} s`
    const deadline = startDeadline(components.clock, overallMsMax, 'ERR_TIMEOUT', message, init.signal)
    const end = () => deadline[Symbol.dispose]()
    try {
      const side = await openSide(components, link, offered, { ...init, method, timings, signal: deadline.signal })
      side.opened.then(end, end)
      return side
    } catch (error) {
      end()
      throw error
    }
  }
}

type SideInit = JingleTransportInit & { readonly method: MethodChoice; readonly timings: Timings; readonly signal: AbortSignal }

async function openSide(
  components: JingleTransportComponents,
  link: TransportLink,
  offered: JingleTransport | undefined,
  { method, ...init }: SideInit,
): Promise<TransportSide> {
  const { ways } = components
  const { peer } = link
  if (offered?.kind === 'inBand' && (method === 'auto' || method === 'ibb')) return InBandTransport.accept(components, peer, offered, init)
  if (!offered && method === 'ibb') return InBandTransport.offer(components, peer, init)
  if (!offered && method === 'auto' && ways?.recall(peer) === 'ibb') {
    init.onStep?.({ step: 'in band', reason: noneHasWorked(peer) })
    const inBand = InBandTransport.offer(components, peer, init)
    keepWay(ways, peer, inBand.opened)
    return inBand
  }
  if (offered && offered.kind !== 'socks5')
    throw new BytestreamError('ERR_NO_VALID_STREAMS', `${offered.kind} is not a transport for this content`)
  // Whoever offers a SOCKS5 bytestream replaces it when none of it works.
  const socks5 = await Socks5Transport.open(components, link, { ...init, method: method === 'ibb' ? 'none' : method }, offered)
  const side = new ReplaceableTransport(components, link, socks5, { ...init, mayReplace: method === 'auto' || method === 'ibb' })
  if (method === 'auto') keepWay(ways, peer, side.opened)
  return side
}

/** What an entity that takes the transports of {@link jingleTransport} shows in service discovery (XEP-0260 §6, XEP-0261 §5). */
export const jingleTransportsPart = { identities: [], features: [NS.jingleSocks5, NS.jingleInBand] } as const

interface ReplaceableInit extends Omit<SideInit, 'method'> {
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

  constructor(components: JingleTransportComponents, link: TransportLink, socks5: Socks5Transport, init: ReplaceableInit) {
    this.#components = components
    this.#link = link
    this.#init = init
    this.#socks5 = socks5
    this.description = socks5.description
    const onAbort = () => this.close(abortError(init.signal))
    init.signal.addEventListener('abort', onAbort, { once: true })
    this.opened = this.#open().finally(() => init.signal.removeEventListener('abort', onAbort))
    this.opened.catch(() => {}) // Looked at by those who wait for it.
  }

  begin(theirs: JingleTransport): void {
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
