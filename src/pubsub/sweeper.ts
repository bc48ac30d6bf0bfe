import type { Clock } from '../core/index.ts'
import type { Notice } from './notices.ts'
import type { Pubsub } from './pubsub.ts'

export interface SweeperComponents {
  readonly pubsub: Pubsub
  readonly clock: Clock
}

/**
 * Has what has expired swept, now and then, in steps that leave the event loop to others.
 *
 * @param tell is given what each step has to tell
 * @param failed is told what a step failed with; the next one is made all the same
 * @returns ends it
 */
export function startSweeping(
  { pubsub, clock }: SweeperComponents,
  tell: (notices: readonly Notice[]) => void,
  failed: (error: unknown) => void,
): () => void {
  let callOff: () => void
  const step = () => {
    let more = false
    try {
      const swept = pubsub.sweep()
      more = swept.more
      if (swept.notices.length > 0) tell(swept.notices)
    } catch (error) {
      failed(error)
    }
    callOff = clock.after(more ? 0 : pubsub.limits.sweepMs, step)
  }
  callOff = clock.after(0, step) // What is left over from the last time.
  return () => callOff()
}
