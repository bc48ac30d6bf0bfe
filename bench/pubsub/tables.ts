import { setImmediate } from 'node:timers/promises'
import type { PubsubStore } from '../../src/pubsub/index.ts'
import { ANNOUNCEMENT } from './stanzas.ts'

/** So many nodes, as many accounts, and ten times as many subscriptions and items: each account is at nine nodes, and at one where all are. */
export const EACH = 10
const CROWD = 'crowd'
/** Written in one turn of the event loop. */
const TURN = 100

const nodeName = (node: number): string => `films/${node}`
const accountName = (account: number): string => `screen${account}@accounts.localhost`
const itemName = (item: number): string => `week-${item}`

/** The accounts at a node, but for that one; far apart, as their rows are in tables. */
const accountAt = (node: number, index: number, count: number): number => (node + index * Math.ceil(count / EACH)) % count

const leaf = (node: number) =>
  ({
    name: nodeName(node),
    kind: 'leaf',
    parent: undefined,
    creator: accountName(node),
    createdMs: 1000 + node,
    isListed: true,
    config: {},
  }) as const

function addSubscription(store: PubsubStore, nodeId: number, account: string): void {
  store.addSubscription({ nodeId, jid: account, account, state: 'subscribed', options: undefined, expiresMs: undefined })
}

function putItem(store: PubsubStore, nodeId: number, id: string): void {
  store.putItem({
    nodeId,
    id,
    publisher: `${accountName(0)}/films`,
    publishedMs: 2000,
    expiresMs: undefined,
    payload: ANNOUNCEMENT,
    routingKey: undefined,
    isExpiryTold: false,
  })
}

/** Fills an empty store, one kind of thing after the other. @returns microseconds that each took, until all was durable */
export async function fill(store: PubsubStore, count: number): Promise<Readonly<Record<string, number>>> {
  const took: Record<string, number> = {}
  const all = async (name: string, things: number, write: (index: number) => void) => {
    const startedMs = performance.now()
    for (let index = 0; index < things; index += 1) {
      write(index)
      if (index % TURN === TURN - 1) await setImmediate()
    }
    await store.settled()
    took[name] = ((performance.now() - startedMs) * 1000) / things
  }
  const ids: number[] = []
  await all('node', count, (node) => {
    const { id } = store.addNode(leaf(node))
    store.setAffiliation(id, accountName(node), 'owner')
    ids.push(id)
  })
  const idOf = (index: number) => ids[index % count] as number
  const { id: crowd } = store.addNode({ ...leaf(0), name: CROWD })
  await all('subscription', count * EACH, (index) => {
    const turn = Math.floor(index / count)
    if (turn === EACH - 1) addSubscription(store, crowd, accountName(index % count))
    else addSubscription(store, idOf(index), accountName(accountAt(index % count, turn, count)))
  })
  await all('item', count * EACH, (index) => putItem(store, idOf(index), itemName(Math.floor(index / count))))
  return took
}

/** Somebody at a node who has something to do with it, and somebody who has not. */
interface Place {
  readonly nodeId: number
  readonly name: string
  readonly owner: string
  readonly subscriber: string
  readonly stranger: string
  /** The node where all accounts are. */
  readonly crowd: number
}

type Check = (store: PubsubStore, place: Place) => boolean

/** A check whose answer is remembered with its node, behind the node itself, as every request asks for it. */
const ofNode =
  (check: Check): Check =>
  (store, place) =>
    store.node(place.name) !== undefined && check(store, place)

/** What is asked before anything is done, by name; each is wrong when it does not answer that. */
export const checks: Readonly<Record<string, Check>> = {
  'a node by its name': (store, { name, nodeId }) => store.node(name)?.id === nodeId,
  'the affiliation of its owner': ofNode((store, { nodeId, owner }) => store.affiliation(nodeId, owner) === 'owner'),
  'of a stranger': ofNode((store, { nodeId, stranger }) => store.affiliation(nodeId, stranger) === 'none'),
  'the subscription of a subscriber': (store, { nodeId, subscriber }) => store.subscriptionsAt(nodeId, subscriber).length === 1,
  'of a stranger to it': (store, { nodeId, stranger }) => store.subscriptionsAt(nodeId, stranger).length === 0,
  'one among all accounts': (store, { crowd, subscriber }) => store.subscriptionsAt(crowd, subscriber).length === 1,
  'the first who waits among them': (store, { crowd }) => store.pending(crowd, { limit: 1 }).length === 0,
  'how many subscribers a node has': ofNode((store, { nodeId }) => store.countSubscriptions(nodeId) === EACH - 1),
  'how many subscriptions an account has': (store, { subscriber }) => store.countSubscriptionsOf(subscriber) === EACH,
  'an item by its id': (store, { nodeId }) => store.item(nodeId, itemName(EACH - 1)) !== undefined,
  'whether an item is there': ofNode((store, { nodeId }) => store.hasItem(nodeId, itemName(EACH - 1)) && !store.hasItem(nodeId, 'nowhere')),
  'how many items a node has': ofNode((store, { nodeId }) => store.countItems(nodeId) === EACH),
  'the last item': (store, { nodeId }) => store.items(nodeId, { limit: 1, fromEnd: true }).length === 1,
}

/** Places all over the tables, or `among` a few of them: those that are busy. */
export function placesIn(store: PubsubStore, count: number, places: number, among = count): Place[] {
  const crowd = store.node(CROWD)?.id ?? 0
  const step = 0.618_033_988_749_895 // Never the same twice, and nowhere near the one before.
  return Array.from({ length: places }, (_, index) => {
    const node = Math.floor((((index % among) + 1) * step * count) % count)
    const record = store.node(nodeName(node))
    if (!record) throw new Error(`there is no node ${nodeName(node)}`)
    const stranger = accountName((node + 1) % count)
    return {
      ...{ crowd, nodeId: record.id, name: record.name, owner: accountName(node), stranger },
      subscriber: accountName(accountAt(node, 3, count)),
    }
  })
}

/** @returns microseconds of CPU time, by check */
export function timeChecks(store: PubsubStore, places: readonly Place[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(checks).map(([name, check]) => {
      const before = process.cpuUsage()
      for (const place of places) if (!check(store, place)) throw new Error(`${name}: wrong at ${place.name}`)
      const { user, system } = process.cpuUsage(before)
      return [name, (user + system) / places.length]
    }),
  )
}
