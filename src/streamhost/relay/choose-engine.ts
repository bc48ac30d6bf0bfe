import type { Clock, Logger } from '../../core/index.ts'
import { loadNativeRelay, type NativeRelaySettings } from '../../native/index.ts'
import type { RelayEngine } from './engine.ts'
import { SpliceEngine } from './splice-engine.ts'
import { StreamEngine } from './stream-engine.ts'

export interface ChosenEngine {
  readonly engine: RelayEngine
  /** Why it is not the native one, for an admin; `undefined` when it is. */
  readonly reason: string | undefined
}

/** The native engine where it can be had, else the one that needs nothing. */
export function chooseEngine(
  components: { readonly clock: Clock; readonly logger: Logger },
  settings: NativeRelaySettings,
  environment: NodeJS.ProcessEnv = process.env,
): ChosenEngine {
  const loaded = loadNativeRelay(environment)
  if ('reason' in loaded) return { engine: new StreamEngine(components), reason: loaded.reason }
  try {
    return { engine: new SpliceEngine({ ...components, native: loaded.start(settings), threads: settings.threads }), reason: undefined }
  } catch (error) {
    return { engine: new StreamEngine(components), reason: (error as Error).message }
  }
}
