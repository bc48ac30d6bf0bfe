import { BytestreamError, StanzaError } from '../../core/index.ts'
import type { ServicePart, Session } from '../../session/index.ts'
import {
  attribute,
  buildStreamAcceptance,
  buildStreamInitiation,
  type Element,
  type IqRequest,
  NS,
  parseStreamAcceptance,
  parseStreamInitiation,
  payloadOf,
  type StreamInitiation,
} from '../../xep/index.ts'

/** A stream to offer. */
export interface OfferInit extends StreamInitiation {
  readonly to: string
  /** Milliseconds to wait for the answer. */
  readonly answerMsMax: number
  readonly signal?: AbortSignal | undefined
  /** Hears what the profile adds to the acceptance; what it throws is thrown. */
  readonly onAnswer?: ((payload: Element | undefined) => void) | undefined
}

/**
 * Offers a stream to another entity and waits until its user has decided.
 *
 * @returns the method it chose, one of those offered
 * @throws BytestreamError `ERR_DECLINED`, `ERR_FILE_TOO_LARGE`, `ERR_NO_VALID_STREAMS`, `ERR_TIMEOUT`, `ERR_ABORTED`; StanzaError for any other refusal
 * @see XEP-0095 §3.2
 */
export async function offerStream(session: Session, { to, answerMsMax, signal, onAnswer, ...offer }: OfferInit): Promise<string> {
  try {
    const answer = await session.request({ type: 'set', to, payload: buildStreamInitiation(offer) }, { answerMsMax, signal })
    const method = answer && parseStreamAcceptance(answer)
    if (!answer || !method || !offer.methods.includes(method)) {
      throw new BytestreamError('ERR_NO_VALID_STREAMS', `${to} accepted without choosing one of the methods offered`)
    }
    onAnswer?.(payloadOf(answer, offer.profile))
    return method
  } catch (thrown) {
    if (!(thrown instanceof StanzaError)) throw thrown
    const [name] = thrown.stanzaError.application ?? []
    if (name === 'no-valid-streams')
      throw new BytestreamError('ERR_NO_VALID_STREAMS', `${to} supports none of the methods offered`, { cause: thrown })
    const declined = `${to} declined${thrown.text && `: ${thrown.text}`}`
    if (name === 'file-too-large') throw new BytestreamError('ERR_FILE_TOO_LARGE', declined, { cause: thrown })
    // COMPAT(Gajim, Psi): some clients decline with not-acceptable instead of forbidden.
    if (['forbidden', 'not-acceptable', 'not-allowed'].includes(thrown.condition))
      throw new BytestreamError('ERR_DECLINED', declined, { cause: thrown })
    throw thrown
  }
}

/** A stream another entity offers. */
export interface IncomingOffer extends StreamInitiation {
  readonly from: string
}

/** How a stream is accepted. */
export interface ChosenStream {
  /** One of those offered. */
  readonly method: string
  /** What its profile has to add. */
  readonly payload?: Element | undefined
}

/**
 * Decides about an offer, and begins to wait for the stream if it is accepted.
 *
 * @throws BytestreamError `ERR_DECLINED`, `ERR_NO_VALID_STREAMS`, or another refusal
 */
export type OnOffer = (offer: IncomingOffer) => Promise<ChosenStream> | ChosenStream

/**
 * Answers stream initiations, by profile: an offer goes to whoever handles its profile, any other is refused with
 * `bad-profile`.
 *
 * @see XEP-0095 §3.2, §4
 */
export class StreamInitiationResponder {
  readonly #profiles = new Map<string, OnOffer>()

  constructor(session: Session) {
    session.iqs.handle('set', NS.si, 'si', (request) => this.#answer(request))
  }

  /** @returns what to show in service discovery (XEP-0095 §3.1) */
  handle(profile: string, onOffer: OnOffer): ServicePart {
    this.#profiles.set(profile, onOffer)
    return { identities: [], features: [NS.si, profile] }
  }

  async #answer({ from, payload }: IqRequest): Promise<Element> {
    const onOffer = this.#profiles.get(attribute(payload, 'profile') ?? '')
    if (!onOffer) throw new BytestreamError('ERR_BAD_PROFILE', 'this profile is not supported')
    const { method, payload: added } = await onOffer({ from, ...parseStreamInitiation(payload) })
    return buildStreamAcceptance(method, added)
  }
}
