import type { Command } from 'commander'
import type { Start } from '../command-line.ts'
import { addApprove, addDeny, addPending } from './pubsub-approvals.ts'
import { addItems, addPublish, addRetract } from './pubsub-items.ts'
import { addConfigure, addCreate, addDelete, addNodes } from './pubsub-nodes.ts'
import { addSubscriptionOptions } from './pubsub-options.ts'
import { addDead, addQueue } from './pubsub-queues.ts'
import { addAffiliations, addSubscribe, addSubscriptions, addUnsubscribe } from './pubsub-subscriptions.ts'

const commands = [
  ...[addNodes, addCreate, addConfigure, addDelete],
  ...[addPublish, addItems, addRetract],
  ...[addSubscribe, addUnsubscribe, addSubscriptionOptions, addSubscriptions, addAffiliations],
  ...[addPending, addApprove, addDeny],
  ...[addQueue, addDead],
]

/** `streamhost pubsub …`: what an account can do at a publish-subscribe service (XEP-0060). */
export function addPubsub(program: Command, start: Start): void {
  const pubsub = program.command('pubsub').description('use a publish-subscribe service, ours or any other')
  for (const add of commands) add(pubsub, start)
}
