/**
 * All that is asked of the database; test/pubsub/store/statements.test.ts has the key by which each finds what it wants. Where two keys
 * would do, SQLite takes either: the one that is named is the shorter way. A limit is an expression: where it is a parameter and nothing
 * else, SQLite (3.53) prepares the statement anew each time, which takes ten times as long as to run it.
 */

const NODE = 'id, name, kind, parent, creator, created_ms, config, is_listed'
const OF_NODE = 'n.id, n.name, n.kind, n.parent, n.creator, n.created_ms, n.config, n.is_listed'
const MOVED = 'name, uri, creator, expires_ms'
const SUBSCRIPTION = 'id, node, jid, is_pending, options, expires_ms'
const ITEM = 'i.node, i.seq, i.id, i.publisher, i.published_ms, i.expires_ms, i.payload, i.routing_key, i.is_expiry_told'
/** Of a node that is retired nothing but its subscriptions is to be seen. */
const LIVE_ITEM = 'item i JOIN node n ON n.id = i.node AND n.name IS NOT NULL'
const LIVE_AFFILIATION = 'affiliation a JOIN node n ON n.id = a.node AND n.name IS NOT NULL'

/** A list between two keys: from the beginning, and from the end. */
const forwards = (list: string, key: string) => `${list} AND ${key} > ? AND ${key} < ? ORDER BY ${key} LIMIT 0 + ?`
const backwards = (list: string, key: string) => `${list} AND ${key} > ? AND ${key} < ? ORDER BY ${key} DESC LIMIT 0 + ?`

const LISTED_NODES = `SELECT ${NODE} FROM node INDEXED BY node_listed WHERE is_listed = 1 AND name IS NOT NULL`
const AFFILIATED_NODES = `SELECT ${OF_NODE} FROM ${LIVE_AFFILIATION} WHERE a.jid = ? AND a.affiliation <> 'outcast'`
const AFFILIATIONS = `SELECT a.node, a.jid, a.affiliation FROM ${LIVE_AFFILIATION} WHERE a.node = ?`
const AFFILIATIONS_OF = `SELECT a.node, a.jid, a.affiliation FROM ${LIVE_AFFILIATION} WHERE a.jid = ?`
const SUBSCRIBED = `SELECT ${SUBSCRIPTION} FROM subscription WHERE node = ? AND is_pending = 0`
const QUEUE_SUBSCRIPTIONS = `SELECT ${SUBSCRIPTION} FROM subscription INDEXED BY subscription_queue
    WHERE node = ? AND options ->> '$.queue' = 1`
const SUBSCRIPTIONS_OF = `SELECT s.id, s.node, s.jid, s.is_pending, s.options, s.expires_ms
    FROM subscription s JOIN node n ON n.id = s.node AND n.name IS NOT NULL
    WHERE s.account = (SELECT id FROM account WHERE jid = ?)`
const SUBSCRIBED_NODES = `SELECT ${OF_NODE} FROM node n WHERE n.name IS NOT NULL AND n.id IN
    (SELECT node FROM subscription INDEXED BY subscription_here WHERE account = (SELECT id FROM account WHERE jid = ?))`
const ITEMS = `SELECT ${ITEM} FROM ${LIVE_ITEM} WHERE i.node = ?`

