import type { Socket } from 'node:net'
import { BytestreamError, StanzaError, toBytestreamError } from '../../core/index.ts'
import { computeDstAddr, type DstAddr, parseDstAddr } from '../../socks5/index.ts'
import type { JingleCandidate, JingleSocks5, JingleSocks5Info, JingleTransport } from '../../xep/index.ts'
import { type Bytestream, openBytestream } from '../bytestream.ts'
import { connectAndActivate, type RequesterComponents } from '../socks5/requester.ts'
import { placeOf } from './own-candidates.ts'
import { Nomination, type NominationInput, type NominationStep } from './socks5-nomination.ts'
import { addressOf, type FullInit, openSocks5Offer, type Socks5Offer, type Socks5TransportComponents } from './socks5-offer.ts'
import { TheirCandidates } from './their-candidates.ts'
import type { TransportLink } from './transport-link.ts'

/** Milliseconds the other side has to say what it has reached, from when we have said it. */
const RESULT_MS_MAX = 60_000
/** Milliseconds the other side has to activate a proxy it offered. */
const ACTIVATION_MS_MAX = 30_000

type Nominated = Extract<NominationStep, { step: 'nominated' }>

/**
 * A SOCKS5 bytestream as the transport of a content: both sides offer streamhosts and try those of the other, agree on one
 * ({@link Nomination}), and use it.
 *
 * @see XEP-0260
 */
export class Socks5Transport {
  readonly description: JingleSocks5
  /** Rejects with `ERR_NO_STREAMHOST` when there is no streamhost both can reach, else as something went wrong. */
  readonly opened: Promise<Bytestream>
  readonly #components: RequesterComponents
  readonly #link: TransportLink
  readonly #init: FullInit
  readonly #offer: Socks5Offer
  readonly #nomination: Nomination
  readonly #theirs: TheirCandidates
  readonly #closing = new AbortController()
  #settle: { readonly resolve: (bytestream: Bytestream) => void; readonly reject: (error: BytestreamError) => void } | undefined
  #nominated: Nominated | undefined
  /** To the peer's candidate we have told to use. */
  #socket: Socket | undefined
  #theirDstAddr = ''
  /** Over a proxy of ours. */
  #activated: Bytestream | undefined
  #bytestream: Bytestream | undefined
  /** Why we could reach none, or why the proxy failed. */
  #reason = ''
  #stopWaiting: () => void = () => {}
  #stopWatching: () => void = () => {}

  private constructor(components: Socks5TransportComponents, link: TransportLink, init: FullInit, offer: Socks5Offer) {
    this.#components = components
    this.#link = link
    this.#init = init
    this.#offer = offer
    this.#nomination = new Nomination(link.ownRole, offer.candidates)
    const { mayConnect, proxies, ways } = components
    const { method, timings } = init
    const reach = { mayConnect, proxies }
    this.#theirs = new TheirCandidates(components.clock, { method, timings, reach, lastWay: ways?.recall(link.peer) })
    // XEP-0260 §2.2: it is the initiator who says whether it is TCP.
    const { sid, isAnswer, dstAddr, candidates } = offer
    this.description = { kind: 'socks5', sid, mode: isAnswer ? undefined : 'tcp', dstAddr, candidates }
    this.opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.opened.catch(() => {}) // Looked at by those who wait for it.
  }

  /**
   * Listens, finds proxies, and makes candidates of them.
   *
   * @param offered the other side's, when that has offered first
   * @throws BytestreamError `ERR_NO_VALID_STREAMS` for UDP, the reason of the signal; StanzaError, BytestreamError when the one
   *   proxy that may be used does not tell its address
   */
  static async open(
    components: Socks5TransportComponents,
    link: TransportLink,
    init: FullInit,
    offered: JingleSocks5 | undefined,
  ): Promise<Socks5Transport> {
    return new Socks5Transport(components, link, init, await openSocks5Offer(components, link, init, offered))
  }

