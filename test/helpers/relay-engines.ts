import { type RelayEngine, StreamEngine } from '../../src/streamhost/index.ts'

/** Those that run on this machine. */
export const relayEngines: readonly { readonly name: string; makeEngine(): RelayEngine }[] = [
  { name: 'stream', makeEngine: () => new StreamEngine() },
]
