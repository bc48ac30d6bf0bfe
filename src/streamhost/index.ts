export type { BoundAddress, ListenAddress } from './addresses.ts'
export type { StreamhostCounters, StreamhostGauges } from './counters.ts'
export { defaultLimits, descriptorLimit, type StreamhostLimits } from './limits.ts'
export {
  type Admitted,
  HandshakeListener,
  type ListenerComponents,
  type ListenerEvents,
  type ListenerInit,
  type ListenerLimits,
  type SocksRequest,
} from './listener.ts'
export type { RateBucket, Relay, RelayCounters, RelayEnd, RelayEngine, RelayOptions, RelayTotals } from './relay/engine.ts'
export { takeEarly, takeSocket, written } from './relay/handle.ts'
export type { Rates } from './relay/rates.ts'
export { SpliceEngine, type SpliceEngineComponents } from './relay/splice-engine.ts'
export { StreamEngine } from './relay/stream-engine.ts'
export { Streamhost, type StreamhostComponents, type StreamhostEvents, type StreamhostInit } from './streamhost.ts'
