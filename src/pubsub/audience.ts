import { type AudienceWatch, accessQuestion, type Core, settingOf } from './core.ts'
import type { Broadcast } from './notices.ts'
import { isForContacts } from './operations/rosters.ts'
import { ancestorsOf } from './operations/tree.ts'
import { type NodeRecord, type SubscriptionRecord, subidOf } from './records.ts'
import { type Contact, mayReceive, mayRetrieve } from './rules/access.ts'
import { accountOf } from './rules/names.ts'
import { isOver, optionDefaults } from './rules/options.ts'
import { isAnyMeant } from './rules/routing-keys.ts'

/** A JID that is told, and what has to be noted for it: most need nothing but their JID. */
export type Recipient = string | NotedRecipient

export interface NotedRecipient {
  readonly jid: string
  /** Which of several subscriptions have brought this about (XEP-0060 §7.1.2.4); none, where there is one. */
  readonly subids: readonly string[]
  /** XEP-0248: the collection it is subscribed to, where that is not the node itself. */
  readonly collection: string | undefined
}

/** A JID that is not told of every item: what is told, by its subscriptions at the node. */
interface Choosy {
  readonly jid: string
  readonly ways: readonly Way[]
}

interface Way {
  readonly subid: string
  readonly keys: readonly string[] | undefined
  /** What is told of items waits in its queue instead. */
  readonly isQueue: boolean
}

/** Who may be told of a node. */
type Candidate = Recipient | Choosy

/** The recipients of a node, as they were found the last time. */
interface Remembered {
  recipients: Candidate[]
  /** Of those the ones that have left since. */
  readonly gone: Set<string>
  /** A lease ends. */
  readonly untilMs: number
}

/** How many recipients are remembered, of how many nodes, and who has still to be told of a deleted one. */
export class RememberedAudiences implements AudienceWatch {
  readonly #recipientsMax: number
  /** The one that was used last is the last. */
  readonly #remembered = new Map<number, Remembered>()
  /** Nodes whose recipients are being found: what changes meanwhile makes that useless. */
  readonly #inTheMaking = new Map<number, symbol>()
  readonly kept = new Set<number>()
  #count = 0

  constructor(recipientsMax: number) {
    this.#recipientsMax = recipientsMax
  }

  added(subscription: SubscriptionRecord): void {
    const { nodeId, jid, state, options, expiresMs } = subscription
    this.#inTheMaking.delete(nodeId)
    const remembered = this.#remembered.get(nodeId)
    if (!remembered || state !== 'subscribed' || options?.deliver === false) return
    if (expiresMs !== undefined || this.#count >= this.#recipientsMax || remembered.gone.has(jid)) {
      this.forget(nodeId)
      return
    }
    remembered.recipients.push(isChoosy(subscription) ? { jid, ways: [toWay(subscription)] } : jid)
    this.#count++
  }

  removed({ nodeId, jid }: SubscriptionRecord): void {
    this.#inTheMaking.delete(nodeId)
    this.#remembered.get(nodeId)?.gone.add(jid)
  }

  forget(nodeId: number): void {
    this.#inTheMaking.delete(nodeId)
    const remembered = this.#remembered.get(nodeId)
    if (!remembered) return
    this.#remembered.delete(nodeId)
    this.#count -= remembered.recipients.length
  }

  forgetAll(): void {
    this.#inTheMaking.clear()
    this.#remembered.clear()
    this.#count = 0
  }

  keep(nodeId: number): void {
    this.kept.add(nodeId)
  }

  /** They are added to while somebody goes through them; whoever does takes those there were when he began. */
  find(nodeId: number, nowMs: number): readonly Candidate[] | undefined {
    const remembered = this.#remembered.get(nodeId)
    if (!remembered) return undefined
    if (nowMs >= remembered.untilMs) {
      this.forget(nodeId)
      return undefined
    }
    this.#remembered.delete(nodeId)
    this.#remembered.set(nodeId, remembered)
    if (remembered.gone.size > 0) this.#leaveOut(remembered)
    return remembered.recipients
  }

