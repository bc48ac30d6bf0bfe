import type { BytestreamError } from '../../core/index.ts'
import type { Asker, Notice, Pubsub } from '../../pubsub/index.ts'
import type { PubsubAction, PubsubAnswers, PubsubRequestOf } from '../../xep/index.ts'

/** What comes of a request that was not refused as a whole. */
export interface Outcome<Action extends PubsubAction> {
  readonly answer: PubsubAnswers[Action]
  /** Whom to tell, once it is committed. */
  readonly notices?: readonly Notice[]
  /** In place of the answer: of several changes some were made, and these not (XEP-0060 §8.8.2.4, §8.9.2.4). */
  readonly refused?: BytestreamError
}

/** A request of XEP-0060, from the form it comes in to the form of its answer. */
export interface UseCase<Action extends PubsubAction> {
  /** What service discovery shows because of it, without the namespace (XEP-0060 §10). */
  readonly features: readonly string[]
  /** Answered once it is committed, without waiting for the disk: somebody's own subscription, which he can ask for again. */
  readonly isAnsweredAtOnce?: boolean
  handle(pubsub: Pubsub, asker: Asker, request: PubsubRequestOf<Action>): Outcome<Action>
}

export type UseCases<Action extends PubsubAction> = { readonly [A in Action]: UseCase<A> }
