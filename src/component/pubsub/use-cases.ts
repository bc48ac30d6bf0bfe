import { type Asker, asksRosters, type Pubsub } from '../../pubsub/index.ts'
import { NS, type PubsubAction, type PubsubRequest } from '../../xep/index.ts'
import { ownerUseCases } from './owner-use-cases.ts'
import { publisherUseCases } from './publisher-use-cases.ts'
import { subscriberUseCases } from './subscriber-use-cases.ts'
import type { Outcome, UseCase, UseCases } from './use-case.ts'

/** Everything XEP-0060 has anybody ask a service: what is not in it does not compile. */
const useCases: UseCases<PubsubAction> = { ...subscriberUseCases, ...publisherUseCases, ...ownerUseCases }

/** @throws BytestreamError for a request that is refused; then nothing has changed */
export function perform(pubsub: Pubsub, asker: Asker, request: PubsubRequest): Outcome<PubsubAction> {
  const useCase = useCases[request.action] as UseCase<PubsubAction>
  return useCase.handle(pubsub, asker, request)
}

/** Whether the answer has to wait until what was asked for is on the disk. */
export const waitsForDisk = (action: PubsubAction): boolean => !useCases[action].isAnsweredAtOnce

/** XEP-0060 §10: what the use cases show of themselves, what the service is like unless a node is different, and what the server grants. */
export function featuresOf(pubsub: Pubsub): readonly string[] {
  const shown = Object.values(useCases).flatMap(({ features }) => features)
  const all = [
    'meta-data',
    'get-pending',
    `access-${pubsub.defaultConfig.accessModel}`,
    ...pubsub.accessModels.filter(asksRosters).map((model) => `access-${model}`),
    ...(pubsub.autoCreate ? ['auto-create'] : []),
    ...shown,
  ]
  return [NS.pubsub, NS.resultSets, ...new Set(all.map((name) => `${NS.pubsub}#${name}`))]
}
