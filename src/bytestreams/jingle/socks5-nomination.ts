import { BytestreamError } from '../../core/index.ts'
import type { JingleCandidate, JingleRole, JingleSocks5Info } from '../../xep/index.ts'

/** What happens while two sides agree on a candidate, from the view of one of them. */
export type NominationInput =
  /** We are connected to this candidate of the peer. */
  | { readonly input: 'connected'; readonly candidate: JingleCandidate }
  /** None of the peer's candidates can be reached, or none that would still be chosen. */
  | { readonly input: 'exhausted' }
  /** The connection to what was nominated has gone. */
  | { readonly input: 'lost' }
  /** The proxy that was nominated, one we offered, let us activate the bytestream, or did not. */
  | { readonly input: 'activated' | 'notActivated' }
  /** The peer is connected to this candidate of ours. */
  | { readonly input: 'peerUsed'; readonly cid: string }
  | { readonly input: 'peerExhausted' }
  | { readonly input: 'peerActivated'; readonly cid: string }
  | { readonly input: 'peerProxyError' }

/** What is to be done, in this order. */
export type NominationStep =
  | { readonly step: 'send'; readonly info: JingleSocks5Info }
  /** Whatever has this priority, or a lower one, would not be chosen any more. */
  | { readonly step: 'stopTrying'; readonly priority: number }
  /** The candidate is nominated. `offerer` says whose it is; connected to it is the other side. */
  | { readonly step: 'nominated'; readonly candidate: JingleCandidate; readonly offerer: 'us' | 'peer' }
  /** Connect to the nominated proxy and activate the bytestream. */
  | { readonly step: 'activate' }
  /** The bytestream may be used. */
  | { readonly step: 'open' }
  /** There will be no bytestream over a streamhost, or it is one no more. */
  | { readonly step: 'fail'; readonly error: BytestreamError }

/**
 * `trying`: not both sides have said what they reached. `activating`, `waiting`: a proxy is nominated, ours to activate, or
 * the peer's. `open`, `failed`: it is over.
 */
export const nominationPhases = ['trying', 'activating', 'waiting', 'open', 'failed'] as const
export type NominationPhase = (typeof nominationPhases)[number]

/** It means something, it means nothing any more, or the peer is told that it cannot be. */
type Cell = 'take' | 'late' | 'ERR_JINGLE_OUT_OF_ORDER'

const OUT = 'ERR_JINGLE_OUT_OF_ORDER'

/**
 * Every cell is filled, in the order of {@link nominationPhases}. A proxy-error may come when we have activated: until it has
 * heard of that, the peer may lose its connection. What comes to a negotiation that failed was on its way by then.
 */
const table = {
  connected: ['take', 'late', 'late', 'late', 'late'],
  exhausted: ['take', 'late', 'late', 'late', 'late'],
  lost: ['late', 'late', 'take', 'late', 'late'],
  activated: ['late', 'take', 'late', 'late', 'late'],
  notActivated: ['late', 'take', 'late', 'late', 'late'],
  peerUsed: ['take', OUT, OUT, OUT, 'late'],
  peerExhausted: ['take', OUT, OUT, OUT, 'late'],
  peerActivated: [OUT, OUT, 'take', OUT, 'late'],
  peerProxyError: [OUT, 'take', 'take', 'take', 'late'],
} as const satisfies Record<NominationInput['input'], readonly [Cell, Cell, Cell, Cell, Cell]>

const unknown = (cid: string) => new BytestreamError('ERR_ITEM_NOT_FOUND', `there is no candidate "${cid.slice(0, 64)}" of ours`)

/**
 * How two sides that both offered candidates agree on one, or on there being none. It knows no socket and no clock: it is
 * told what happened, and says what to do.
 *
 * @see XEP-0260 §2.3, §2.4
 */
export class Nomination {
  readonly #role: JingleRole
  readonly #own: ReadonlyMap<string, JingleCandidate>
  #phase: NominationPhase = 'trying'
  /** The peer's candidate we have reached, `null` when we have told that there is none. */
  #ours: JingleCandidate | null | undefined
  /** Our candidate the peer has reached, `null` when it has told that there is none. */
  #theirs: JingleCandidate | null | undefined
  #nominated: { readonly candidate: JingleCandidate; readonly offerer: 'us' | 'peer' } | undefined

