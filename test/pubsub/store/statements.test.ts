// Goal: nothing takes longer because a table is large: each statement finds what it wants by the key that is written here.
// Method: SQLite's own plans; those of triggers are not told, and are by primary keys alone.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { pubsubMigrations } from '../../../src/pubsub/index.ts'
import { changes, queries } from '../../../src/pubsub/store/statements.ts'
import { Storage } from '../../../src/storage/index.ts'

const ITEMS_IN_ORDER = ['n(rowid=?)', 'i item_order(node=? AND seq>? AND seq<?)']
const CHILDREN_OF_A_NODE = ['item item_order(node=?)', 'subscription PRIMARY(node=?)', 'affiliation PRIMARY(node=?)']
const ACCOUNT = 'account sqlite_autoindex_account_1(jid=?)'
const NODE = ['node(rowid=?)']
const LISTED = ['node node_listed(id>? AND id<?)']
const AFFILIATIONS = ['n(rowid=?)', 'a PRIMARY(node=? AND jid>? AND jid<?)']
const AFFILIATIONS_OF = ['a affiliation_account(jid=? AND node>? AND node<?)', 'n(rowid=?)']
const SUBSCRIBED = ['subscription PRIMARY(node=? AND id>? AND id<?)']
const QUEUES = ['subscription subscription_queue(node=? AND id>? AND id<?)']
const SUBSCRIPTIONS_OF = ['s subscription_everywhere(account=? AND id>? AND id<?)', ACCOUNT, 'n(rowid=?)']
/** All of one account: those of the section are found by them. */
const SUBSCRIBED_NODES = ['n(rowid=?)', 'subscription subscription_here(account=?)', ACCOUNT]

/** Table, index, and what of it is given: of a list the rest of it is what is asked for, up to a limit. */
const keys: Readonly<Record<keyof typeof queries | keyof typeof changes, readonly string[]>> = {
  reserved: ['sequence PRIMARY(name=?)'],
  node: ['node node_name(name=?)'],
  nodeById: NODE,
  listedNodes: LISTED,
  listedNodesFromEnd: LISTED,
  affiliatedNodes: AFFILIATIONS_OF,
  affiliatedNodesFromEnd: AFFILIATIONS_OF,
  subscribedNodes: SUBSCRIBED_NODES,
  subscribedNodesFromEnd: SUBSCRIBED_NODES,
  children: ['node node_parent(parent=? AND id>?)'],
  retired: ['node node_retired(id>?)'],
  countListedNodes: ['total(rowid=?)'],
  countNodes: ['total(rowid=?)'],
  countNodesOf: [ACCOUNT],
  countChildren: NODE,
  moved: ['moved sqlite_autoindex_moved_1(name=?)'],
  countMoved: ['total(rowid=?)'],
  countMovedOf: ['moved moved_creator(creator=?)'],
  dueMoved: ['moved moved_due(expires_ms<?)'],
  dueMovedOf: ['moved moved_creator(creator=?)'],
  affiliation: ['n(rowid=?)', 'a PRIMARY(node=? AND jid=?)'],
  affiliations: AFFILIATIONS,
  affiliationsOf: AFFILIATIONS_OF,
  affiliationsFromEnd: AFFILIATIONS,
  affiliationsOfFromEnd: AFFILIATIONS_OF,
  countAffiliationsOf: ['affiliation affiliation_account(jid=?)'],
  owners: ['n(rowid=?)', 'a affiliation_owner(node=?)'],
  countAffiliations: NODE,
  countOwners: NODE,
  subscriptionsAt: ['subscription subscription_here(account=? AND node=?)'],
  subscriptions: ['subscription PRIMARY(node=? AND id>?)'],
  subscribed: SUBSCRIBED,
  subscribedFromEnd: SUBSCRIBED,
  subscriptionsOfFromEnd: SUBSCRIPTIONS_OF,
  queueSubscriptions: QUEUES,
  queueSubscriptionsFromEnd: QUEUES,
  pending: ['subscription subscription_pending(node=? AND id>?)'],
  subscriptionsOf: SUBSCRIPTIONS_OF,
  countSubscriptions: NODE,
  countPending: NODE,
  account: [ACCOUNT],
  countAllSubscriptions: ['total(rowid=?)'],
  bouncing: ['s subscription_bouncing(id>?)', 'n(rowid=?)'],
  item: ['i item_id(node=? AND id=?)', 'n(rowid=?)'],
  hasItem: ['i item_id(node=? AND id=?)', 'n(rowid=?)'],
  oldestItemIds: ['n(rowid=?)', 'i item_order(node=?)'],
  items: ITEMS_IN_ORDER,
  itemsFromEnd: ITEMS_IN_ORDER,
  itemAt: ['n(rowid=?)', 'i item_order(node=?)'],
  countItems: NODE,
  countAllItems: ['total(rowid=?)'],
  countItemsBefore: ['n(rowid=?)', 'i item_order(node=? AND seq<?)'],
  dueItems: ['i item_due(expires_ms<?)', 'n(rowid=?)'],
  dueSubscriptions: ['subscription subscription_due(expires_ms<?)'],

  reserve: ['sequence PRIMARY(name=?)'],
  tally: NODE,
  tallyAll: ['total(rowid=?)'],
  addNode: CHILDREN_OF_A_NODE,
  replaceNode: NODE,
  retireNode: NODE,
  removeNode: [...NODE, ...CHILDREN_OF_A_NODE],
  putMoved: [],
  removeMoved: ['moved sqlite_autoindex_moved_1(name=?)'],
  setAffiliation: [],
  removeAffiliation: ['affiliation PRIMARY(node=? AND jid=?)'],
  addAccount: [],
  addSubscription: [ACCOUNT],
  replaceSubscription: ['subscription PRIMARY(node=? AND id=?)'],
  setBounce: ['subscription PRIMARY(node=? AND id=?)'],
  removeSubscription: ['subscription PRIMARY(node=? AND id=?)'],
  putItem: [],
  removeItem: ['item item_id(node=? AND id=?)'],
  removeItems: ['item item_order(node=?)'],
  sweepItems: ['item(rowid=?)', 'item item_order(node=?)'],
  sweepAffiliations: ['affiliation PRIMARY(node=? AND jid=?)', 'affiliation PRIMARY(node=?)'],
  sweepSubscriptions: ['subscription PRIMARY(node=? AND id=?)', 'subscription PRIMARY(node=?)'],
}

