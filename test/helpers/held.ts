import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What keeps this process alive, by kind and sorted. */
export function heldResources(): readonly string[] {
  return process
    .getActiveResourcesInfo()
    .filter((resource) => ['Timeout', 'TCPSocketWrap', 'TCPServerWrap', 'Immediate'].includes(resource))
    .sort()
}

/** What is held beyond `before`. What was about to go then, such as an immediate, may have gone. */
export function heldBeyond(before: readonly string[]): readonly string[] {
  const rest = [...before]
  return heldResources().filter((resource) => {
    const at = rest.indexOf(resource)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

/** For the system to tell of sockets that are gone, also where it is busy, and for this process to hear of it. */
const GOING_MS_MAX = 10_000
const GOING_TURNS = 1_000

/** Waits until nothing is held beyond `before`. @throws Error what still is, after a while */
export async function untilHeld(before: readonly string[]): Promise<void> {
  // Sockets are gone from the list some turns after they were closed.
  const endMs = performance.now() + GOING_MS_MAX
  for (let [turns, held] = [0, heldBeyond(before)]; held.length > 0; turns += 1, held = heldBeyond(before)) {
    if (turns > GOING_TURNS && performance.now() > endMs) throw new Error(`still held: ${held.join(', ')}`)
    await new Promise(setImmediate)
  }
}

/** Octets on the heap of this process that something still refers to. */
export function reachableBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
