import type { Contact } from '../../pubsub/index.ts'
import type { Availability, Resource } from './availability.ts'
import type { ConsumerAbilities } from './consumer-abilities.ts'
import { type Consumer, comparePreference } from './consumers.ts'

/** Messages that an account has not acknowledged, at the most. */
export const WINDOW = 16

/** Those of an account that are there, in the order in which they are preferred, and what their server can. */
export interface Crew {
  readonly consumers: readonly Consumer[]
  /** XEP-0079. */
  readonly hasAmp: boolean
}

const nobody: Crew = { consumers: [], hasAmp: false }

/** What is known of an account while it has something to get. */
export class Lane {
  readonly account: string
  /** `undefined` until those who are there have been asked what they can take. */
  crew: Crew | undefined
  isPreparing = false
  /** Grows when somebody comes or goes. */
  changes = 0
  /** The messages that wait to be acknowledged, and who has them. */
  readonly held = new Map<number, Consumer>()
  /** The message up to which all were handed over, or passed over, since nobody who is there can take them. */
  lookedAt = 0
  /** Whether there are such. */
  hasPassedOver = false
  /** Of nodes that are for contacts: what rosters have said just now of the account. */
  contacts: ReadonlyMap<string, readonly Contact[]> = new Map()

  constructor(account: string) {
    this.account = account
  }

  /** Others are there than before, or the same with other abilities. */
  crewChanged(): void {
    this.changes += 1
    this.crew = undefined
    this.lookAgain()
  }

  /** What was handed over is to be handed over again, or there are others who may take what was passed over. */
  lookAgain(): void {
    this.lookedAt = 0
    this.hasPassedOver = false
  }

  /** Whether it has as many that wait to be acknowledged as may be, or seems to. */
  get isFull(): boolean {
    return this.held.size >= WINDOW
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return this.held.size === 0 && !this.hasPassedOver
  }
}

/**
 * Asks the devices of an account that are there what they can take. Those where it shows that nobody is there any more have vanished.
 *
 * @throws BytestreamError where they could not be asked
 */
export async function findCrew(availability: Availability, abilities: ConsumerAbilities, account: string): Promise<Crew> {
  const toConsumer = async (resource: Resource): Promise<Consumer[]> => {
    const { jid, priority, sinceMs } = resource
    const known = await abilities.of(resource)
    if (!known) availability.vanished(jid)
    return known ? [{ jid, priority, sinceMs, abilities: known }] : []
  }
  const consumers = (await Promise.all(availability.resourcesOf(account).map(toConsumer))).flat().sort(comparePreference)
  if (consumers.length === 0) return nobody
  const hasReader = consumers.some(({ abilities: { reads } }) => reads === 'text')
  return { consumers, hasAmp: hasReader && (await abilities.hasAmp(account)) }
}
