import { setMaxListeners } from 'node:events'
import { BytestreamError, type Clock, type Logger, toBytestreamError, tryPrepareJid } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import {
  attribute,
  buildErrorReply,
  buildInBandClose,
  buildInBandData,
  type Element,
  type InBandOpen,
  type IqRequest,
  messageData,
  NS,
  parseInBandClose,
  parseInBandData,
  parseInBandOpen,
} from '../../xep/index.ts'
import type { Bytestream, BytestreamTotals } from '../bytestream.ts'
import { InBandStream } from './in-band-stream.ts'

/** In-band bytestreams of one session that are open or being opened, or whose closing is not yet answered. */
const STREAMS_MAX = 100

export interface InBandComponents {
  readonly session: Session
  readonly clock: Clock
  readonly logger: Logger
}

/** Who is at the other end, and which of its bytestreams it is. */
export interface InBandAddress {
  readonly peer: string
  readonly sid: string
}

const ofSession = new WeakMap<Session, InBandStreams>()

const unknownSid = () => new BytestreamError('ERR_BYTESTREAM_UNKNOWN', 'no bytestream of that sid is open')

/**
 * The in-band bytestreams of one session, whichever side opened them: answers `<open/>`, `<data/>` and `<close/>`. What
 * belongs to none of them is answered with an error, and kept nowhere.
 *
 * @see XEP-0047 §2
 */
export class InBandStreams {
  readonly #session: Session
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #streams = new Map<string, InBandStream>()
  /** Decides about what others want to open; an error it throws is the answer. */
  onOpen: ((from: string, open: InBandOpen) => void) | undefined

  private constructor({ session, clock, logger }: InBandComponents) {
    this.#session = session
    this.#clock = clock
    this.#logger = logger
    session.iqs.handle('set', NS.inBand, 'open', (request) => this.#answerOpen(request))
    session.iqs.handle('set', NS.inBand, 'data', (request) => this.#answerData(request))
    session.iqs.handle('set', NS.inBand, 'close', ({ from, payload }) => this.#answerClose(from, parseInBandClose(payload)))
    session.on('message', ({ type, from }, stanza) => {
      const data = messageData(stanza)
      if (data && from && type !== 'error') this.#refuseMessage(from, data, stanza)
    })
    session.on('presence', ({ type, from }) => {
      if (type === 'unavailable' && from) this.#losePeer(from)
    })
    session.on('offline', ({ error }) => this.#loseAll(error))
    session.on('ended', ({ error }) => this.#loseAll(error ?? new BytestreamError('ERR_SESSION_CLOSED', 'the session was closed')))
  }

  /** @returns those of a session, which answers for them from the first time on */
  static of(components: InBandComponents): InBandStreams {
    const { session } = components
    const streams = ofSession.get(session) ?? new InBandStreams(components)
    ofSession.set(session, streams)
    return streams
  }

  /**
   * Begins a bytestream: from now on its peer is listened to.
   *
   * @throws BytestreamError `ERR_BAD_REQUEST` when there is one with that peer and sid, `ERR_LIMIT_WAITING` when there are too many
   */
  add(address: InBandAddress, blockSize: number): InBandStream {
    const key = keyOf(tryPrepareJid(address.peer), address.sid)
    if (this.#streams.has(key)) throw new BytestreamError('ERR_BAD_REQUEST', `a bytestream with the sid ${address.sid} is open already`)
    if (this.#streams.size >= STREAMS_MAX)
      throw new BytestreamError('ERR_LIMIT_WAITING', `${STREAMS_MAX} in-band bytestreams of this session are open`)
    const { wire, hangUp } = this.#wireTo(address)
    const onOver = () => {
      this.#streams.delete(key)
      hangUp()
    }
    const stream = new InBandStream(this.#clock, { blockSize, wire, onOver })
    // Stays: whoever gets the stream may not be listening yet when it breaks.
    stream.on('error', (thrown) => {
      const { code, message } = toBytestreamError(thrown)
      this.#logger.debug({ jid: address.peer, sid: address.sid, code, reason: message }, 'an in-band bytestream broke')
    })
    this.#streams.set(key, stream)
    return stream
  }

  #wireTo({ peer, sid }: InBandAddress) {
    const gone = new AbortController()
    const { signal } = gone
    setMaxListeners(0, signal) // One for each question.
    const ask = (payload: Element) =>
      this.#session.request({ type: 'set', to: peer, payload }, { answerMsMax: Number.POSITIVE_INFINITY, signal })
    return {
      wire: {
        sendBlock: (seq: number, octets: Buffer) => ask(buildInBandData({ sid, seq, octets })),
        sendClose: () => ask(buildInBandClose(sid)),
      },
      /** Whatever is still asked needs no answer any more. */
      hangUp: () => gone.abort(),
    }
  }

  #find(from: string, sid: string): InBandStream | undefined {
    return this.#streams.get(keyOf(from, sid)) ?? this.#streams.get(keyOf(tryPrepareJid(from), sid))
  }

  #answerOpen({ from, payload }: IqRequest): undefined {
    if (!this.onOpen) throw new BytestreamError('ERR_IN_BAND_REFUSED', 'no bytestream of that sid was negotiated')
    this.onOpen(from, parseInBandOpen(payload))
  }

  async #answerData({ from, payload }: IqRequest): Promise<undefined> {
    const stream = this.#find(from, attribute(payload, 'sid') ?? '')
    if (!stream) throw unknownSid()
    try {
      const { seq, octets } = parseInBandData(payload)
      await stream.receiveBlock(seq, octets)
    } catch (thrown) {
      stream.fail(toBytestreamError(thrown))
      throw thrown
    }
  }

  async #answerClose(from: string, sid: string): Promise<undefined> {
    const stream = this.#find(from, sid)
    if (!stream) throw unknownSid()
    await stream.receiveClose()
  }

  /** XEP-0047 §4: a message would say that a block has come to nobody, and could not be made to wait. */
  #refuseMessage(from: string, data: Element, stanza: Element): void {
    const stream = this.#find(from, attribute(data, 'sid') ?? '')
    if (!stream) return
    const error = new BytestreamError('ERR_IN_BAND_REFUSED', 'blocks have to come in IQ stanzas')
    this.#session.send(buildErrorReply(stanza, error.stanzaError, error.message))
    stream.fail(error)
  }

  #losePeer(jid: string): void {
    const key = keyOf(tryPrepareJid(jid), '')
    for (const [each, stream] of [...this.#streams]) {
      if (each.startsWith(key)) stream.lose(new BytestreamError('ERR_RESET', `${jid} has gone offline`))
    }
  }

  #loseAll(error: BytestreamError): void {
    for (const stream of [...this.#streams.values()]) stream.lose(error)
  }
}

/** A stream as a {@link Bytestream}. */
export function inBandBytestream(stream: InBandStream, { peer, sid }: InBandAddress): Bytestream {
  const totals = new Promise<BytestreamTotals>((resolve) => {
    const settle = () => resolve({ ...stream.bytes, end: stream.isReset ? 'reset' : 'closed' })
    if (stream.closed) settle()
    else stream.once('close', settle)
  })
  return {
    ...{ sid, peer, method: 'ibb', streamhost: undefined, dstAddr: undefined, blockSize: stream.blockSize, stream, totals },
    reset: () => stream.reset(),
  }
}

const keyOf = (peer: string, sid: string) => `${peer}\n${sid}`