/** `undefined` for a step that is no search, and goes through nothing either. */
function keyOf(step: string): string | undefined {
  if (/^(SCALAR|LIST) SUBQUERY \d+$/.test(step)) return undefined
  const [, table, index, given] =
    /^SEARCH (\w+) USING (?:(?:COVERING )?INDEX (\w+)|PRIMARY KEY|INTEGER PRIMARY KEY) (\(.*\))$/.exec(step) ?? []
  if (table === undefined) return step
  if (index !== undefined) return `${table} ${index}${given}`
  return step.includes('INTEGER') ? `${table}${given}` : `${table} PRIMARY${given}`
}

test('each statement finds what it wants by its key', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'streamhost-plans-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  await using storage = await Storage.open({ directory: folder, migrations: pubsubMigrations })
  const plans = Object.entries({ ...queries, ...changes }).map(([name, sql]) => {
    const steps = storage.query<[id: number, parent: number, unused: number, step: string]>(`EXPLAIN QUERY PLAN ${sql}`).all()
    return [name, steps.flatMap(([, , , step]) => keyOf(step) ?? [])]
  })
  t.deepEqual(Object.fromEntries(plans), keys)
})

test('no limit has a statement prepared each time', (t) => {
  for (const [name, sql] of Object.entries({ ...queries, ...changes })) t.notRegex(sql, /LIMIT \?/, name)
})

test('what goes through a table would show', (t) => {
  t.is(keyOf('SCAN node'), 'SCAN node')
  t.is(keyOf('USE TEMP B-TREE FOR ORDER BY'), 'USE TEMP B-TREE FOR ORDER BY')
  t.is(keyOf('SEARCH node USING INDEX node_name (name=?)'), 'node node_name(name=?)')
})
