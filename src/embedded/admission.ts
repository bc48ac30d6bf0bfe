import type { Clock } from '../core/index.ts'
import type { XmlStream } from '../session/index.ts'
import type { EmbeddedLimits } from './limits.ts'

/** The connections that have not logged in yet: few enough, and none for ever. */
export class Admission {
  readonly #clock: Clock
  readonly #limits: EmbeddedLimits
  /** By source address; in each the oldest first, with what takes it off the list. */
  readonly #waiting = new Map<string, Map<XmlStream, () => void>>()

  constructor(clock: Clock, limits: EmbeddedLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Takes in a connection, closing an older one where there are too many: refusing the new one would let whoever
   * holds connections open keep everybody else out.
   *
   * @returns to be called once the other side has logged in
   */
  admit(stream: XmlStream): () => void {
    const address = stream.remoteAddress ?? ''
    const { unauthenticatedMax, unauthenticatedPerAddressMax, loginMsMax } = this.#limits
    const [busiest = ['', undefined]] = [...this.#waiting].sort(([, one], [, other]) => other.size - one.size)
    const count = [...this.#waiting.values()].reduce((sum, { size }) => sum + size, 0)
    if ((this.#waiting.get(address)?.size ?? 0) >= unauthenticatedPerAddressMax) this.#closeOldest(address)
    else if (count >= unauthenticatedMax) this.#closeOldest(busiest[0])

    const peers = this.#waiting.get(address) ?? new Map<XmlStream, () => void>()
    this.#waiting.set(address, peers)
    const cancel = this.#clock.after(loginMsMax, () => {
      stream.fail({ condition: 'connection-timeout', text: `no login within ${loginMsMax} ms` })
    })
    const release = () => {
      cancel()
      peers.delete(stream)
      if (peers.size === 0 && this.#waiting.get(address) === peers) this.#waiting.delete(address)
    }
    peers.set(stream, release)
    stream.once('closed', release)
    return release
  }

  /** At once: a stream that only ended would hold its socket until the other side lets go. */
  #closeOldest(address: string): void {
    const [[stream, release] = []] = this.#waiting.get(address) ?? []
    release?.()
    stream?.fail({ condition: 'resource-constraint', text: 'too many connections that have not logged in' })
    stream?.destroy()
  }
}
