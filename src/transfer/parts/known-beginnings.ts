import type { FileHandle } from 'node:fs/promises'
import type { HasherState } from '../hashes.ts'

/** What is remembered of all files; beyond, the files that were hashed the longest ago are forgotten. */
const PLACES_MAX = 4_096
/** Steps of a file at which its hash so far is remembered, and the least octets of one. */
const STEPS = 32
const STEP_BYTES_MIN = 1024 * 1024
/** Milliseconds for which a file has to have stayed as it is: one that is written to twice in a moment may have the same date both times. */
const SETTLED_MS = 2_000

/** A file that is read. */
export interface ReadFile {
  readonly handle: FileHandle
  /** Whether nobody but this process changes its octets. */
  readonly isOurs: boolean
}

/** A file as it is at a moment: the stamp is another once it has changed. */
export interface Identity {
  readonly id: string
  readonly stamp: string
  readonly size: number
  /** Whether every change would change the stamp. */
  readonly isSettled: boolean
}

/** How far a file was hashed, and how to go on from there. */
interface Place {
  readonly end: number
  readonly state: HasherState
}

/** Of one file; by the names of the hashes, and by the step, of which 0 is the last place of all. */
interface Known {
  stamp: string
  readonly places: Map<string, Map<number, Place>>
}

const files = new Map<string, Known>()
let count = 0

/** @throws what the file system does */
export async function identify({ handle, isOurs }: ReadFile): Promise<Identity> {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await handle.stat({ bigint: true })
  // A part that is taken gets another name, and with it another ctime.
  const stamp = isOurs ? `${size} ${mtimeNs}` : `${size} ${mtimeNs} ${ctimeNs}`
  return { id: `${dev} ${ino}`, stamp, size: Number(size), isSettled: isOurs || Date.now() - Number(ctimeMs) > SETTLED_MS }
}

/** The furthest place that is known, up to an end; nothing of a file that has changed since. */
export function nearestPlace({ id, stamp }: Identity, algorithms: string, end: number): Place | undefined {
  const known = files.get(id)
  if (known?.stamp !== stamp) return undefined
  files.delete(id)
  files.set(id, known)
  let nearest: Place | undefined
  for (const place of known.places.get(algorithms)?.values() ?? []) if (place.end <= end && place.end > (nearest?.end ?? 0)) nearest = place
  return nearest
}

/** The step of a file an octet belongs to: a hash so far is worth remembering where it begins. */
export const stepOf = ({ size }: Identity, position: number): number =>
  Math.floor(position / Math.max(STEP_BYTES_MIN, Math.ceil(size / STEPS)))

/** @param step 0 where it is the last place */
export function rememberPlace({ id, stamp, isSettled }: Identity, algorithms: string, place: Place, step = 0): void {
  if (!isSettled || place.end === 0) return
  const same = files.get(id)
  const known: Known = same?.stamp === stamp ? same : { stamp, places: new Map() }
  forget(id)
  files.set(id, known)
  const places = known.places.get(algorithms) ?? new Map<number, Place>()
  known.places.set(algorithms, places.set(step, place))
  count += sizeOf(known)
  for (const oldest of files.keys()) {
    if (count <= PLACES_MAX) break
    forget(oldest)
  }
}

/** What was known of a file of ours holds for what it has become: octets were only added behind the places. */
export function carryOver(before: Identity, now: Identity): void {
  const known = files.get(before.id)
  if (known?.stamp === before.stamp && before.id === now.id) known.stamp = now.stamp
}

function forget(id: string): void {
  const known = files.get(id)
  if (known) count -= sizeOf(known)
  files.delete(id)
}

const sizeOf = ({ places }: Known) => [...places.values()].reduce((total, { size }) => total + size, 0)
