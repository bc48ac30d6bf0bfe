import { loadNativeRelay } from '../../src/native/index.ts'
import { type RelayEngine, SpliceEngine, StreamEngine } from '../../src/streamhost/index.ts'
import { nativeSuite } from './native.ts'

/** An engine that runs on this machine: one of its own for a test, and the environment in which a process has it. */
export interface EngineUnderTest {
  readonly name: string
  makeEngine(): RelayEngine
  readonly environment: Readonly<Record<string, string>>
}

const native = loadNativeRelay()

const stream: EngineUnderTest = {
  name: 'stream',
  makeEngine: () => new StreamEngine(),
  environment: { STREAMHOST_NO_NATIVE: '1' },
}

// Where it is missing, whoever wants to test all engines is told.
nativeSuite('the splice engine')

export const relayEngines: readonly EngineUnderTest[] =
  'reason' in native
    ? [stream]
    : [
        { name: 'splice', makeEngine: () => new SpliceEngine({ native: native.start({ threads: 1, pipesMax: 64 }) }), environment: {} },
        stream,
      ]
