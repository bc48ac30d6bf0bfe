import { EventEmitter } from 'node:events'
import { BytestreamError, type ErrorCode, prepareJid, toBytestreamError } from '../core/index.ts'
import type { AccessList } from '../policy/index.ts'
import type { ServicePart, Session } from '../session/index.ts'
import { computeDstAddr, type DstAddr } from '../socks5/index.ts'
import type { Streamhost } from '../streamhost/index.ts'
import { attribute, buildAddresses, type IqRequest, NS, parseActivate, type StreamhostAddress } from '../xep/index.ts'

export interface ProxyComponents {
  readonly session: Session
  readonly streamhost: Pick<Streamhost, 'activate' | 'waitingSockets'>
  readonly access: AccessList
}

export interface ProxyInit {
  /** Where clients find the streamhost, the most reachable first: most clients use only that one. */
  readonly advertised: readonly StreamhostAddress[]
  /** The name shown in service discovery. */
  readonly name?: string
}

/** Facts, after the reply was decided. `code` is set where the reply is an error. */
export interface ProxyEvents {
  addressAsked: [{ from: string; code: ErrorCode | undefined }]
  activationAsked: [{ from: string; sid: string; targetJid: string; dstAddr: DstAddr; code: ErrorCode | undefined }]
}

/** What became of an activation. */
interface Attempt {
  readonly dstAddr: DstAddr
  /** The JID of the target as it was hashed. */
  readonly hashedTarget: string
  readonly error: BytestreamError | undefined
}

/**
 * The XMPP side of a streamhost: tells its address, and activates bytestreams. Both are authorised, each time, on the
 * requester.
 *
 * @see XEP-0065 §4, §6.3.5
 */
export class BytestreamProxy extends EventEmitter<ProxyEvents> {
  readonly part: ServicePart
  readonly #components: ProxyComponents
  readonly #advertised: readonly StreamhostAddress[]

  constructor(components: ProxyComponents, { advertised, name = 'SOCKS5 bytestream proxy' }: ProxyInit) {
    super()
    this.#components = components
    this.#advertised = advertised
    // Clients look for the identity, or for the feature.
    this.part = { identities: [{ category: 'proxy', type: 'bytestreams', name }], features: [NS.bytestreams] }
    components.session.iqs.handle('get', NS.bytestreams, 'query', (request) => this.#tellAddress(request))
    components.session.iqs.handle('set', NS.bytestreams, 'query', (request) => this.#activate(request))
  }

  #tellAddress({ from, payload }: IqRequest) {
    const refusal = this.#refusal(from)
    this.emit('addressAsked', { from, code: refusal?.code })
    if (refusal) throw refusal
    // COMPAT(QXmpp): it sends a sid, as before XEP-0065 1.8, and looks for it in the answer.
    return buildAddresses(this.#advertised, attribute(payload, 'sid'))
  }

  #refusal(from: string): BytestreamError | undefined {
    if (!this.#components.access.mayUse(from)) return new BytestreamError('ERR_FORBIDDEN', '')
    // COMPAT(Dino): an answer without a streamhost would end its search for proxies.
    if (this.#advertised.length === 0) return new BytestreamError('ERR_NOT_A_STREAMHOST', 'no address of this proxy is configured')
    return undefined
  }

  #activate({ from, payload }: IqRequest): undefined {
    if (!this.#components.access.mayUse(from)) throw new BytestreamError('ERR_FORBIDDEN', '')
    const { sid, targetJid } = parseActivate(payload)
    const { dstAddr, hashedTarget, error } = this.#tryTargets(sid, from, new Set([prepareTarget(targetJid), targetJid]))
    this.emit('activationAsked', { from, sid, targetJid: hashedTarget, dstAddr, code: error?.code })
    // Whoever answers IQs logs what is no BytestreamError, and tells the other side nothing of it.
    if (error?.code === 'ERR_INTERNAL') throw new Error('a bytestream could not be activated', { cause: error })
    if (error) throw this.#explain(error, { dstAddr, sid, from, hashedTarget })
    return undefined
  }

  /**
   * The requester is hashed octet for octet as the server wrote it, the target prepared (XEP-0065 §5.3.2). When nothing
   * is known under that, the text is tried as it came: some clients hash it unprepared.
   */
  #tryTargets(sid: string, from: string, targets: Iterable<string>): Attempt {
    let first: Attempt | undefined
    for (const hashedTarget of targets) {
      const dstAddr = computeDstAddr(sid, from, hashedTarget)
      const attempt = { dstAddr, hashedTarget, error: this.#tryActivate(dstAddr) }
      if (attempt.error?.code !== 'ERR_BYTESTREAM_UNKNOWN') return attempt
      first ??= attempt
    }
    return first as Attempt
  }

  #tryActivate(dstAddr: DstAddr): BytestreamError | undefined {
    try {
      this.#components.streamhost.activate(dstAddr)
      return undefined
    } catch (thrown) {
      return toBytestreamError(thrown)
    }
  }

  /** Tells a requester, who may know, what was looked for. Which side is missing cannot be known. */
  #explain(
    { code, message }: BytestreamError,
    { dstAddr, sid, from, hashedTarget }: { dstAddr: DstAddr; sid: string; from: string; hashedTarget: string },
  ) {
    if (code !== 'ERR_BYTESTREAM_UNKNOWN' && code !== 'ERR_PEER_MISSING') return new BytestreamError(code, message)
    const waiting = this.#components.streamhost.waitingSockets(dstAddr)
    return new BytestreamError(
      code,
      `${waiting} of 2 sockets wait under DST.ADDR ${dstAddr}, the SHA-1 of sid "${shorten(sid)}", requester "${from}" and target "${shorten(hashedTarget)}"`,
    )
  }
}

/** COMPAT(Psi): white space around the JID is dropped, but only from a JID that is invalid with it. */
function prepareTarget(text: string): string {
  try {
    return prepareJid(text)
  } catch (error) {
    if (text.trim() === text) throw error
    return prepareJid(text.trim())
  }
}

/** What a peer sent, cut to a length that is worth sending back. */
const shorten = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text)
