import type { Clock } from '../../core/index.ts'
import type { FileContent } from './file-content.ts'

/** Milliseconds between the end of a bytestream and what the other side says about it, as they go different ways. */
const REASON_MS_MAX = 1_000

/**
 * What the other side says about a bytestream that has ended too early, which says more than how it has ended.
 *
 * @returns `thrown` when it says nothing
 */
export async function whatWasSaid(clock: Clock, file: FileContent, thrown: unknown): Promise<unknown> {
  let cancel = () => {}
  const late = new Promise<void>((resolve) => {
    cancel = clock.after(REASON_MS_MAX, resolve)
  })
  await Promise.race([file.over(), late])
  cancel()
  return file.end?.error ?? thrown
}
