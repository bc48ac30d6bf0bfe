/**
 * Into how many parts the memory for the sockets of all bytestreams is divided for the first of them: each has four
 * buffers, two sockets in two directions, and 1 + 1/2 + … + 1/10,000 is less than ten.
 */
const PARTS = 4 * 10
/** So much for a buffer needs no limit: the kernel gives one no more than that by itself (tcp_rmem, tcp_wmem). */
const AUTOTUNED_BYTES = 6 * 1024 * 1024
/** A buffer with less would make a bytestream slow. */
const BUFFER_BYTES_MIN = 64 * 1024

/**
 * Memory of the kernel for each socket and direction of a bytestream, so that those of all bytestreams together stay below
 * `memoryBytesMax` if nobody reads: the n-th that is active gets an n-th part. Of those that are active, no more than n can
 * have been activated when there were no more than n (docs/adr/0013 has the proof).
 *
 * @param nth how many are active, with this one
 * @returns `undefined`: as the kernel sees fit
 */
export function bufferBytesOf(nth: number, memoryBytesMax: number): number | undefined {
  const bytes = Math.floor(memoryBytesMax / (PARTS * nth))
  return bytes >= AUTOTUNED_BYTES ? undefined : Math.max(bytes, BUFFER_BYTES_MIN)
}
