export { BytestreamProxy, type ProxyComponents, type ProxyEvents, type ProxyInit } from './bytestreams.ts'
export { presentComponent } from './component.ts'
export { logProxy } from './proxy-log.ts'
export { logPubsub } from './pubsub/pubsub-log.ts'
export {
  type AskedFor,
  type Notifier,
  PubsubService,
  type PubsubServiceComponents,
  type PubsubServiceEvents,
  type Rosters,
} from './pubsub/pubsub-service.ts'
