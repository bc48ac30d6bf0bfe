import type { Socket } from 'node:net'

/** What becomes of a socket while it waits. Each is told at most once. */
export interface WaitingEvents {
  /** Octets came ahead of activation; Node reads no more than those. */
  octets(bytes: number): void
  /** The side has left: an end without an octet before it, or a reset. */
  left(): void
}

/**
 * Watches a paused socket without taking its octets: they and a FIN behind them stay for the relay.
 *
 * COMPAT(libpurple): its sender writes as soon as it has asked for the activation, without waiting for the answer.
 *
 * @returns stops watching
 */
export function watchWaiting(socket: Socket, { octets, left }: WaitingEvents): () => void {
  let counted = false
  const onReadable = () => {
    if (socket.readableLength === 0) {
      // The end of the stream is only told to whoever reads.
      socket.read()
    } else if (!counted) {
      counted = true
      octets(socket.readableLength)
    }
  }
  const onLeft = () => {
    stop()
    left()
  }
  const stop = () => {
    socket.off('readable', onReadable)
    socket.off('end', onLeft)
    socket.off('close', onLeft)
  }
  socket.on('end', onLeft)
  socket.on('close', onLeft)
  socket.on('readable', onReadable)
  return stop
}
