// A publish-subscribe service as slow and obvious as can be: lists, and the clauses of XEP-0060 one after the other.
import type { AccessModel, Affiliation, NodeConfig, PublishModel } from '../../src/pubsub/index.ts'

interface Config {
  readonly accessModel: AccessModel
  readonly publishModel: PublishModel
  readonly maxItems: number
  readonly whenFull: NodeConfig['whenFull']
}

/** One step of a sequence; `who` is the full JID that asks. */
export type Step =
  | { readonly op: 'create' | 'delete' | 'purge' | 'items'; readonly who: string; readonly node: string }
  | { readonly op: 'configure'; readonly who: string; readonly node: string; readonly config: Partial<Config> }
  | { readonly op: 'affiliate'; readonly who: string; readonly node: string; readonly account: string; readonly affiliation: Affiliation }
  | { readonly op: 'subscribe'; readonly who: string; readonly node: string; readonly jid: string; readonly leaseMs: number | undefined }
  | { readonly op: 'unsubscribe'; readonly who: string; readonly node: string; readonly jid: string; readonly subid: string | undefined }
  | { readonly op: 'decide'; readonly who: string; readonly node: string; readonly jid: string; readonly isAllowed: boolean }
  | { readonly op: 'set'; readonly who: string; readonly node: string; readonly jid: string; readonly state: 'subscribed' | 'none' }
  | { readonly op: 'publish' | 'retract'; readonly who: string; readonly node: string; readonly ids: readonly string[] }
  | { readonly op: 'pass'; readonly ms: number }

interface Subscription {
  readonly id: number
  readonly jid: string
  state: 'pending' | 'subscribed'
  readonly untilMs: number
}

interface Item {
  readonly id: string
  readonly by: string
}

interface Node {
  readonly name: string
  config: Config
  readonly affiliations: Map<string, Affiliation>
  subscriptions: Subscription[]
  items: Item[]
}

const accountOf = (jid: string) => jid.split('/')[0] as string
const refuse = (code: string): never => {
  throw new Error(code)
}

export class NaivePubsub {
  #nodes: Node[] = []
  #subscriptions = 0
  #nowMs = 0

  /** What is answered, and who is told: a code alone, where it is refused. */
  take(step: Step): string {
    try {
      return this.#take(step)
    } catch (error) {
      return (error as Error).message
    }
  }