  begin(theirs: JingleTransport): void {
    if (!this.#settle) return
    if (theirs.kind !== 'socks5' || theirs.sid !== this.#offer.sid) {
      // XEP-0260 §2.2: the responder has to use the same.
      this.#fail(new BytestreamError('ERR_NO_VALID_STREAMS', `${this.#link.peer} accepted another transport than was offered`))
      return
    }
    this.#theirs.add(theirs.candidates)
    void this.#reach(parseDstAddr(theirs.dstAddr ?? '') ?? computeDstAddr(theirs.sid, this.#link.peer, this.#link.ownJid))
  }

  receiveInfo(transport: JingleTransport): void {
    if (transport.kind !== 'socks5' || transport.sid !== this.#offer.sid)
      throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'that is not the transport of this content')
    const { info, candidates } = transport
    if (!info && candidates.length === 0) throw new BytestreamError('ERR_JINGLE_UNSUPPORTED_INFO', 'it tells nothing')
    // What comes when we have told our result would be reached too late to be told.
    if (!this.#nomination.haveWeTold) this.#theirs.add(candidates)
    if (!info) return
    this.#take(inputOf(info))
    this.#theirs.noMore()
  }

  close(error?: Error): void {
    if (this.#bytestream) {
      if (error) this.#bytestream.reset()
      return
    }
    this.#fail(error ? toBytestreamError(error) : new BytestreamError('ERR_ABORTED', 'the bytestream is not wanted any more'))
  }

  async #reach(dstAddr: DstAddr): Promise<void> {
    const { signal } = this.#closing
    try {
      const { candidate, socket } = await this.#theirs.reach(dstAddr, signal)
      if (signal.aborted) return void socket.destroy()
      this.#socket = socket
      this.#theirDstAddr = dstAddr
      this.#take({ input: 'connected', candidate })
    } catch (thrown) {
      if (signal.aborted) return
      this.#reason = toBytestreamError(thrown).message
      this.#take({ input: 'exhausted' })
    }
    if (this.#nomination.phase === 'trying') {
      this.#expectWithin(RESULT_MS_MAX, 'did not say which of our streamhosts it can reach')
    }
  }

  #take(input: NominationInput): void {
    for (const step of this.#nomination.take(input)) this.#perform(step)
  }

  #perform(step: NominationStep): void {
    switch (step.step) {
      case 'send':
        return this.#send(step.info)
      case 'stopTrying':
        return this.#theirs.stopAt(step.priority)
      case 'nominated':
        return this.#nominate(step)
      case 'activate':
        return void this.#activate()
      case 'open':
        return this.#open()
      case 'fail': {
        const reason = this.#nominated ? this.#reason : `${this.#whyNoneOfOurs()}; of its own, ${this.#reason}`
        return this.#fail(new BytestreamError(step.error.code, `${step.error.message}${reason && `: ${reason}`}`, { cause: step.error }))
      }
    }
  }

