import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { JingleSessions, WayInit } from '../../bytestreams/index.ts'
import { BytestreamError, bareJid, orAbort, throwIfAborted } from '../../core/index.ts'
import { NS, type PublishedProtocol } from '../../xep/index.ts'
import { askProgram, refusalOf } from '../decision.ts'
import { FileSource } from '../file-source.ts'
import type { OfferableAlgorithm } from '../hashes.ts'
import { Together } from '../jingle/together.ts'
import type { NegotiationChoice } from '../negotiation.ts'
import { offerByJingle } from '../offer-by-jingle.ts'
import { offerBySi } from '../offer-by-si.ts'
import { OfferedBefore, type Offering } from '../offering.ts'
import { Responder, type ResponderEvents } from '../responder.ts'
import type { SenderComponents } from '../sender.ts'
import type { Transfer, Work } from '../transfer.ts'
import type { Sent } from '../transfer-facts.ts'
import { InspectedFiles } from './inspected-files.ts'
import { Line } from './line.ts'

/** Somebody asks for what was published. */
export interface StartRequest {
  /** Full JID. */
  readonly from: string
  /** What it was published with, as they say. */
  readonly id: string
  /** How they want it to be sent. */
  readonly protocol: PublishedProtocol
}

/** A file that is sent. */
export interface Published {
  readonly path: string
  /** The media type. Default `application/octet-stream`. */
  readonly mimeType?: string | undefined
  readonly description?: string | undefined
  /** Takes it back: what has not begun by then does not begin, and whoever asked hears its reason, an error of ours. */
  readonly signal?: AbortSignal | undefined
  /** Called when it does not begin after all; of what has begun the transfer tells. */
  readonly onNotBegun?: (() => void) | undefined
}

/** What is published, and how it may travel; {@link Publications.stop} ends it. */
export interface PublishInit extends Omit<WayInit, 'signal'> {
  /**
   * Which file has an id, if whoever asks may have it now; `undefined` where nothing has. Any error of ours it throws is what they hear:
   * `ERR_FORBIDDEN`, `ERR_NOT_ACCEPTABLE`, `ERR_LIMIT_WAITING` for the time being.
   */
  readonly mayStart: (request: StartRequest) => Published | undefined | Promise<Published | undefined>
  /** Which hashes of the content are sent along. Default SHA-256. */
  readonly hashes?: readonly OfferableAlgorithm[] | undefined
  /** How it may be asked for. Default `auto`: both ways. */
  readonly negotiation?: NegotiationChoice | undefined
  /**
   * Files being sent at once because they were asked for, 500 at the most; each account has half. The next wait for 20 s, and are refused
   * for the time being then. Default 20.
   */
  readonly transfersMax?: number | undefined
  /** Whose presence is answered with ours, so that they find this client by its bare JID. Default: nobody's. */
  readonly isShownTo?: ((from: string) => boolean) | undefined
}

const TRANSFERS_DEFAULT = 20
/** Each is a Jingle session, of which others that this client begins need some. */
const TRANSFERS_MAX = 500

/** Facts. */
export interface PublicationsEvents extends ResponderEvents {
  /** Somebody asked for a file, and it is being sent; the request is the one `mayStart` was asked about. */
  transfer: [transfer: Transfer, request: StartRequest]
  /** A request was refused; the error says why. */
  refused: [facts: { readonly from: string; readonly id: string; readonly error: BytestreamError }]
}

export interface PublicationsComponents extends SenderComponents {
  readonly jingle: JingleSessions
}