  /** All of them at once, however many have left: whoever goes through the list meanwhile has the one there was. */
  #leaveOut(remembered: Remembered): void {
    const { recipients, gone } = remembered
    remembered.recipients = recipients.filter((each) => !gone.has(jidOf(each)))
    this.#count -= recipients.length - remembered.recipients.length
    gone.clear()
  }

  /** @returns remembers what has been found, unless something has changed since this was called */
  begin(nodeId: number): (recipients: Candidate[], untilMs: number) => void {
    const mark = Symbol(nodeId)
    this.#inTheMaking.set(nodeId, mark)
    return (recipients, untilMs) => {
      if (this.#inTheMaking.get(nodeId) !== mark) return
      this.forget(nodeId)
      if (recipients.length > this.#recipientsMax) return
      this.#remembered.set(nodeId, { recipients, gone: new Set(), untilMs })
      this.#count += recipients.length
      for (const oldest of this.#remembered.keys()) {
        if (this.#count <= this.#recipientsMax) break
        this.forget(oldest)
      }
    }
  }
}

/** What the rosters that were asked say of an account. */
export type ContactsOf = (account: string) => readonly Contact[]

const noContacts: ContactsOf = () => []

/** Whom a broadcast is for, page by page: nobody twice. Between pages other things may happen. */
export function* audienceOf(
  core: Core,
  remembered: RememberedAudiences,
  notice: Broadcast,
  contactsOf: ContactsOf = noContacts,
): Generator<readonly Recipient[]> {
  const { node, kind } = notice
  const maySee = (account: string) => mayRetrieve(accessQuestion(core, node, account, contactsOf(account))) === 'yes'
  // Who has left the roster is still subscribed, and hears nothing (XEP-0060 §12.14).
  const mayHear = isForContacts(core, node) ? maySee : () => true
  if (kind === 'associated' || kind === 'disassociated') {
    yield* throughCollections(core, [node, ...ancestorsOf(core, node)], 'nodes', ({ account }) => mayHear(account))
    return
  }
  if (kind === 'deleted') {
    yield* everySubscriber(core, node)
    return
  }
  for (const page of ownRecipients(core, remembered, node)) {
    const heard = isForContacts(core, node) ? page.filter((each) => mayHear(accountOf(jidOf(each)))) : page
    yield isOfItems(notice) ? heard.flatMap((each) => chosen(each, notice)) : heard.map(jidOf)
  }
  if (!isOfItems(notice)) return
  // XEP-0248: what a collection passes on is for those who might retrieve it.
  const isForOthers = (each: SubscriptionRecord) => maySee(each.account) && !isTold(core, notice, each)
  yield* throughCollections(core, ancestorsOf(core, node), 'items', isForOthers)
}

type OfItems = Extract<Broadcast, { readonly kind: 'published' | 'retracted' }>

/** XEP-0060 §12.16: what else is told is the same for every subscription, and names none. */
const isOfItems = (notice: Broadcast): notice is OfItems => notice.kind === 'published' || notice.kind === 'retracted'

const jidOf = (candidate: Candidate) => (typeof candidate === 'string' ? candidate : candidate.jid)

const isChoosy = ({ options }: SubscriptionRecord) => options?.queue === true || options?.keys !== undefined

const toWay = (subscription: SubscriptionRecord): Way => {
  const { keys, queue = false } = subscription.options ?? {}
  return { subid: subidOf(subscription), keys, isQueue: queue }
}

/** Whether what is told of items is meant for a subscription, and is not for its queue. That something happened without any has no queue. */
const isMeantBy = ({ keys, isQueue }: Omit<Way, 'subid'>, notice: OfItems) =>
  isAnyMeant(keys, notice.routingKey) && !(isQueue && (notice.kind === 'retracted' || notice.items.length > 0))

function chosen(candidate: Candidate, notice: OfItems): Recipient | readonly Recipient[] {
  if (typeof candidate === 'string' || !('ways' in candidate)) return candidate
  const { jid, ways } = candidate
  const subids = ways.filter((way) => isMeantBy(way, notice)).map(({ subid }) => subid)
  if (subids.length === 0) return []
  return ways.length === 1 ? jid : { jid, subids, collection: undefined }
}

function* pages(core: Core, nodeId: number): Generator<readonly SubscriptionRecord[]> {
  let page = core.store.subscriptions(nodeId, { limit: core.limits.pageMax })
  while (page.length > 0) {
    yield page
    page = core.store.subscriptions(nodeId, { after: page.at(-1)?.id, limit: core.limits.pageMax })
  }
}

/** XEP-0060 §8.4.2: of a deleted node, also those who wait for approval. */
function* everySubscriber(core: Core, { id }: NodeRecord): Generator<readonly Recipient[]> {
  for (const page of pages(core, id)) {
    yield page.filter((each) => firstOf(core, each, wantsAny)).map(({ jid }) => jid)
  }
}

const wantsAny = ({ options }: SubscriptionRecord) => options?.deliver !== false

function* ownRecipients(core: Core, remembered: RememberedAudiences, node: NodeRecord): Generator<readonly Candidate[]> {
  const known = remembered.find(node.id, core.now())
  if (known) {
    const end = known.length
    for (let at = 0; at < end; at += core.limits.pageMax) yield known.slice(at, Math.min(at + core.limits.pageMax, end))
    return
  }
  const remember = remembered.begin(node.id)
  const all: Candidate[] = []
  let untilMs = Number.POSITIVE_INFINITY
  for (const page of pages(core, node.id)) {
    const nowMs = core.now()
    const recipients = page.flatMap((each) => {
      untilMs = Math.min(untilMs, each.expiresMs ?? untilMs)
      return recipientOf(core, node, each, nowMs) ?? []
    })
    all.push(...recipients)
    yield recipients
  }
  remember(all, untilMs)
}

/** Whom this subscription stands for; `undefined` for nobody, or for one for whom another of his stands. */
function recipientOf(core: Core, node: NodeRecord, subscription: SubscriptionRecord, nowMs: number): Candidate | undefined {
  const { jid, account } = subscription
  if (!isDelivered(subscription, nowMs)) return undefined
  if (settingOf(core, node, 'accessModel') === 'whitelist' && !mayReceive(core.store.affiliation(node.id, account), 'whitelist')) {
    return undefined
  }
  const own = sameJid(core, subscription).filter((each) => isDelivered(each, nowMs))
  if (own[0]?.id !== subscription.id) return undefined
  if (own.some(isChoosy)) return { jid, ways: own.map(toWay) }
  return own.length === 1 ? jid : { jid, subids: own.map(subidOf), collection: undefined }
}

const isDelivered = (subscription: SubscriptionRecord, nowMs: number) =>
  subscription.state === 'subscribed' && wantsAny(subscription) && !isOver(subscription, nowMs)

function sameJid(core: Core, { nodeId, account, jid }: SubscriptionRecord): readonly SubscriptionRecord[] {
  const all = core.store.subscriptionsAt(nodeId, account)
  return all.length === 1 ? all : all.filter((each) => each.jid === jid)
}

/** Whether this is the first of those of its JID that are meant. */
function firstOf(core: Core, subscription: SubscriptionRecord, isMeant: (subscription: SubscriptionRecord) => boolean): boolean {
  return sameJid(core, subscription).find(isMeant)?.id === subscription.id
}

/** Whether a JID hears of it by itself, or in its queue: then no collection has to tell it. */
function isTold(core: Core, { node, routingKey }: OfItems, { account, jid }: SubscriptionRecord): boolean {
  const nowMs = core.now()
  const isBySelf = (each: SubscriptionRecord) => each.jid === jid && isDelivered(each, nowMs) && isAnyMeant(each.options?.keys, routingKey)
  return core.store.subscriptionsAt(node.id, account).some(isBySelf)
}

/** Those who are subscribed to collections, the nearest first, and want what is of that type from that far below. */
function* throughCollections(
  core: Core,
  collections: readonly NodeRecord[],
  type: 'items' | 'nodes',
  maySee: (subscription: SubscriptionRecord) => boolean,
): Generator<readonly Recipient[]> {
  for (const [distance, collection] of collections.entries()) {
    const isMeant = (each: SubscriptionRecord, far: number) => {
      const { type: wanted, depth } = { ...optionDefaults, ...each.options }
      return isDelivered(each, core.now()) && wanted === type && (far === 0 || depth === 'all')
    }
    const nearer = collections.slice(0, distance)
    const isToldNearer = (jid: string, account: string) =>
      nearer.some(({ id }, far) => core.store.subscriptionsAt(id, account).some((each) => each.jid === jid && isMeant(each, far)))
    for (const page of pages(core, collection.id)) {
      const meant = page.filter((each) => firstOf(core, each, (one) => isMeant(one, distance)))
      yield meant
        .filter((each) => maySee(each) && !isToldNearer(each.jid, each.account))
        .map((each) => toNoted(core, each, collection, (one) => isMeant(one, distance)))
    }
  }
}

function toNoted(
  core: Core,
  subscription: SubscriptionRecord,
  collection: NodeRecord,
  isMeant: (subscription: SubscriptionRecord) => boolean,
): NotedRecipient {
  const own = sameJid(core, subscription).filter(isMeant)
  return { jid: subscription.jid, subids: own.length === 1 ? [] : own.map(subidOf), collection: collection.name }
}
