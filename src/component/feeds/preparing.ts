import type { Clock } from '../../core/index.ts'
import type { Pubsub } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import type { Rosters } from '../pubsub/rosters.ts'
import type { Availability } from './availability.ts'
import { ConsumerAbilities } from './consumer-abilities.ts'
import { type HandOverComponents, nextFor } from './hand-over.ts'
import { findCrew, type Lane } from './lane.ts'

export interface PreparingComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Borrowed. */
  readonly availability: Availability
  /** Without them nodes that are for contacts have nothing delivered. */
  readonly rosters?: Pick<Rosters, 'contacts'> | undefined
  readonly clock: Clock
}

/** Finds out what has to be known before an account gets something. */
export class Preparing {
  readonly #components: PreparingComponents
  readonly #abilities: ConsumerAbilities

  constructor(components: PreparingComponents) {
    const { session, clock } = components
    this.#components = components
    this.#abilities = new ConsumerAbilities({ session, clock })
  }

  /** @throws BytestreamError where it could not be asked */
  async prepare(lane: Lane, handing: HandOverComponents): Promise<void> {
    const { pubsub, availability, rosters } = this.#components
    const { account, changes } = lane
    const crew = lane.crew ?? (await findCrew(availability, this.#abilities, account))
    const { entries } = nextFor(handing, lane)
    const asked = [...new Set(entries.map(({ message }) => message.node))].map(async (node) => {
      const owners = pubsub.rostersFor({ jid: account }, node)
      return [node, owners.length > 0 && rosters ? await rosters.contacts(owners, account) : []] as const
    })
    lane.contacts = new Map(await Promise.all(asked))
    if (lane.changes === changes) lane.crew = crew
  }
}