/**
 * Sends what was published to those who ask for it, each time anew, until it is stopped. Iterating over it gives each transfer as it
 * begins.
 *
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export class Publications extends Responder<PublicationsEvents> {
  readonly #components: PublicationsComponents
  readonly #init: PublishInit
  /** Of requests that are being decided about, and of files under way. */
  readonly #places: Line
  readonly #inspected = new InspectedFiles(this.stopping)

  /** @internal */
  constructor(components: PublicationsComponents, init: PublishInit) {
    super(components.clock)
    this.#components = components
    this.#init = init
    const max = Math.min(init.transfersMax ?? TRANSFERS_DEFAULT, TRANSFERS_MAX)
    this.#places = new Line(components.clock, { max, full: `${max} files are being sent already` })
  }

  /** Nobody: who wants what knows where we are. */
  get expected(): readonly string[] {
    return []
  }

  isExpected(from: string): boolean {
    return this.#init.isShownTo?.(from) ?? false
  }

  /** The protocols by which it may be asked for. @internal */
  get protocols(): readonly PublishedProtocol[] {
    const { negotiation = 'auto' } = this.#init
    return negotiation === 'auto' ? ['jingle', 'si'] : [negotiation]
  }

  /**
   * Decides about a request, and begins to send.
   *
   * @returns the id of the session that follows, in the next turn of the event loop
   * @throws BytestreamError what the other side may hear
   * @internal
   */
  async start(request: StartRequest): Promise<string> {
    const { from, id } = request
    let place: Disposable | undefined
    const leave = () => place?.[Symbol.dispose]()
    try {
      throwIfAborted(this.stopping)
      place = await this.#places.take({ from: bareJid(from) }, this.stopping)
      return await this.#begin(request, leave)
    } catch (thrown) {
      leave()
      const error = refusalOf(thrown, 'request')
      this.emit('refused', { from, id, error })
      // Nothing about our files.
      throw error.code === 'ERR_FILE' ? new BytestreamError('ERR_NOT_ACCEPTABLE', 'there is no such file') : error
    }
  }

  async #begin(request: StartRequest, leave: () => void): Promise<string> {
    const ask = () => this.#init.mayStart(request)
    const published = await askProgram(this.clock, ask, { code: 'ERR_TIMEOUT', signal: this.stopping })
    if (!published) throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'there is no such file')
    try {
      return await this.#beginWith(published, request, leave)
    } catch (error) {
      published.onNotBegun?.()
      throw error
    }
  }

  async #beginWith(published: Published, request: StartRequest, leave: () => void): Promise<string> {
    const { from, protocol } = request
    const source = await FileSource.open(published.path)
    const sid = randomUUID()
    try {
      const { name, size } = await source.glance()
      throwIfAborted(this.stopping)
      throwIfAborted(published.signal)
      const work: Work = async (transfer) => {
        await using open = source
        await setImmediate() // What was asked is answered first.
        throwIfAborted(transfer.signal)
        return await this.#send(protocol, { ...published, source: open, to: from, sid, transfer })
      }
      const facts = { direction: 'send', peer: from, name, size } as const
      this.begin(facts, work, request).once('done', leave).once('failed', leave)
      return sid
    } catch (error) {
      await source[Symbol.asyncDispose]()
      throw error
    }
  }

  async #send(protocol: PublishedProtocol, given: Published & Pick<Offering, 'source' | 'to' | 'sid' | 'transfer'>): Promise<Sent> {
    const { path, mimeType, description, to, transfer, source } = given
    const { clock, jingle } = this.#components
    const { signal } = transfer
    transfer.moveTo('preparing')
    const inspect = () => orAbort(this.#inspected.inspect(path, source, ['md5', 'sha-256', ...(this.#init.hashes ?? [])]), signal)
    const before = new OfferedBefore(inspect)
    await before.glance(source)
    transfer.emit('step', { step: 'negotiation', negotiation: protocol })
    const offering: Offering = { ...given, init: { ...this.#init, to, mimeType, description }, before }
    if (protocol === 'si') return await offerBySi(this.#components, offering)
    using joined = new Together({ clock, jingle }).join()
    const sent = await offerByJingle(this.#components, offering, joined)
    if ('notSpoken' in sent) throw sent.notSpoken
    return sent
  }
}

/** What to show in service discovery while something is published by these protocols. */
export function publicationsPart(protocols: readonly PublishedProtocol[]) {
  const features = { jingle: NS.jinglePub, si: NS.siPub }
  return { identities: [], features: protocols.map((protocol) => features[protocol]) } as const
}
