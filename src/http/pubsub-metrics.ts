import type { AskedFor, PublishSubscribe } from '../component/index.ts'
import type { ErrorCode } from '../core/index.ts'
import { type Instruments, metric } from './instruments.ts'

const OK = 'ok'
/** What is told from the start; the others when they come about. */
const actions: readonly AskedFor[] = ['create', 'delete', 'publish', 'retract', 'subscribe', 'unsubscribe', 'get-items']
const errors: readonly ErrorCode[] = [
  ...(['ERR_FORBIDDEN', 'ERR_ITEM_NOT_FOUND', 'ERR_BAD_REQUEST', 'ERR_NOT_ACCEPTABLE', 'ERR_PUBSUB_LIMIT'] as const),
  ...([
    'ERR_PUBSUB_PAYLOAD_TOO_BIG',
    'ERR_PUBSUB_TOO_MANY_NODES',
    'ERR_PUBSUB_TOO_MANY_SUBSCRIPTIONS',
    'ERR_STORAGE',
    'ERR_STORAGE_FULL',
  ] as const),
]

/** What publish-subscribe has, what it is asked, and how telling goes. */
export function tellPubsub(use: Instruments, { pubsub, service, notifications, feeds }: PublishSubscribe): void {
  use.gauge(metric('pubsub_nodes', 'Nodes there are'), () => pubsub.totals.nodes)
  use.gauge(metric('pubsub_subscriptions', 'Subscriptions there are'), () => pubsub.totals.subscriptions)
  use.gauge(metric('pubsub_items', 'Items that are kept'), () => pubsub.totals.items)
  use.gauge(metric('pubsub_kept_bytes', 'Octets of what is kept, for which --data-max is the bound'), () => pubsub.totals.bytes)

  const answered = use.eventsBy({
    ...metric('pubsub_requests_total', 'Requests of publish-subscribe (XEP-0060), by result'),
    ...{ label: 'result', known: [OK, ...errors] },
  })
  const granted = use.eventsBy({
    ...metric('pubsub_actions_total', 'Requests of publish-subscribe that were granted, by what was asked for'),
    ...{ label: 'action', known: actions },
  })
  service?.on('asked', ({ action, code }) => {
    answered(code ?? OK)
    if (code === undefined) granted(action)
  })
  const counts = () => notifications?.counts ?? { sent: 0, dropped: 0, ended: 0, waiting: 0, waitingBytes: 0 }
  use.counter(metric('pubsub_notifications_total', 'Notifications that were sent'), () => counts().sent)
  use.counter(metric('pubsub_dropped_total', 'Facts subscribers were not told, as too much waited'), () => counts().dropped)
  use.counter(metric('pubsub_bounced_total', 'Subscriptions that ended as their notifications came back'), () => counts().ended)
  use.gauge(metric('pubsub_waiting', 'Facts that not all subscribers have been told yet'), () => counts().waiting)
  use.gauge(metric('pubsub_waiting_bytes', 'Octets of their texts'), () => counts().waitingBytes)
  use.gauge(
    metric('pubsub_suspended', 'Subscribers of a node that are left alone, or tried again, as their notifications came back'),
    () => pubsub.bounces.suspended,
  )
  use.gauge(metric('pubsub_bouncing', 'Addresses that sent notifications back'), () => pubsub.bounces.size)
  tellQueues(use, { pubsub, feeds })
}

/** What waits for subscribers, and how delivering it goes. */
function tellQueues(use: Instruments, { pubsub, feeds }: Pick<PublishSubscribe, 'pubsub' | 'feeds'>): void {
  const { queues } = pubsub
  use.gauge(metric('feeds_queued', 'Messages in queues, each for every subscriber it waits for'), () => queues.counts.entries)
  use.gauge(metric('feeds_dead_letters', 'Messages that were given up, and that owners see'), () => queues.counts.letters)
  use.gauge(metric('feeds_contacts', 'Accounts that have a feed in their roster, each for every feed'), () => pubsub.contacts.count)
  use.gauge(metric('feeds_devices', 'Devices of subscribers that are there'), () => feeds?.availability.size ?? 0)
  const counts = () => feeds?.deliveries.counts ?? { handed: 0, acknowledged: 0, returned: 0, dead: 0 }
  use.counter(metric('feeds_handed_total', 'Messages that were handed to devices, again ones included'), () => counts().handed)
  use.counter(metric('feeds_acknowledged_total', 'Messages that were acknowledged'), () => counts().acknowledged)
  use.counter(metric('feeds_returned_total', 'Messages that came back'), () => counts().returned)
  use.counter(metric('feeds_dead_total', 'Messages that were given up'), () => counts().dead)
}