  constructor(role: JingleRole, own: readonly JingleCandidate[]) {
    this.#role = role
    this.#own = new Map(own.map((candidate) => [candidate.cid, candidate]))
  }

  get phase(): NominationPhase {
    return this.#phase
  }

  /** Whether we have told what we reached. */
  get haveWeTold(): boolean {
    return this.#ours !== undefined
  }

  /**
   * @returns what to do about it
   * @throws BytestreamError `ERR_JINGLE_OUT_OF_ORDER` and `ERR_ITEM_NOT_FOUND` as the answer to a peer; nothing has changed then
   */
  take(input: NominationInput): readonly NominationStep[] {
    const cell: Cell = table[input.input][nominationPhases.indexOf(this.#phase)] ?? OUT
    if (cell === 'late') return []
    if (cell !== 'take') throw new BytestreamError(cell, `${input.input} while ${this.#phase}`)
    switch (input.input) {
      case 'connected':
        return this.#tell(input.candidate, { used: input.candidate.cid })
      case 'exhausted':
        return this.#tell(null, { error: 'candidate' })
      case 'peerUsed':
        return this.#hear(input.cid)
      case 'peerExhausted':
        return this.#hear(null)
      case 'activated':
        return this.#open({ step: 'send', info: { activated: this.#nominated?.candidate.cid ?? '' } })
      case 'notActivated':
        return this.#fail('the proxy cannot be used', true)
      case 'lost':
        return this.#fail('the connection to the proxy has gone', true)
      case 'peerActivated':
        if (input.cid !== this.#nominated?.candidate.cid) throw unknown(input.cid)
        return this.#open()
      case 'peerProxyError':
        return this.#hearProxyError()
    }
  }

  #tell(reached: JingleCandidate | null, info: JingleSocks5Info): readonly NominationStep[] {
    if (this.#ours !== undefined) return []
    this.#ours = reached
    return [{ step: 'send', info }, ...this.#nominate()]
  }

  #hear(cid: string | null): readonly NominationStep[] {
    if (this.#theirs !== undefined) throw new BytestreamError(OUT, 'what was reached has been told before')
    const reached = cid === null ? null : this.#own.get(cid)
    if (reached === undefined) throw unknown(cid ?? '')
    this.#theirs = reached
    // XEP-0260 §2.3: to be tried is what has a higher priority than the one the peer uses.
    const stop = reached && this.#ours === undefined ? [{ step: 'stopTrying', priority: reached.priority } as const] : []
    return [...stop, ...this.#nominate()]
  }

  /**
   * XEP-0260 §2.4: the higher priority wins. With the same one on both sides "the candidate chosen by the initiator shall be
   * considered the nominated candidate": the one the initiator says in its candidate-used, which the responder has offered.
   */
  #nominate(): readonly NominationStep[] {
    const [ours, theirs] = [this.#ours, this.#theirs]
    if (ours === undefined || theirs === undefined) return []
    if (!ours && !theirs) return this.#fail('neither side could reach a streamhost of the other', false)
    const isOurs = ours && (!theirs || ours.priority > theirs.priority || (ours.priority === theirs.priority && this.#role === 'initiator'))
    const nominated = isOurs
      ? ({ candidate: ours, offerer: 'peer' } as const)
      : ({ candidate: theirs as JingleCandidate, offerer: 'us' } as const)
    this.#nominated = nominated
    const step = { step: 'nominated', ...nominated } as const
    if (nominated.candidate.type !== 'proxy') return [step, ...this.#open()]
    this.#phase = isOurs ? 'waiting' : 'activating'
    return isOurs ? [step] : [step, { step: 'activate' }]
  }

  #open(...before: readonly NominationStep[]): readonly NominationStep[] {
    this.#phase = 'open'
    return [...before, { step: 'open' }]
  }

  #hearProxyError(): readonly NominationStep[] {
    const { candidate, offerer } = this.#nominated ?? {}
    if (this.#phase === 'open' && (offerer !== 'us' || candidate?.type !== 'proxy'))
      throw new BytestreamError(OUT, 'no proxy is waited for')
    return this.#fail('the other side cannot use the proxy', false)
  }

  #fail(reason: string, isToBeTold: boolean): readonly NominationStep[] {
    this.#phase = 'failed'
    const fail = { step: 'fail', error: new BytestreamError('ERR_NO_STREAMHOST', reason) } as const
    return isToBeTold ? [{ step: 'send', info: { error: 'proxy' } }, fail] : [fail]
  }
}
