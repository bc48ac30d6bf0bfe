import { formatBytes } from '../core/index.ts'
import { keptBytesMax, pubsubLimits } from '../pubsub/index.ts'
import type { Options } from './load.ts'
import { time } from './times.ts'
import * as value from './values.ts'

const amount = (name: 'nodesPerAccountMax' | 'subscriptionsPerNodeMax' | 'itemsPerNodeMax', what: string) => ({
  type: value.count.default(pubsubLimits[name]),
  placeholder: 'N',
  description: `${what} (default ${pubsubLimits[name]})`,
})

const sizeOf = (bytes: number) => formatBytes(bytes).replace(' ', '')

/** What `streamhost serve` can be told of publish-subscribe. */
export const pubsubOptions = {
  data: {
    type: value.text.optional(),
    placeholder: 'DIR',
    description: 'serve publish-subscribe too, and keep its nodes, subscriptions and items there; made if it is not there',
  },
  'data-max': {
    type: value.bytes.optional(),
    placeholder: 'SIZE',
    description: `octets of what publish-subscribe keeps (default ${sizeOf(keptBytesMax.onDisk)}, without --data ${sizeOf(keptBytesMax.inMemory)})`,
  },
  pubsub: {
    type: value.flag.default(false),
    description: 'serve publish-subscribe without --data: all of it is gone when serve ends',
  },
  'pubsub-only': {
    type: value.flag.default(false),
    description: 'serve publish-subscribe alone: no bytestreams are relayed, and no SOCKS5 port is opened',
  },
  'feeds-domain': {
    type: value.domain.optional(),
    placeholder: 'JID',
    description: 'another address for publish-subscribe and its feeds, by a connection of its own (default: --domain)',
  },
  'feeds-secret-file': {
    type: value.text.optional(),
    placeholder: 'FILE',
    description: 'file with the secret of --feeds-domain, or set STREAMHOST_FEEDS_SECRET (default: that of --domain)',
  },
  'pubsub-create': {
    type: value.list(value.text).optional(),
    placeholder: 'JID|DOMAIN|*',
    isList: true,
    description: 'who may create nodes; repeatable (default: who may use the proxy)',
  },
  'pubsub-rosters-of': {
    type: value.list(value.domain).optional(),
    placeholder: 'DOMAIN',
    isList: true,
    description:
      "domains whose accounts' rosters are read, where their server grants it (XEP-0356); repeatable (default: --domain without its first label)",
  },
  'pubsub-nodes-per-account-max': amount('nodesPerAccountMax', 'nodes of one account'),
  'pubsub-subscriptions-per-node-max': amount('subscriptionsPerNodeMax', 'subscriptions of one node'),
  'pubsub-items-per-node-max': amount('itemsPerNodeMax', 'items one node keeps, whatever its owner sets'),
  'pubsub-payload-max': {
    type: value.payload.default(pubsubLimits.payloadBytesMax),
    placeholder: 'SIZE',
    description: `octets of a payload (default ${sizeOf(pubsubLimits.payloadBytesMax)})`,
  },
  'pubsub-bounce-time-max': time(
    pubsubLimits.bounceMsMax,
    'how long everything sent to a subscriber may come back before its subscriptions to the node end',
  ),
} as const satisfies Options

/** What `streamhost backup` can be told. */
export const backupOptions = {
  data: { type: value.text, placeholder: 'DIR', description: 'the directory of "serve --data"; that may run meanwhile' },
} as const satisfies Options