  #send(info: JingleSocks5Info): void {
    this.#link.sendInfo({ kind: 'socks5', sid: this.#offer.sid, candidates: [], info }).catch((error: unknown) => {
      // A side that answers nothing may go on all the same.
      if (error instanceof StanzaError && this.#settle) this.#fail(error)
    })
  }

  #nominate(nominated: Nominated): void {
    this.#nominated = nominated
    this.#stopWaiting()
    const { jid, type } = nominated.candidate
    const method = type === 'proxy' ? 'proxy' : 'direct'
    this.#init.onStep?.({ step: 'used', jid, method, reason: method === 'proxy' ? this.#whyNotDirect() : undefined })
    if (nominated.offerer === 'us') this.#dropSocket()
    else if (nominated.candidate.type === 'proxy') {
      this.#expectWithin(ACTIVATION_MS_MAX, `did not activate ${nominated.candidate.jid}`)
      this.#watch(this.#socket as Socket)
    }
  }

  #whyNoneOfOurs(): string {
    const { candidates } = this.#offer
    const names = candidates.map(({ jid, host, port, type }) => `${type === 'proxy' ? `the proxy ${jid} at ` : ''}${host}:${port}`)
    const none = {
      auto: 'neither an address nor a proxy',
      direct: 'no address',
      proxy: 'no proxy that lets us in',
      none: 'nothing',
    }
    return names.length === 0 ? `we have ${none[this.#init.method]} to offer` : `${this.#link.peer} could not reach ${names.join(', ')}`
  }

  #whyNotDirect(): string | undefined {
    const own = this.#offer.direct.streamhosts.map(({ host }) => host)
    const ours = own.length === 0 ? [] : [`${this.#link.peer} has reached none of ${own.join(', ')}`]
    return [...ours, ...this.#theirs.whyNotDirect].join('; ') || undefined
  }

  /** It is read ahead, as a socket nobody reads tells nothing. Octets, and their end, may come before we hear of the activation. */
  #watch(socket: Socket): void {
    const readAhead = () => {}
    const onClose = () => this.#take({ input: 'lost' })
    this.#stopWatching = () => socket.off('readable', readAhead).off('close', onClose)
    if (socket.destroyed) onClose()
    else socket.on('readable', readAhead).on('close', onClose)
  }

  async #activate(): Promise<void> {
    const { onStep = () => {}, timings } = this.#init
    const { signal } = this.#closing
    const candidate = this.#nominated?.candidate as JingleCandidate
    const { sid, dstAddr } = this.#offer
    const candidates = [addressOf(candidate)]
    const { jid } = candidate
    try {
      const bytestream = await connectAndActivate(this.#components, {
        candidates,
        jid,
        to: this.#link.peer,
        sid,
        dstAddr,
        timings,
        signal,
        onStep,
      })
      if (signal.aborted) return bytestream.reset()
      this.#activated = bytestream
      this.#take({ input: 'activated' })
    } catch (thrown) {
      if (signal.aborted) return
      const error = toBytestreamError(thrown)
      this.#reason = error.message
      this.#components.proxies.forget()
      onStep({ step: 'proxy failed', jid, error })
      this.#take({ input: 'notActivated' })
    }
  }

  #open(): void {
    const bytestream = this.#activated ?? this.#direct()
    if (!bytestream)
      return this.#fail(new BytestreamError('ERR_NO_STREAMHOST', `the connection to ${this.#link.peer} has gone before it was used`))
    this.#bytestream = bytestream
    const settle = this.#settle
    this.#release()
    settle?.resolve(bytestream)
  }

  /** The connection one side has made to the other, or to a proxy the other side has activated. */
  #direct(): Bytestream | undefined {
    const { candidate, offerer } = this.#nominated as Nominated
    const { sid, dstAddr, direct } = this.#offer
    const own = direct.streamhosts.find((streamhost) => placeOf(streamhost) === placeOf(candidate))
    const socket = offerer === 'us' ? own && direct.take(own) : this.#socket
    this.#socket = undefined
    if (!socket || socket.destroyed) return undefined
    const method = candidate.type === 'proxy' ? 'proxy' : 'direct'
    const facts = { sid, peer: this.#link.peer, method, streamhost: addressOf(candidate) } as const
    return openBytestream(socket, { ...facts, dstAddr: offerer === 'us' ? dstAddr : this.#theirDstAddr })
  }

  #expectWithin(ms: number, what: string): void {
    this.#stopWaiting()
    this.#stopWaiting = this.#components.clock.after(ms, () => {
      this.#fail(new BytestreamError('ERR_TIMEOUT', `${this.#link.peer} ${what} within ${ms / 1000} s`))
    })
  }

  #fail(error: BytestreamError): void {
    // The other side could not use what it was told to be open.
    this.#bytestream?.reset()
    const settle = this.#settle
    this.#release()
    settle?.reject(error)
  }

  /** Ends whatever is not the bytestream. */
  #release(): void {
    this.#settle = undefined
    this.#stopWaiting()
    this.#stopWatching()
    this.#theirs.stop()
    this.#closing.abort()
    this.#dropSocket()
    void this.#offer.direct[Symbol.asyncDispose]()
  }

  #dropSocket(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }
}

function inputOf(info: JingleSocks5Info): NominationInput {
  if ('used' in info) return { input: 'peerUsed', cid: info.used }
  if ('activated' in info) return { input: 'peerActivated', cid: info.activated }
  return { input: info.error === 'proxy' ? 'peerProxyError' : 'peerExhausted' }
}
