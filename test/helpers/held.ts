import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What keeps this process alive, by kind and sorted. */
export function heldResources(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((resource) => ['Timeout', 'TCPSocketWrap', 'TCPServerWrap', 'Immediate'].includes(resource))
    .sort()
}

/** Waits until no more is held than `before`; the timeout of the test bounds it. */
export async function untilHeld(before: readonly string[]): Promise<void> {
  // Sockets are gone from the list some turns after they were closed.
  while (heldResources().length > before.length) await new Promise(setImmediate)
}

/** Octets on the heap of this process that something still refers to. */
export function reachableBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
