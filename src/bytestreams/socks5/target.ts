import { BytestreamError, type Clock, type Logger, orAbort, silentLogger, startDeadline, toBytestreamError } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { computeDstAddr, parseDstAddr } from '../../socks5/index.ts'
import {
  type BytestreamOffer,
  buildStreamhostUsed,
  type Element,
  type IqRequest,
  NS,
  parseBytestreamOffer,
  type StreamhostAddress,
} from '../../xep/index.ts'
import { type Bytestream, openBytestream } from '../bytestream.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import type { MethodChoice } from '../way.ts'
import { connectToNamedStreamhost, type Reach } from './connect-streamhost.ts'
import { placeName, tryStaggered } from './staggered.ts'
import { whyOutOfReach } from './within-reach.ts'

/** Streamhosts of one offer that are tried. */
const STREAMHOSTS_MAX = 16
/** Bytestreams that are waited for at once. */
const EXPECTED_MAX = 1_000
/** Milliseconds a requester has to offer others, after a streamhost gave up. */
const ANOTHER_MS_MAX = 30_000

export interface ExpectInit {
  /** The full JID the offer has to come from. */
  readonly from: string
  readonly sid: string
  /** Whether a stream that ends without an octet is one; otherwise it is a streamhost that gave up. */
  readonly mayBeEmpty?: boolean
  /** `direct`, `proxy`: of the streamhosts that are offered only such are used. */
  readonly method?: MethodChoice | undefined
  readonly timings?: Partial<Timings> | undefined
  readonly signal?: AbortSignal | undefined
}

interface Expected {
  readonly timings: Timings
  readonly mayBeEmpty: boolean
  readonly method: MethodChoice | undefined
  readonly resolve: (bytestream: Bytestream) => void
  readonly reject: (error: BytestreamError) => void
  /** Stops the time another offer has. */
  stopWaiting: () => void
  /** Aborts what the last offer has come to: the connecting, or the socket that waits for its first octet. */
  attempt: AbortController
}

/**
 * The target's side of bytestreams: waits for offers that were announced by another negotiation, tries their
 * streamhosts, and answers which one it used. Any other offer is not acceptable.
 *
 * @see XEP-0065 §5.3, §6.3
 */
export class BytestreamTarget {
  readonly #session: Session
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #reach: Reach
  readonly #expected = new Map<string, Expected>()

