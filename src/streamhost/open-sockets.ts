import type { Socket } from 'node:net'

/** The sockets that are open, by source. */
export class OpenSockets {
  readonly #sources = new Map<Socket, string>()
  readonly #counts = new Map<string, number>()

  get size(): number {
    return this.#sources.size
  }

  countOf(source: string): number {
    return this.#counts.get(source) ?? 0
  }

  /** Counts a socket until it is closed, or {@link delete}d. */
  add(source: string, socket: Socket): void {
    this.#sources.set(socket, source)
    this.#counts.set(source, this.countOf(source) + 1)
    socket.once('close', () => this.delete(socket))
  }

  /** For a socket about to be destroyed: it gives its descriptor back then, before it tells of its close. */
  delete(socket: Socket): void {
    const source = this.#sources.get(socket)
    if (source === undefined) return
    this.#sources.delete(socket)
    const left = this.countOf(source) - 1
    if (left === 0) this.#counts.delete(source)
    else this.#counts.set(source, left)
  }
}
