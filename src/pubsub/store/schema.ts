import { presenceSchema } from '../presence/schema.ts'
import { queuesSchema } from '../queues/schema.ts'

/**
 * Whatever is looked for has an index, and whatever is counted a column, which triggers keep, or the store: items and subscriptions of a node,
 * and all of them, are counted once in a turn of the event loop (`Tallies`). Ids are given by the store, and never twice (`sequence`). A node
 * that is retired has no name; `sweep` finds what is left of it. An account stays as long as it has something.
 */
const storeSchema = `
CREATE TABLE sequence (
  name TEXT NOT NULL PRIMARY KEY,
  reserved INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence VALUES ('node', 0), ('subscription', 0), ('item', 0);

CREATE TABLE total (
  id INTEGER PRIMARY KEY,
  nodes INTEGER NOT NULL DEFAULT 0,
  moved INTEGER NOT NULL DEFAULT 0,
  subscriptions INTEGER NOT NULL DEFAULT 0,
  items INTEGER NOT NULL DEFAULT 0,
  listed INTEGER NOT NULL DEFAULT 0,
  contacts INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  entries INTEGER NOT NULL DEFAULT 0,
  letters INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO total (id) VALUES (1);

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  jid TEXT NOT NULL UNIQUE,
  nodes INTEGER NOT NULL DEFAULT 0,
  subscriptions INTEGER NOT NULL DEFAULT 0,
  entries INTEGER NOT NULL DEFAULT 0,
  entry_bytes INTEGER NOT NULL DEFAULT 0,
  letters INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER account_unused AFTER UPDATE ON account
WHEN new.nodes = 0 AND new.subscriptions = 0 AND new.entries = 0 AND new.letters = 0 BEGIN
  DELETE FROM account WHERE id = new.id;
END;

CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  name TEXT,
  kind TEXT NOT NULL,
  parent INTEGER,
  creator TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  config TEXT NOT NULL,
  children INTEGER NOT NULL DEFAULT 0,
  affiliations INTEGER NOT NULL DEFAULT 0,
  owners INTEGER NOT NULL DEFAULT 0,
  subscriptions INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0,
  items INTEGER NOT NULL DEFAULT 0,
  is_listed INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX node_name ON node (name) WHERE name IS NOT NULL;
CREATE INDEX node_retired ON node (id) WHERE name IS NULL;
CREATE INDEX node_parent ON node (parent, id) WHERE parent IS NOT NULL AND name IS NOT NULL;
CREATE INDEX node_listed ON node (id) WHERE is_listed = 1 AND name IS NOT NULL;
CREATE TRIGGER node_added AFTER INSERT ON node BEGIN
  UPDATE total SET nodes = nodes + 1, listed = listed + new.is_listed WHERE id = 1;
  INSERT INTO account (jid, nodes) VALUES (new.creator, 1) ON CONFLICT (jid) DO UPDATE SET nodes = nodes + 1;
  UPDATE node SET children = children + 1 WHERE id = new.parent;
END;
CREATE TRIGGER node_retired AFTER UPDATE OF name ON node WHEN new.name IS NULL BEGIN
  UPDATE total SET nodes = nodes - 1, listed = listed - old.is_listed WHERE id = 1;
  UPDATE account SET nodes = nodes - 1 WHERE jid = new.creator;
  UPDATE node SET children = children - 1 WHERE id = new.parent;
END;
CREATE TRIGGER node_moved AFTER UPDATE OF parent ON node WHEN new.parent IS NOT old.parent BEGIN
  UPDATE node SET children = children - 1 WHERE id = old.parent;
  UPDATE node SET children = children + 1 WHERE id = new.parent;
END;
CREATE TRIGGER node_listed_otherwise AFTER UPDATE OF is_listed ON node WHEN new.is_listed <> old.is_listed BEGIN
  UPDATE total SET listed = listed + new.is_listed - old.is_listed WHERE id = 1;
END;

CREATE TABLE moved (
  name TEXT NOT NULL PRIMARY KEY,
  uri TEXT NOT NULL,
  creator TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX moved_creator ON moved (creator, expires_ms);
CREATE INDEX moved_due ON moved (expires_ms);
CREATE TRIGGER moved_added AFTER INSERT ON moved BEGIN
  UPDATE total SET moved = moved + 1 WHERE id = 1;
END;
CREATE TRIGGER moved_removed AFTER DELETE ON moved BEGIN
  UPDATE total SET moved = moved - 1 WHERE id = 1;
END;

CREATE TABLE affiliation (
  node INTEGER NOT NULL REFERENCES node,
  jid TEXT NOT NULL,
  affiliation TEXT NOT NULL,
  PRIMARY KEY (node, jid)
) STRICT, WITHOUT ROWID;
CREATE INDEX affiliation_owner ON affiliation (node, jid) WHERE affiliation = 'owner';
CREATE INDEX affiliation_account ON affiliation (jid, node);
CREATE TRIGGER affiliation_added AFTER INSERT ON affiliation BEGIN
  UPDATE node SET affiliations = affiliations + 1, owners = owners + (new.affiliation = 'owner') WHERE id = new.node;
END;
CREATE TRIGGER affiliation_changed AFTER UPDATE ON affiliation BEGIN
  UPDATE node SET owners = owners + (new.affiliation = 'owner') - (old.affiliation = 'owner') WHERE id = new.node;
END;
CREATE TRIGGER affiliation_removed AFTER DELETE ON affiliation BEGIN
  UPDATE node SET affiliations = affiliations - 1, owners = owners - (old.affiliation = 'owner') WHERE id = old.node;
END;

CREATE TABLE subscription (
  node INTEGER NOT NULL REFERENCES node,
  id INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  jid TEXT NOT NULL,
  is_pending INTEGER NOT NULL,
  options TEXT,
  expires_ms INTEGER,
  bounce TEXT,
  PRIMARY KEY (node, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_here ON subscription (account, node, id);
CREATE INDEX subscription_everywhere ON subscription (account, id);
CREATE INDEX subscription_pending ON subscription (node, id) WHERE is_pending = 1;
CREATE INDEX subscription_due ON subscription (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX subscription_bouncing ON subscription (id) WHERE bounce IS NOT NULL;
CREATE INDEX subscription_queue ON subscription (node, id) WHERE options ->> '$.queue' = 1;
CREATE TRIGGER subscription_added AFTER INSERT ON subscription BEGIN
  UPDATE account SET subscriptions = subscriptions + 1 WHERE id = new.account;
END;
CREATE TRIGGER subscription_added_pending AFTER INSERT ON subscription WHEN new.is_pending = 1 BEGIN
  UPDATE node SET pending = pending + 1 WHERE id = new.node;
END;
CREATE TRIGGER subscription_decided AFTER UPDATE OF is_pending ON subscription WHEN new.is_pending <> old.is_pending BEGIN
  UPDATE node SET pending = pending + new.is_pending - old.is_pending WHERE id = new.node;
END;
CREATE TRIGGER subscription_removed AFTER DELETE ON subscription BEGIN
  UPDATE account SET subscriptions = subscriptions - 1 WHERE id = old.account;
END;
CREATE TRIGGER subscription_removed_pending AFTER DELETE ON subscription WHEN old.is_pending = 1 BEGIN
  UPDATE node SET pending = pending - 1 WHERE id = old.node;
END;

CREATE TABLE item (
  seq INTEGER PRIMARY KEY,
  node INTEGER NOT NULL REFERENCES node,
  id TEXT NOT NULL,
  publisher TEXT NOT NULL,
  published_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  payload TEXT,
  routing_key TEXT,
  is_expiry_told INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX item_id ON item (node, id);
CREATE INDEX item_order ON item (node, seq);
CREATE INDEX item_due ON item (expires_ms) WHERE expires_ms IS NOT NULL;
`

/** What a database keeps of publish-subscribe, version by version from the first release on: what was released is never changed, only followed. */
export const pubsubMigrations: readonly string[] = [storeSchema + presenceSchema + queuesSchema]