  /** @param reach which of the streamhosts that are offered may be connected to */
  constructor(session: Session, clock: Clock, logger: Logger = silentLogger, reach: Reach = {}) {
    this.#session = session
    this.#clock = clock
    this.#logger = logger
    this.#reach = reach
    session.iqs.handle('set', NS.bytestreams, 'query', (request) => this.#answer(request))
  }

  /**
   * Waits for a bytestream. It is handed over once its first octet has come, or its end: a proxy tells the target in
   * no other way that the bytestream was activated, and until then the requester may offer other streamhosts.
   *
   * @throws BytestreamError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_LIMIT_WAITING`
   */
  async expect({ from, sid, mayBeEmpty = false, timings: given, signal, method }: ExpectInit): Promise<Bytestream> {
    const timings = { ...defaultTimings, ...given }
    const key = keyOf(from, sid)
    if (this.#expected.has(key)) throw new BytestreamError('ERR_BAD_REQUEST', `a bytestream with the sid ${sid} is expected already`)
    if (this.#expected.size >= EXPECTED_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', `${EXPECTED_MAX} bytestreams are being waited for`)
    using deadline = startDeadline(
      this.#clock,
      timings.overallMsMax,
      'ERR_TIMEOUT',
      `${from} opened no bytestream within ${timings.overallMsMax / 1000} s`,
      signal,
    )
    const opened = new Promise<Bytestream>((resolve, reject) => {
      this.#expected.set(key, { timings, mayBeEmpty, method, resolve, reject, attempt: new AbortController(), stopWaiting: () => {} })
    })
    try {
      return await orAbort(opened, deadline.signal)
    } catch (error) {
      opened.then(
        (late) => late.reset(), // Opened in the moment of the abort.
        () => {},
      )
      throw error
    } finally {
      this.#expected.get(key)?.attempt.abort()
      this.#expected.get(key)?.stopWaiting()
      this.#expected.delete(key)
    }
  }

  async #answer(request: IqRequest): Promise<Element> {
    const offer = parseBytestreamOffer(request.payload)
    const expected = this.#expected.get(keyOf(request.from, offer.sid))
    if (!expected) throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'no bytestream of that sid was negotiated')
    if (offer.mode === 'udp') throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'only bytestreams over TCP are supported')
    expected.stopWaiting()
    expected.attempt.abort()
    expected.attempt = new AbortController()
    const { signal } = expected.attempt
    const { bytestream, socket, streamhost } = await this.#connect(request, offer, { ...expected, signal }).catch((error: unknown) => {
      const { code, message } = toBytestreamError(error)
      this.#logger.debug({ from: request.from, sid: offer.sid, code, reason: message }, 'no streamhost of an offer could be reached')
      this.#awaitAnother(
        expected,
        new BytestreamError('ERR_NO_STREAMHOST', `none of the streamhosts ${request.from} offered could be reached`),
      )
      // Why each one failed would tell the requester about our network.
      throw new BytestreamError('ERR_NO_STREAMHOST', 'none of the streamhosts could be reached')
    })
    const giveUp = () => bytestream.reset()
    if (signal.aborted) {
      giveUp()
      throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'the bytestream is not wanted any more')
    }
    signal.addEventListener('abort', giveUp, { once: true })
    const settle = () => {
      signal.removeEventListener('abort', giveUp)
      socket.off('readable', settle).off('close', settle)
      // Without an octet it is an empty stream, or a streamhost that was never activated.
      if (socket.readableLength > 0 || (expected.mayBeEmpty && !socket.destroyed)) expected.resolve(bytestream)
      else {
        bytestream.reset()
        this.#awaitAnother(
          expected,
          new BytestreamError('ERR_RESET', `${streamhost.jid} hung up before the first octet, and no other streamhost was offered`),
        )
      }
    }
    socket.on('readable', settle).on('close', settle)
    return buildStreamhostUsed(offer.sid, streamhost.jid)
  }

  /** The requester may offer what is left of its streamhosts; `error` is the end if it does not. */
  #awaitAnother(expected: Expected, error: BytestreamError): void {
    if (expected.attempt.signal.aborted) return
    expected.stopWaiting = this.#clock.after(ANOTHER_MS_MAX, () => expected.reject(error))
  }

  async #connect(
    { from, to }: IqRequest,
    offer: Required<BytestreamOffer>,
    { timings, method: choice, signal }: Pick<Expected, 'timings' | 'method'> & { signal: AbortSignal },
  ) {
    // XEP-0065 §7: what the requester hashed, where a room hides the JIDs from both sides.
    const dstAddr = parseDstAddr(offer.dstAddr ?? '') ?? computeDstAddr(offer.sid, from, to || this.#session.jid)
    const isChosen = (streamhost: StreamhostAddress) => choice !== (isProxyFor(from, streamhost) ? 'direct' : 'proxy')
    const { candidate: streamhost, result: socket } = await tryStaggered(
      this.#clock,
      offer.streamhosts.filter(isChosen).slice(0, STREAMHOSTS_MAX),
      (candidate, attempt) => connectToNamedStreamhost(candidate, dstAddr, attempt, this.#reach),
      (late) => late.destroy(),
      {
        ...{ staggerMs: timings.staggerMs, attemptMsMax: timings.attemptMsMax, signal, nameOf: placeName },
        isPromising: (candidate) => isProxyFor(from, candidate) || whyOutOfReach(candidate.host) === undefined,
      },
    )
    const method = isProxyFor(from, streamhost) ? 'proxy' : 'direct'
    return { socket, streamhost, bytestream: openBytestream(socket, { sid: offer.sid, peer: from, method, streamhost, dstAddr }) }
  }
}

const isProxyFor = (from: string, { jid }: StreamhostAddress) => jid !== from

const keyOf = (from: string, sid: string) => `${from}\n${sid}`
