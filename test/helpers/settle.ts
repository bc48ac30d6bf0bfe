import { setImmediate } from 'node:timers/promises'

/** Lets every promise that can settle do so. Not for what waits for a socket or a file. */
export async function settle(): Promise<void> {
  await setImmediate()
}
