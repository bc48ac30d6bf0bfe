/** All that is asked of the database about queues; test/pubsub/queues/statements.test.ts has the key by which each finds what it wants. */

const MESSAGE = `m.id, m.node, m.node_name, m.is_retraction, m.item, m.publisher, m.published_ms, m.expires_ms, m.routing_key, m.payload`
const ENTRY = `a.jid, e.attempts, e.failures, e.not_before_ms, e.handed_to, e.awaits, ${MESSAGE}`
const LETTER = `l.id, a.jid, l.attempts, l.reason, l.died_ms, ${MESSAGE}`
/** An account, and what it has. Joined in this order, whatever SQLite thinks of it. */
const OF_ACCOUNT = `account a CROSS JOIN entry e INDEXED BY entry_account ON e.account = a.id CROSS JOIN message m ON m.id = e.message`
const LETTERS = `SELECT ${LETTER} FROM letter l CROSS JOIN account a ON a.id = l.account CROSS JOIN message m ON m.id = l.message
    WHERE l.node = ?`
const MESSAGES_OF_ITEM = 'SELECT id FROM message WHERE node = ? AND item = ?'
const ACCOUNT = '(SELECT id FROM account WHERE jid = ?)'

export const queueQueries = {
  ready: `SELECT ${ENTRY} FROM ${OF_ACCOUNT}
    WHERE a.jid = ? AND e.message > ? AND e.awaits = 0 AND e.not_before_ms <= ? AND m.expires_ms > ? ORDER BY e.message LIMIT 0 + ?`,
  entry: `SELECT ${ENTRY} FROM account a CROSS JOIN entry e ON e.account = a.id CROSS JOIN message m ON m.id = e.message
    WHERE a.jid = ? AND e.message = ?`,
  entriesOfItem: `SELECT ${ENTRY} FROM account a CROSS JOIN message m CROSS JOIN entry e ON e.message = m.id AND e.account = a.id
    WHERE a.jid = ? AND m.node = ? AND m.item = ? ORDER BY m.id`,
  entriesAt: `SELECT ${ENTRY} FROM ${OF_ACCOUNT} WHERE a.jid = ? AND e.handed_to = ? AND e.awaits > 0 ORDER BY e.message`,
  oldest: `SELECT ${ENTRY} FROM ${OF_ACCOUNT} WHERE a.jid = ? ORDER BY e.message LIMIT 0 + ?`,
  oldestOf: `SELECT a.jid, m.id, m.node FROM json_each(?) j CROSS JOIN account a ON a.jid = j.value CROSS JOIN message m
    ON m.id = (SELECT e.message FROM entry e INDEXED BY entry_account WHERE e.account = a.id ORDER BY e.message LIMIT 1)`,
  due: `SELECT ${ENTRY} FROM entry e INDEXED BY entry_due CROSS JOIN account a ON a.id = e.account CROSS JOIN message m ON m.id = e.message
    WHERE e.not_before_ms > 0 AND e.not_before_ms <= ? ORDER BY e.not_before_ms LIMIT 0 + ?`,
  nextDue: 'SELECT not_before_ms FROM entry INDEXED BY entry_due WHERE not_before_ms > 0 ORDER BY not_before_ms LIMIT 1',
  overfull: `SELECT a.jid FROM json_each(?) j CROSS JOIN account a ON a.jid = j.value WHERE a.entries > ? OR a.entry_bytes > ?`,
  size: 'SELECT entries, entry_bytes FROM account WHERE jid = ?',
  length: `SELECT count(*) FILTER (WHERE e.awaits = 0), count(*) FILTER (WHERE e.awaits > 0), min(m.published_ms) FROM ${OF_ACCOUNT}
    WHERE a.jid = ? AND m.node = ? AND m.expires_ms > ?`,
  ofItem: `${MESSAGES_OF_ITEM} LIMIT 1`,
  unaware: `SELECT a.jid FROM message m CROSS JOIN entry e ON e.message = m.id CROSS JOIN account a ON a.id = e.account
    WHERE m.node = ? AND m.item = ? AND e.attempts = 0`,
  letters: `${LETTERS} AND l.id > ? AND l.id < ? ORDER BY l.id LIMIT 0 + ?`,
  lettersFromEnd: `${LETTERS} AND l.id > ? AND l.id < ? ORDER BY l.id DESC LIMIT 0 + ?`,
  countLetters: 'SELECT count(*) FROM letter WHERE node = ?',
  expired: 'SELECT id FROM message WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 1',
  counts: 'SELECT messages, entries, letters FROM total WHERE id = 1',
} as const

export const queueChanges = {
  addMessage: `INSERT INTO message (id, node, node_name, is_retraction, item, publisher, published_ms, expires_ms, routing_key, payload, bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  /** For all accounts at once. */
  addEntries: `INSERT INTO entry (message, account, attempts, failures, not_before_ms, handed_to, awaits)
    SELECT ?, a.id, 0, 0, 0, NULL, 0 FROM json_each(?) j CROSS JOIN account a ON a.jid = j.value`,
  replaceEntry: `UPDATE entry SET attempts = ?, failures = ?, not_before_ms = ?, handed_to = ?, awaits = ? WHERE account = ${ACCOUNT} AND message = ?`,
  removeEntry: `DELETE FROM entry WHERE account = ${ACCOUNT} AND message = ?`,
  removeItemEntries: `DELETE FROM entry WHERE message IN (${MESSAGES_OF_ITEM})`,
  removeItemLetters: `DELETE FROM letter WHERE message IN (${MESSAGES_OF_ITEM})`,
  removeEntriesAt: `DELETE FROM entry WHERE account = ${ACCOUNT} AND (SELECT m.node FROM message m WHERE m.id = entry.message) = ?`,
  removeLettersAt: `DELETE FROM letter WHERE account = ${ACCOUNT} AND node = ?`,
  endNode: 'UPDATE message SET expires_ms = 0 WHERE node = ?',

  /** Of triples in JSON: the account, the message, and the number of the letter. */
  addLetters: `INSERT INTO letter (id, node, message, account, attempts, reason, died_ms)
    SELECT j.value ->> 2, m.node, e.message, e.account, e.attempts, ?, ? FROM json_each(?) j CROSS JOIN account a ON a.jid = j.value ->> 0
      CROSS JOIN entry e ON e.message = j.value ->> 1 AND e.account = a.id CROSS JOIN message m ON m.id = e.message`,
  removeBuried: `DELETE FROM entry WHERE (message, account) IN
    (SELECT j.value ->> 1, a.id FROM json_each(?) j CROSS JOIN account a ON a.jid = j.value ->> 0)`,
  removeLetter: 'DELETE FROM letter WHERE id = ?',
  removeOldestLetters: 'DELETE FROM letter WHERE id IN (SELECT id FROM letter WHERE node = ? ORDER BY id LIMIT 0 + ?)',
  revive: `INSERT INTO entry (message, account, attempts, failures, not_before_ms, handed_to, awaits)
    SELECT message, account, attempts, 0, 0, NULL, 0 FROM letter WHERE id = ? ON CONFLICT DO NOTHING`,

  sweepEntries: 'DELETE FROM entry WHERE message = ?1 AND account IN (SELECT account FROM entry WHERE message = ?1 LIMIT 0 + ?2)',
  sweepLetters: 'DELETE FROM letter WHERE id IN (SELECT id FROM letter WHERE message = ? LIMIT 0 + ?)',
} as const
