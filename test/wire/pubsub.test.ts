// XEP-0060's examples of §5-§8, said to the service behind each server in the order of the specification, with what it answers and tells.
// docs/xeps.md says which examples a service of this kind has no part in, and test/repository/pubsub-examples.test.ts that no other is left out.

import { accountOn, PLAYERS, PubsubStage, type StageInit } from '../helpers/pubsub-stage.ts'
import { onEachServer } from '../helpers/server.ts'
import { entityUseCases } from './pubsub/entity.ts'
import { notRetrieving, retrieving } from './pubsub/items.ts'
import { configuring, creating, removing } from './pubsub/nodes.ts'
import { approving, managingAffiliations, managingSubscriptions } from './pubsub/owner.ts'
import { notPublishing, publishing, retracting, separately } from './pubsub/publisher.ts'
import { configuringSubscriptions, subscribing, unsubscribing } from './pubsub/subscriber.ts'

/** What is said, by the label of the service it is said to. */
const conversations: Readonly<Record<string, readonly [title: string, run: (stage: PubsubStage) => Promise<void>, init?: StageInit]>> = {
  entity: ['§5: what anybody finds out', entityUseCases],
  subscribe: ['§6.1: subscribing', subscribing, { limits: { subscriptionsPerNodeMax: 1 } }],
  unsubscribe: ['§5.6, §6.2: subscriptions are listed, and end', unsubscribing],
  options: ['§6.3, §6.4: options of subscriptions', configuringSubscriptions],
  items: ['§6.1.7, §6.5: the last item, and items that are asked for', retrieving],
  noitems: ['§6.5.9: items that are not to be had', notRetrieving],
  publish: ['§7.1: publishing', publishing],
  separately: ['§6.1.6: full JIDs of one account are told each by itself', separately],
  nopublish: ['§7.1.3, §7.1.5: what is not published', notPublishing, { limits: { payloadBytesMax: 2_000 } }],
  retract: ['§7.2: items are deleted', retracting],
  create: ['§8.1: nodes are created', creating, { mayCreate: (account) => account.startsWith('hamlet-') }],
  configure: ['§8.2, §8.3: nodes are configured', configuring],
  remove: ['§8.4, §8.5: nodes are deleted and purged', removing],
  approve: ['§8.6, §8.7, §12.14: subscriptions are approved', approving],
  subscriptions: ['§8.8: an owner manages subscriptions', managingSubscriptions],
  affiliations: ['§5.7, §8.9: an owner manages affiliations', managingAffiliations],
}

const accounts = Object.keys(conversations).flatMap((label) => PLAYERS.map((local) => accountOn(label, local)))
const components = Object.keys(conversations).map((label) => `${label}.localhost`)

onEachServer('publish-subscribe', { accounts, components }, (test) => {
  for (const [label, [title, run, init]] of Object.entries(conversations)) {
    test(title, async (t, server) => run(await PubsubStage.open(t, server, `${label}.localhost`, init)))
  }
})
