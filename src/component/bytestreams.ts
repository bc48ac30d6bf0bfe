import { EventEmitter } from 'node:events'
import { BytestreamError, type ErrorCode, prepareJid, toBytestreamError, tryPrepareJid } from '../core/index.ts'
import type { AccessList } from '../policy/index.ts'
import type { ServicePart, Session } from '../session/index.ts'
import { computeDstAddr, type DstAddr } from '../socks5/index.ts'
import type { Streamhost } from '../streamhost/index.ts'
import { attribute, buildAddresses, type Element, type IqRequest, NS, parseActivate, type StreamhostAddress } from '../xep/index.ts'

export interface ProxyComponents {
  readonly session: Session
  readonly streamhost: Pick<Streamhost, 'activate' | 'isClosing' | 'waitingSockets'>
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
  /** An activation that was refused before anything was looked for. */
  activationRefused: [{ from: string; code: ErrorCode }]
  activationAsked: [{ from: string; sid: string; targetJid: string; dstAddr: DstAddr; code: ErrorCode | undefined }]
}

/** The JIDs of a bytestream, as they may have been hashed. */
interface Spelling {
  readonly requester: string
  readonly target: string
  readonly encoding: 'utf8' | 'latin1'
}

/** What became of an activation. */
interface Attempt extends Omit<Spelling, 'encoding'> {
  readonly dstAddr: DstAddr
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
    // COMPAT(slixmpp, libpurple): they look for the identity. COMPAT(Gajim, Dino): they look for the feature.
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
    // Who only wants an address shall look for another proxy.
    if (this.#components.streamhost.isClosing) return new BytestreamError('ERR_SHUTTING_DOWN', 'the proxy is shutting down')
    // COMPAT(Dino): an answer without a streamhost would end its search for proxies.
    if (this.#advertised.length === 0) return new BytestreamError('ERR_NOT_A_STREAMHOST', 'no address of this proxy is configured')
    return undefined
  }

  #activate({ from, payload }: IqRequest): undefined {
    const { sid, targetJid, prepared } = this.#understand(from, payload)
    const { requester, target, dstAddr, error } = this.#tryHashes(sid, spellingsOf(sid, from, [prepared, targetJid]))
    this.emit('activationAsked', { from, sid, targetJid: target, dstAddr, code: error?.code })
    // Whoever answers IQs logs what is no BytestreamError, and tells the other side nothing of it.
    if (error?.code === 'ERR_INTERNAL') throw new Error('a bytestream could not be activated', { cause: error })
    if (error) throw this.#explain(error, { dstAddr, sid, requester, target })
    return undefined
  }

  /** Who may not ask is told nothing else; then what was asked has to make sense. */
  #understand(from: string, payload: Element) {
    try {
      if (!this.#components.access.mayUse(from)) throw new BytestreamError('ERR_FORBIDDEN', '')
      const { sid, targetJid } = parseActivate(payload)
      return { sid, targetJid, prepared: prepareTarget(targetJid) }
    } catch (thrown) {
      this.emit('activationRefused', { from, code: toBytestreamError(thrown).code })
      throw thrown
    }
  }

  /** Of hashes under which nothing is known, the first is told of. */
  #tryHashes(sid: string, spellings: Iterable<Spelling>): Attempt {
    let first: Attempt | undefined
    for (const spelling of spellings) {
      const dstAddr = computeDstAddr(sid, spelling.requester, spelling.target, spelling.encoding)
      const attempt = { ...spelling, dstAddr, error: this.#tryActivate(dstAddr) }
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
  #explain({ code, message }: BytestreamError, { sid, requester, target, dstAddr }: Omit<Attempt, 'error'> & { sid: string }) {
    if (code !== 'ERR_BYTESTREAM_UNKNOWN' && code !== 'ERR_PEER_MISSING') return new BytestreamError(code, message)
    const waiting = this.#components.streamhost.waitingSockets(dstAddr)
    return new BytestreamError(
      code,
      `${waiting} of 2 sockets wait under DST.ADDR ${dstAddr}, the SHA-1 of sid "${shorten(sid)}", requester "${requester}" and target "${shorten(target)}"`,
    )
  }
}

/**
 * Ways to write the two JIDs that either side may have hashed, the likeliest first: the requester octet for octet as
 * its server wrote it, the target prepared (XEP-0065 §5.3.2); then the target as it was sent, which some clients hash
 * unprepared; then the same with the requester prepared; last as they were sent, in Latin-1.
 */
function* spellingsOf(sid: string, from: string, targets: readonly string[]): Generator<Spelling> {
  const distinct = new Set(targets)
  for (const target of distinct) yield { requester: from, target, encoding: 'utf8' }
  // COMPAT(ejabberd): it writes JIDs as their users do, while a client that heeds XEP-0065 hashes the prepared form.
  const requester = tryPrepareJid(from)
  if (requester !== from) for (const target of distinct) yield { requester, target, encoding: 'utf8' }
  // COMPAT(QXmpp): it hashes Latin-1. What does not fit into that becomes question marks, and is not looked for.
  for (const target of distinct) {
    if (isLatin1BeyondAscii(`${sid}${from}${target}`)) yield { requester: from, target, encoding: 'latin1' }
  }
}

/** Whether Latin-1 has all of a text, and other octets for it than UTF-8. */
const isLatin1BeyondAscii = (text: string) =>
  Buffer.byteLength(text) > text.length && Buffer.from(text, 'latin1').toString('latin1') === text

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
