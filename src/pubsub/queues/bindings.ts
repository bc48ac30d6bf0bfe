import { type AudienceWatch, type Core, settingOf } from '../core.ts'
import type { NodeRecord, SubscriptionRecord } from '../records.ts'
import { mayReceive } from '../rules/access.ts'
import { isOver } from '../rules/options.ts'
import { isKeyMeant } from '../rules/routing-keys.ts'

type BindingCore = Pick<Core, 'store' | 'limits' | 'defaults' | 'now'>

/** Patterns of one account at a node; `undefined` for all that is published. */
type Patterns = readonly string[] | undefined

interface OfNode {
  readonly accounts: Map<string, Patterns>
  /** Those that have patterns. */
  choosy: number
  /** The names of all, once they are asked for. */
  names: readonly string[] | undefined
  /** A lease ends. */
  readonly untilMs: number
}

/** Nodes that are remembered without anybody at them count as one account each. */
const NODE_WEIGHT = 1

/**
 * The accounts with a queue at each node, as they were read the last time: every publish asks for them, and most nodes have none. It
 * hears of every subscription that comes, goes or changes.
 */
export class Bindings implements Omit<AudienceWatch, 'keep'> {
  readonly #core: BindingCore
  /** The one that was used last is the last. */
  readonly #nodes = new Map<number, OfNode>()
  #count = 0

  constructor(core: BindingCore) {
    this.#core = core
  }

  added(subscription: SubscriptionRecord): void {
    const { nodeId, account, options, expiresMs } = subscription
    const known = this.#nodes.get(nodeId)
    if (!known || !options?.queue) return
    if (expiresMs !== undefined || !isBound(subscription, this.#core.now())) {
      this.forget(nodeId)
      return
    }
    known.accounts.set(account, options.keys)
    known.choosy += Number(options.keys !== undefined)
    known.names = undefined
    this.#count++
    this.#makeRoom(nodeId)
  }

  removed({ nodeId, account }: SubscriptionRecord): void {
    const known = this.#nodes.get(nodeId)
    if (!known?.accounts.has(account)) return
    known.choosy -= Number(known.accounts.get(account) !== undefined)
    known.accounts.delete(account)
    known.names = undefined
    this.#count--
  }

  forget(nodeId: number): void {
    const known = this.#nodes.get(nodeId)
    if (!known) return
    this.#nodes.delete(nodeId)
    this.#count -= known.accounts.size + NODE_WEIGHT
  }

  forgetAll(): void {
    this.#nodes.clear()
    this.#count = 0
  }

  /** How many accounts have a queue at a node. */
  countAt(node: NodeRecord): number {
    return this.#find(node).accounts.size
  }

  /** The accounts in whose queues an item of that routing key belongs. */
  accountsFor(node: NodeRecord, routingKey: string | undefined): readonly string[] {
    const known = this.#find(node)
    known.names ??= [...known.accounts.keys()]
    if (known.choosy === 0) return known.names
    // Many have the same patterns.
    const answers = new Map<string, boolean>()
    const isMeant = (pattern: string) => {
      const answer = answers.get(pattern) ?? isKeyMeant(pattern, routingKey)
      answers.set(pattern, answer)
      return answer
    }
    return known.names.filter((account) => known.accounts.get(account)?.some(isMeant) ?? true)
  }

  #find(node: NodeRecord): OfNode {
    const known = this.#nodes.get(node.id)
    if (known && this.#core.now() < known.untilMs) {
      this.#nodes.delete(node.id)
      this.#nodes.set(node.id, known)
      return known
    }
    this.forget(node.id)
    const read = this.#read(node)
    this.#nodes.set(node.id, read)
    this.#count += read.accounts.size + NODE_WEIGHT
    this.#makeRoom(node.id)
    return read
  }

  #read(node: NodeRecord): OfNode {
    const { store, limits, now } = this.#core
    const isForMembers = settingOf(this.#core, node, 'accessModel') === 'whitelist'
    const accounts = new Map<string, Patterns>()
    let untilMs = Number.POSITIVE_INFINITY
    const nowMs = now()
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: readonly SubscriptionRecord[] = store.queueSubscriptions(node.id, { after, limit: limits.pageMax })
      for (const each of page) {
        const { account, options, expiresMs } = each
        if (!isBound(each, nowMs)) continue
        if (isForMembers && !mayReceive(store.affiliation(node.id, account), 'whitelist')) continue
        untilMs = Math.min(untilMs, expiresMs ?? untilMs)
        accounts.set(account, accounts.has(account) ? together(accounts.get(account), options?.keys) : options?.keys)
      }
      after = page.length < limits.pageMax ? undefined : page.at(-1)?.id
    }
    const choosy = [...accounts.values()].filter((patterns) => patterns !== undefined).length
    return { accounts, choosy, names: undefined, untilMs }
  }

  /** All are needed while they are at work: the node in use stays, however many it has. */
  #makeRoom(used: number): void {
    for (const oldest of this.#nodes.keys()) {
      if (this.#count <= this.#core.limits.cachedRecipientsMax) break
      if (oldest !== used) this.forget(oldest)
    }
  }
}

/** Whether what is published waits for a subscription. */
export const isBound = (subscription: SubscriptionRecord, nowMs: number): boolean => {
  const { state, options } = subscription
  return state === 'subscribed' && options?.queue === true && options.deliver !== false && !isOver(subscription, nowMs)
}

const together = (some: Patterns, more: Patterns): Patterns => some && more && [...some, ...more]
