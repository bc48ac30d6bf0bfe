export { loadNativeRelay, type NativeRelayResult } from './loader.ts'
export type { NativeBucket, NativeEnding, NativeFlow, NativeFlowOptions, NativeRelay, NativeRelaySettings } from './relay.ts'
