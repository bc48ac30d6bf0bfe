/**
 * What a database keeps of queues: a message once, an entry for each account it waits for. Accounts say how much waits for them, and
 * stay as long as something does: what is counted is counted in the tables of the store.
 */
export const queuesSchema = `
INSERT INTO sequence VALUES ('message', 0), ('letter', 0);

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL,
  node_name TEXT NOT NULL,
  is_retraction INTEGER NOT NULL,
  item TEXT NOT NULL,
  publisher TEXT NOT NULL,
  published_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  routing_key TEXT,
  payload TEXT,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX message_item ON message (node, item);
CREATE INDEX message_expired ON message (expires_ms);
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
  UPDATE total SET messages = messages + 1 WHERE id = 1;
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
  UPDATE total SET messages = messages - 1 WHERE id = 1;
END;

CREATE TABLE entry (
  message INTEGER NOT NULL,
  account INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  not_before_ms INTEGER NOT NULL,
  handed_to TEXT,
  awaits INTEGER NOT NULL,
  PRIMARY KEY (message, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_account ON entry (account, message);
CREATE INDEX entry_due ON entry (not_before_ms) WHERE not_before_ms > 0;

CREATE TABLE letter (
  id INTEGER PRIMARY KEY,
  node INTEGER NOT NULL,
  message INTEGER NOT NULL,
  account INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  died_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX letter_node ON letter (node, id);
CREATE INDEX letter_message ON letter (message);
CREATE INDEX letter_account ON letter (account, node);

CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  UPDATE total SET entries = entries + 1 WHERE id = 1;
  UPDATE account SET entries = entries + 1, entry_bytes = entry_bytes + (SELECT bytes FROM message WHERE id = new.message)
    WHERE id = new.account;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
  UPDATE total SET entries = entries - 1 WHERE id = 1;
  UPDATE account SET entries = entries - 1, entry_bytes = entry_bytes - (SELECT bytes FROM message WHERE id = old.message)
    WHERE id = old.account;
  DELETE FROM message WHERE id = old.message
    AND NOT EXISTS (SELECT 1 FROM entry WHERE message = old.message) AND NOT EXISTS (SELECT 1 FROM letter WHERE message = old.message);
END;
CREATE TRIGGER letter_added AFTER INSERT ON letter BEGIN
  UPDATE total SET letters = letters + 1 WHERE id = 1;
  UPDATE account SET letters = letters + 1 WHERE id = new.account;
END;
CREATE TRIGGER letter_removed AFTER DELETE ON letter BEGIN
  UPDATE total SET letters = letters - 1 WHERE id = 1;
  UPDATE account SET letters = letters - 1 WHERE id = old.account;
  DELETE FROM message WHERE id = old.message
    AND NOT EXISTS (SELECT 1 FROM entry WHERE message = old.message) AND NOT EXISTS (SELECT 1 FROM letter WHERE message = old.message);
END;
`
