import type { FeedAddress } from './feed-address.ts'

/** The watches of one client that follow one feed. */
interface Following {
  /** The patterns of routing keys each of them wants; none for all. */
  readonly keys: Set<readonly string[]>
  /** What is asked of the service for them, one after the other. */
  last: Promise<unknown>
}

/** One that follows a feed, beside others of the same client: they have one subscription together. */
export interface Follower {
  /** What all of them want, once it is their turn to say so: patterns of routing keys, none for all. */
  readonly keys: readonly string[]
  /** Has the service asked for something, behind what others ask. */
  inTurn<T>(ask: () => Promise<T>): Promise<T>
  /** Follows no more. @param ask called in its turn if nobody else follows */
  leave(ask: () => Promise<unknown>): Promise<void>
}

/** Who follows which feed. */
export class Followers {
  readonly #followings = new Map<string, Following>()

  /** @param keys patterns; none for all */
  join({ service, node }: FeedAddress, keys: readonly string[]): Follower {
    const name = JSON.stringify([service, node])
    const following = this.#followings.get(name) ?? { keys: new Set(), last: Promise.resolve() }
    this.#followings.set(name, following)
    const own = [...keys]
    following.keys.add(own)
    const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
      const asked = following.last.then(ask)
      following.last = asked.catch(() => {})
      return asked
    }
    return {
      get keys() {
        const all = [...following.keys]
        return all.some((each) => each.length === 0) ? [] : [...new Set(all.flat())]
      },
      inTurn,
      leave: async (ask) => {
        following.keys.delete(own)
        await inTurn(async () => {
          if (following.keys.size === 0) await ask()
        })
        if (following.keys.size === 0) this.#followings.delete(name)
      },
    }
  }
}