export const queries = {
  reserved: 'SELECT reserved FROM sequence WHERE name = ?',

  node: `SELECT ${NODE} FROM node WHERE name = ?`,
  nodeById: `SELECT ${NODE} FROM node WHERE id = ? AND name IS NOT NULL`,
  listedNodes: forwards(LISTED_NODES, 'id'),
  listedNodesFromEnd: backwards(LISTED_NODES, 'id'),
  affiliatedNodes: forwards(AFFILIATED_NODES, 'a.node'),
  affiliatedNodesFromEnd: backwards(AFFILIATED_NODES, 'a.node'),
  subscribedNodes: forwards(SUBSCRIBED_NODES, 'n.id'),
  subscribedNodesFromEnd: backwards(SUBSCRIBED_NODES, 'n.id'),
  children: `SELECT ${NODE} FROM node WHERE parent = ? AND id > ? AND name IS NOT NULL ORDER BY id LIMIT 0 + ?`,
  retired: 'SELECT id FROM node WHERE name IS NULL AND id > ? ORDER BY id LIMIT 1',
  countNodes: 'SELECT nodes FROM total WHERE id = 1',
  countListedNodes: 'SELECT listed FROM total WHERE id = 1',
  countNodesOf: 'SELECT nodes FROM account WHERE jid = ?',
  countChildren: 'SELECT children FROM node WHERE id = ? AND name IS NOT NULL',

  moved: `SELECT ${MOVED} FROM moved WHERE name = ?`,
  countMoved: 'SELECT moved FROM total WHERE id = 1',
  countMovedOf: 'SELECT count(*) FROM moved WHERE creator = ?',
  dueMoved: `SELECT ${MOVED} FROM moved WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 0 + ?`,
  dueMovedOf: `SELECT ${MOVED} FROM moved WHERE creator = ? ORDER BY expires_ms LIMIT 0 + ?`,

  affiliation: `SELECT a.affiliation FROM ${LIVE_AFFILIATION} WHERE a.node = ? AND a.jid = ?`,
  affiliations: forwards(AFFILIATIONS, 'a.jid'),
  affiliationsFromEnd: backwards(AFFILIATIONS, 'a.jid'),
  affiliationsOf: forwards(AFFILIATIONS_OF, 'a.node'),
  affiliationsOfFromEnd: backwards(AFFILIATIONS_OF, 'a.node'),
  owners: `SELECT a.jid FROM ${LIVE_AFFILIATION} WHERE a.node = ? AND a.affiliation = 'owner' ORDER BY a.jid LIMIT 0 + ?`,
  countAffiliations: 'SELECT affiliations FROM node WHERE id = ? AND name IS NOT NULL',
  countAffiliationsOf: 'SELECT count(*) FROM affiliation WHERE jid = ?',
  countOwners: 'SELECT owners FROM node WHERE id = ? AND name IS NOT NULL',

  subscriptionsAt: `SELECT ${SUBSCRIPTION} FROM subscription INDEXED BY subscription_here
    WHERE account = ? AND node = ? ORDER BY id`,
  subscriptions: `SELECT ${SUBSCRIPTION} FROM subscription WHERE node = ? AND id > ? ORDER BY id LIMIT 0 + ?`,
  subscribed: forwards(SUBSCRIBED, 'id'),
  subscribedFromEnd: backwards(SUBSCRIBED, 'id'),
  pending: `SELECT ${SUBSCRIPTION} FROM subscription INDEXED BY subscription_pending
    WHERE node = ? AND is_pending = 1 AND id > ? ORDER BY id LIMIT 0 + ?`,
  queueSubscriptions: forwards(QUEUE_SUBSCRIPTIONS, 'id'),
  queueSubscriptionsFromEnd: backwards(QUEUE_SUBSCRIPTIONS, 'id'),
  subscriptionsOf: forwards(SUBSCRIPTIONS_OF, 's.id'),
  subscriptionsOfFromEnd: backwards(SUBSCRIPTIONS_OF, 's.id'),
  countSubscriptions: 'SELECT subscriptions FROM node WHERE id = ?',
  countPending: 'SELECT pending FROM node WHERE id = ? AND name IS NOT NULL',
  account: 'SELECT id, subscriptions FROM account WHERE jid = ?',
  countAllSubscriptions: 'SELECT subscriptions FROM total WHERE id = 1',
  bouncing: `SELECT s.id, s.node, s.jid, s.bounce FROM subscription s INDEXED BY subscription_bouncing
    JOIN node n ON n.id = s.node AND n.name IS NOT NULL WHERE s.bounce IS NOT NULL AND s.id > ? ORDER BY s.id LIMIT 0 + ?`,

  item: `SELECT ${ITEM} FROM ${LIVE_ITEM} WHERE i.node = ? AND i.id = ?`,
  hasItem: `SELECT 1 FROM ${LIVE_ITEM} WHERE i.node = ? AND i.id = ?`,
  oldestItemIds: `SELECT i.id FROM ${LIVE_ITEM} WHERE i.node = ? ORDER BY i.seq LIMIT 0 + ?`,
  items: forwards(ITEMS, 'i.seq'),
  itemsFromEnd: backwards(ITEMS, 'i.seq'),
  itemAt: `SELECT ${ITEM} FROM ${LIVE_ITEM} WHERE i.node = ? ORDER BY i.seq LIMIT 1 OFFSET ?`,
  countItems: 'SELECT items FROM node WHERE id = ? AND name IS NOT NULL',
  countAllItems: 'SELECT items FROM total WHERE id = 1',
  countItemsBefore: `SELECT count(*) FROM ${LIVE_ITEM} WHERE i.node = ? AND i.seq < ?`,

  dueItems: `SELECT ${ITEM} FROM ${LIVE_ITEM} WHERE i.expires_ms <= ? ORDER BY i.expires_ms LIMIT 0 + ?`,
  dueSubscriptions: `SELECT ${SUBSCRIPTION} FROM subscription WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 0 + ?`,
} as const

