import type { PubsubLimits } from '../pubsub/index.ts'
import type { BoundAddress, Rates, StreamhostLimits } from '../streamhost/index.ts'
import type { StreamhostAddress } from '../xep/index.ts'
import type { Settings } from './load.ts'
import type { serveOptions } from './options.ts'

/** The settings of `streamhost serve`, once they are understood. */
export type ServiceSettings = Settings<typeof serveOptions>

/** What publish-subscribe is bounded by. */
export function pubsubLimitsOf(settings: ServiceSettings): Partial<PubsubLimits> {
  return {
    nodesPerAccountMax: settings['pubsub-nodes-per-account-max'],
    subscriptionsPerNodeMax: settings['pubsub-subscriptions-per-node-max'],
    itemsPerNodeMax: settings['pubsub-items-per-node-max'],
    payloadBytesMax: settings['pubsub-payload-max'],
    bounceMsMax: settings['pubsub-bounce-time-max'],
  }
}

/** What bytestreams share. */
export function ratesOf({
  'rate-max': totalBytes,
  'bytestream-rate-max': bytestreamBytes,
}: Pick<ServiceSettings, 'rate-max' | 'bytestream-rate-max'>): Rates {
  return { totalBytes, bytestreamBytes }
}

/** What the streamhost is bounded by. */
export function limitsOf(settings: ServiceSettings): Partial<StreamhostLimits> {
  return {
    openSocketsMax: settings['open-sockets-max'],
    halfOpenMax: settings['half-open-max'],
    waitingMax: settings['waiting-max'],
    openPerSourceMax: settings['open-per-source-max'],
    halfOpenPerSourceMax: settings['half-open-per-source-max'],
    readAheadBytesMax: settings['read-ahead-max'],
    relayMemoryBytesMax: settings['relay-memory-max'],
    handshakeMsMax: settings['handshake-time-max'],
    waitingMsMax: settings['waiting-time-max'],
    idleMsMax: settings['idle-time-max'],
  }
}

/**
 * What clients are told: what the settings say; else each address listened on. A wildcard has none of its own: for
 * clients of this machine's embedded server it is the address they reach that at, for others the domain.
 */
export function advertise(settings: ServiceSettings, bound: readonly BoundAddress[]): StreamhostAddress[] {
  const { advertise: given, domain: jid, listen, embedded } = settings
  const server = settings['embedded-listen'].host
  const port = bound[0]?.port ?? 0
  if (given.length > 0) return given.map((address) => ({ jid, host: address.host, port: address.port || port }))
  if (!listen.some(({ host }) => isWildcard(host))) return bound.map((address) => ({ jid, ...address }))
  return [{ jid, host: embedded && !isWildcard(server) ? server : jid, port }]
}

const isWildcard = (host: string) => host === '*' || host === '0.0.0.0' || host === '::'