  #take(step: Step): string {
    switch (step.op) {
      case 'create':
        return this.#create(step.who, step.node)
      case 'delete': {
        const node = this.#own(step.who, step.node)
        this.#nodes = this.#nodes.filter((each) => each !== node)
        return `ok; deleted > ${jidsOf(node.subscriptions)}`
      }
      case 'purge': {
        const node = this.#own(step.who, step.node)
        node.items = []
        return `ok; purged > ${jidsOf(this.#meant(node))}`
      }
      case 'items':
        return this.#items(step.who, step.node)
      case 'configure': {
        const node = this.#own(step.who, step.node)
        node.config = { ...node.config, ...step.config }
        node.items = node.items.slice(-node.config.maxItems)
        return 'ok'
      }
      case 'affiliate':
        return this.#affiliate(step.who, step.node, step.account, step.affiliation)
      case 'subscribe':
        return this.#subscribe(step.who, step.node, step.jid, step.leaseMs)
      case 'unsubscribe':
        return this.#unsubscribe(step.who, step.node, step.jid, step.subid)
      case 'decide':
        return this.#decide(step.who, step.node, step.jid, step.isAllowed)
      case 'set':
        return this.#set(step.who, step.node, step.jid, step.state)
      case 'publish':
        return this.#publish(step.who, step.node, step.ids)
      case 'retract':
        return this.#retract(step.who, step.node, step.ids)
      case 'pass':
        return this.#pass(step.ms)
    }
  }

  #create(who: string, name: string): string {
    if (this.#nodes.some((each) => each.name === name)) refuse('ERR_PUBSUB_NODE_EXISTS')
    const config = { accessModel: 'open', publishModel: 'publishers', maxItems: 3, whenFull: 'retract-oldest' } as const
    this.#nodes.push({ name, config, affiliations: new Map([[accountOf(who), 'owner']]), subscriptions: [], items: [] })
    return 'ok'
  }

  #find(name: string): Node {
    return this.#nodes.find((each) => each.name === name) ?? refuse('ERR_ITEM_NOT_FOUND')
  }

  #own(who: string, name: string): Node {
    const node = this.#find(name)
    return affiliationOf(node, accountOf(who)) === 'owner' ? node : refuse('ERR_FORBIDDEN')
  }

  #affiliate(who: string, name: string, account: string, affiliation: Affiliation): string {
    const node = this.#own(who, name)
    const before = affiliationOf(node, account)
    if (before === affiliation) return 'ok'
    const owners = [...node.affiliations.values()].filter((each) => each === 'owner').length
    const isLastOwner = before === 'owner' && owners === 1
    const isOutOfChart = (before === 'owner' && affiliation !== 'none') || (before.startsWith('publish') && affiliation === 'member')
    if (isLastOwner || isOutOfChart) return `refused: ${before}`
    node.affiliations.set(account, affiliation)
    const own = node.subscriptions.filter(({ jid }) => accountOf(jid) === account)
    let told = `ok; affiliation > ${account}`
    if (
      affiliation === 'outcast' ||
      affiliation === 'publish-only' ||
      (affiliation === 'none' && node.config.accessModel === 'whitelist')
    ) {
      node.subscriptions = node.subscriptions.filter((each) => !own.includes(each))
      for (const { jid } of own) told += `; subscription none > ${jid}`
    } else if (affiliation === 'owner' || affiliation === 'publisher') {
      for (const each of own.filter(({ state }) => state === 'pending')) {
        each.state = 'subscribed'
        told += `; subscription subscribed > ${each.jid}`
      }
    }
    return told
  }

  #subscribe(who: string, name: string, jid: string, leaseMs: number | undefined): string {
    if (accountOf(jid) !== accountOf(who)) refuse('ERR_PUBSUB_INVALID_JID')
    const node = this.#find(name)
    const affiliation = affiliationOf(node, accountOf(jid))
    const isKnown = ['owner', 'publisher', 'member'].includes(affiliation)
    if (affiliation === 'outcast' || affiliation === 'publish-only') refuse('ERR_FORBIDDEN')
    if (!isKnown && node.config.accessModel === 'whitelist') refuse('ERR_PUBSUB_CLOSED_NODE')
    const own = node.subscriptions.filter((each) => each.jid === jid)
    const pending = own.find((each) => each.state === 'pending')
    if (pending) {
      if (!isKnown && node.config.accessModel === 'authorize') refuse('ERR_PUBSUB_PENDING')
      pending.state = 'subscribed'
      return `subscribed ${pending.id.toString(36)}; subscription subscribed > ${jid}`
    }
    const untilMs = leaseMs === undefined ? Number.POSITIVE_INFINITY : this.#nowMs + leaseMs
    const same = leaseMs === undefined ? own[0] : own.find((each) => each.untilMs === untilMs)
    if (same) return `${same.state} ${same.id.toString(36)}`
    const state = isKnown || node.config.accessModel === 'open' ? 'subscribed' : 'pending'
    const added = { id: ++this.#subscriptions, jid, state, untilMs } as const
    node.subscriptions.push({ ...added })
    const answer = `${state} ${added.id.toString(36)}`
    return state === 'subscribed' ? answer : `${answer}; approval > ${ownersOf(node)}`
  }

  #unsubscribe(who: string, name: string, jid: string, subid: string | undefined): string {
    if (accountOf(jid) !== accountOf(who)) refuse('ERR_FORBIDDEN')
    const node = this.#find(name)
    const own = node.subscriptions.filter((each) => each.jid === jid)
    if (own.length === 0) refuse('ERR_PUBSUB_NOT_SUBSCRIBED')
    if (subid === undefined && own.length > 1) refuse('ERR_PUBSUB_SUBID_REQUIRED')
    const meant = subid === undefined ? own[0] : own.find(({ id }) => id.toString(36) === subid)
    if (!meant) refuse('ERR_PUBSUB_INVALID_SUBID')
    node.subscriptions = node.subscriptions.filter((each) => each !== meant)
    return `none ${meant?.id.toString(36)}`
  }

  #decide(who: string, name: string, jid: string, isAllowed: boolean): string {
    const node = this.#own(who, name)
    const pending = node.subscriptions.find((each) => each.jid === jid && each.state === 'pending')
    if (!pending) return refuse('ERR_PUBSUB_NOT_SUBSCRIBED')
    if (isAllowed) pending.state = 'subscribed'
    else node.subscriptions = node.subscriptions.filter((each) => each !== pending)
    return `ok; subscription ${isAllowed ? 'subscribed' : 'none'} > ${jid}`
  }

  #set(who: string, name: string, jid: string, state: 'subscribed' | 'none'): string {
    const node = this.#own(who, name)
    const own = node.subscriptions.filter((each) => each.jid === jid)
    if (state === 'none') {
      node.subscriptions = node.subscriptions.filter((each) => each.jid !== jid)
      return ['ok', ...own.map(() => `subscription none > ${jid}`)].join('; ')
    }
    if (own.length > 0) {
      const pending = own.filter((each) => each.state === 'pending')
      for (const each of pending) each.state = 'subscribed'
      return ['ok', ...pending.map(() => `subscription subscribed > ${jid}`)].join('; ')
    }
    const affiliation = affiliationOf(node, accountOf(jid))
    const isKnown = ['owner', 'publisher', 'member'].includes(affiliation)
    if (!isKnown && (affiliation !== 'none' || node.config.accessModel === 'whitelist')) return 'refused: none'
    node.subscriptions.push({ id: ++this.#subscriptions, jid, state: 'subscribed', untilMs: Number.POSITIVE_INFINITY })
    return `ok; subscription subscribed > ${jid}`
  }

  #mayPublish(node: Node, account: string): boolean {
    const affiliation = affiliationOf(node, account)
    if (['owner', 'publisher', 'publish-only'].includes(affiliation)) return true
    if (affiliation === 'outcast') return false
    const isSubscribed = node.subscriptions.some(({ jid, state }) => accountOf(jid) === account && state === 'subscribed')
    return node.config.publishModel === 'open' || (node.config.publishModel === 'subscribers' && isSubscribed)
  }

  #publish(who: string, name: string, ids: readonly string[]): string {
    const node = this.#find(name)
    if (!this.#mayPublish(node, accountOf(who))) refuse('ERR_FORBIDDEN')
    if (ids.length === 0) refuse('ERR_PUBSUB_ITEM_REQUIRED')
    if (ids.length > node.config.maxItems) refuse('ERR_PUBSUB_MAX_ITEMS')
    const kept = node.items.filter(({ id }) => !ids.includes(id))
    const room = node.config.maxItems - new Set(ids).size
    if (kept.length > room && node.config.whenFull === 'reject') refuse('ERR_PUBSUB_NODE_FULL')
    const left = room === 0 ? [] : kept.slice(-room)
    node.items = left
    for (const id of ids) node.items = [...node.items.filter((each) => each.id !== id), { id, by: accountOf(who) }]
    return `ok ${ids.join()}; published > ${this.#audience(node)}`
  }

  #retract(who: string, name: string, ids: readonly string[]): string {
    const node = this.#find(name)
    const isOwner = affiliationOf(node, accountOf(who)) === 'owner'
    if (!this.#mayPublish(node, accountOf(who))) refuse('ERR_FORBIDDEN')
    if (ids.length === 0) refuse('ERR_PUBSUB_ITEM_REQUIRED')
    for (const id of ids) {
      const item = node.items.find((each) => each.id === id)
      if (!item) refuse('ERR_ITEM_NOT_FOUND')
      if (!isOwner && item?.by !== accountOf(who)) refuse('ERR_FORBIDDEN')
    }
    node.items = node.items.filter(({ id }) => !ids.includes(id))
    return `ok; retracted > ${this.#audience(node)}`
  }

  #items(who: string, name: string): string {
    const node = this.#find(name)
    const account = accountOf(who)
    const affiliation = affiliationOf(node, account)
    const own = node.subscriptions.filter(({ jid }) => accountOf(jid) === account)
    if (affiliation === 'outcast' || affiliation === 'publish-only') refuse('ERR_FORBIDDEN')
    if (affiliation === 'none' && node.config.accessModel === 'whitelist') refuse('ERR_PUBSUB_CLOSED_NODE')
    const isSubscribed = own.some(({ state }) => state === 'subscribed')
    if (affiliation === 'none' && node.config.accessModel === 'authorize' && !isSubscribed) refuse('ERR_PUBSUB_SUBSCRIBERS_ONLY')
    const exact = own.filter(({ jid }) => jid === who)
    const meant = exact.length > 0 ? exact : own.filter(({ jid }) => jid === account)
    if (meant.length > 1) refuse('ERR_PUBSUB_SUBID_REQUIRED')
    return `items ${node.items.map(({ id }) => id).join()}`
  }

  #pass(ms: number): string {
    this.#nowMs += ms
    const over = this.#nodes.flatMap((node) => node.subscriptions.filter(({ untilMs }) => untilMs <= this.#nowMs))
    for (const node of this.#nodes) node.subscriptions = node.subscriptions.filter((each) => !over.includes(each))
    return ['ok', ...over.map(({ jid }) => `subscription none > ${jid}`).sort()].join('; ')
  }

  /** Those who are told of what happens to the node: XEP-0060 §12.16, of all but items without the ids of subscriptions. */
  #meant(node: Node): readonly Subscription[] {
    return node.subscriptions.filter(({ jid, state }) => {
      const affiliation = affiliationOf(node, accountOf(jid))
      return state === 'subscribed' && (node.config.accessModel !== 'whitelist' || affiliation !== 'none')
    })
  }

  /** Each JID once, with the ids of its subscriptions where it has several. */
  #audience(node: Node): string {
    const meant = this.#meant(node)
    const jids = [...new Set(meant.map(({ jid }) => jid))]
    const noted = jids.map((jid) => {
      const own = meant.filter((each) => each.jid === jid)
      return own.length === 1 ? jid : [jid, ...own.map(({ id }) => `#${id.toString(36)}`)].join(' ')
    })
    return noted.join()
  }
}

const affiliationOf = (node: Node, account: string): Affiliation => node.affiliations.get(account) ?? 'none'
const jidsOf = (subscriptions: readonly Subscription[]) => [...new Set(subscriptions.map(({ jid }) => jid))].join()
const ownersOf = (node: Node) =>
  [...node.affiliations]
    .filter(([, affiliation]) => affiliation === 'owner')
    .map(([account]) => account)
    .sort()
    .join()