export const changes = {
  reserve: 'UPDATE sequence SET reserved = ? WHERE name = ?',
  tally: 'UPDATE node SET items = items + ?, subscriptions = subscriptions + ? WHERE id = ?',
  tallyAll: 'UPDATE total SET items = items + ?, subscriptions = subscriptions + ? WHERE id = 1',

  addNode: 'INSERT INTO node (id, name, kind, parent, creator, created_ms, config, is_listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  replaceNode: 'UPDATE node SET parent = ?, config = ?, is_listed = ? WHERE id = ? AND name IS NOT NULL',
  retireNode: 'UPDATE node SET name = NULL WHERE id = ? AND name IS NOT NULL',
  removeNode: 'DELETE FROM node WHERE id = ?',

  putMoved: `INSERT INTO moved (name, uri, creator, expires_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET uri = excluded.uri, creator = excluded.creator, expires_ms = excluded.expires_ms`,
  removeMoved: 'DELETE FROM moved WHERE name = ?',

  setAffiliation: `INSERT INTO affiliation VALUES (?, ?, ?)
    ON CONFLICT (node, jid) DO UPDATE SET affiliation = excluded.affiliation WHERE affiliation <> excluded.affiliation`,
  removeAffiliation: 'DELETE FROM affiliation WHERE node = ? AND jid = ?',

  addAccount: 'INSERT INTO account (jid) VALUES (?) ON CONFLICT (jid) DO NOTHING',
  addSubscription: `INSERT INTO subscription (node, id, account, jid, is_pending, options, expires_ms)
    VALUES (?, ?, (SELECT id FROM account WHERE jid = ?), ?, ?, ?, ?)`,
  replaceSubscription: 'UPDATE subscription SET is_pending = ?, options = ?, expires_ms = ? WHERE node = ? AND id = ?',
  setBounce: 'UPDATE subscription SET bounce = ? WHERE node = ? AND id = ?',
  removeSubscription: 'DELETE FROM subscription WHERE node = ? AND id = ?',

  /** One that takes another's place is moved to the end, and counts once. */
  putItem: `INSERT INTO item (node, seq, id, publisher, published_ms, expires_ms, payload, routing_key, is_expiry_told)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (node, id) DO UPDATE SET seq = excluded.seq, publisher = excluded.publisher,
      published_ms = excluded.published_ms, expires_ms = excluded.expires_ms, payload = excluded.payload,
      routing_key = excluded.routing_key, is_expiry_told = excluded.is_expiry_told`,
  removeItem: 'DELETE FROM item WHERE node = ? AND id = ?',
  removeItems: 'DELETE FROM item WHERE node = ?',

  sweepItems: 'DELETE FROM item WHERE seq IN (SELECT seq FROM item WHERE node = ? LIMIT 0 + ?)',
  sweepAffiliations: 'DELETE FROM affiliation WHERE node = ?1 AND jid IN (SELECT jid FROM affiliation WHERE node = ?1 LIMIT 0 + ?2)',
  sweepSubscriptions: 'DELETE FROM subscription WHERE node = ?1 AND id IN (SELECT id FROM subscription WHERE node = ?1 LIMIT 0 + ?2)',
} as const
