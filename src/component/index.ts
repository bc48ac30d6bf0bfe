export { BytestreamProxy, type ProxyComponents, type ProxyEvents, type ProxyInit } from './bytestreams.ts'
export { presentComponent } from './component.ts'
export { logProxy } from './proxy-log.ts'
export { PublishSubscribe, type PublishSubscribeComponents, type PublishSubscribeInit } from './pubsub/publish-subscribe.ts'
export {
  type AskedFor,
  PubsubService,
  type PubsubServiceComponents,
  type PubsubServiceEvents,
  type Rosters,
} from './pubsub/pubsub-service.ts'
