export {
  EmbeddedServer,
  type EmbeddedServerComponents,
  type EmbeddedServerEvents,
  type EmbeddedServerInit,
  type ListenAddress,
} from './embedded-server.ts'
export { type EmbeddedLimits, embeddedLimits } from './limits.ts'
