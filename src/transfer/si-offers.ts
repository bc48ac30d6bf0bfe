import { type ChosenStream, type IncomingOffer, StreamInitiationResponder } from '../bytestreams/index.ts'
import { BytestreamError } from '../core/index.ts'
import type { ServicePart, Session } from '../session/index.ts'
import { NS } from '../xep/index.ts'
import type { PendingStarts } from './published/pending-starts.ts'

interface SiTaker {
  /** @throws BytestreamError the answer */
  decide(offer: IncomingOffer): Promise<ChosenStream>
}

/**
 * The files others offer by stream initiation: one that was asked for goes to whoever has asked, any other to whoever receives.
 *
 * @see XEP-0096
 */
export class SiOffers {
  /** What to show in service discovery while somebody receives. */
  readonly part: ServicePart
  receiver: SiTaker | undefined

  constructor(session: Session, starts: PendingStarts) {
    this.part = new StreamInitiationResponder(session).handle(NS.siFileTransfer, async (offer) => {
      const taker = starts.find('si', offer.from, offer.id) ?? this.receiver
      if (!taker) throw new BytestreamError('ERR_BAD_PROFILE', 'this profile is not supported')
      return await taker.decide(offer)
    })
  }
}
