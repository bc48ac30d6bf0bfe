import { presenceMigration } from '../presence/sqlite-presence.ts'
import { queuesMigration } from '../queues/schema.ts'

/**
 * What a database keeps of publish-subscribe, version by version: what was released is never changed, only followed.
 *
 * Whatever is looked for has an index, and whatever is counted a column, which triggers keep, or the store. Ids are given by the store, and never
 * twice (`sequence`). A node that is retired has no name; `sweep` finds what is left of it.
 */
export const pubsubMigrations: readonly string[] = [
  `
CREATE TABLE sequence (
  name TEXT NOT NULL PRIMARY KEY,
  reserved INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence VALUES ('node', 0), ('subscription', 0), ('item', 0);

CREATE TABLE total (
  id INTEGER PRIMARY KEY,
  nodes INTEGER NOT NULL
) STRICT;
INSERT INTO total VALUES (1, 0);

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  jid TEXT NOT NULL UNIQUE,
  nodes INTEGER NOT NULL DEFAULT 0,
  subscriptions INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER account_unused AFTER UPDATE ON account WHEN new.nodes = 0 AND new.subscriptions = 0 BEGIN
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
  items INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX node_name ON node (name) WHERE name IS NOT NULL;
CREATE INDEX node_retired ON node (id) WHERE name IS NULL;
CREATE INDEX node_parent ON node (parent, id) WHERE parent IS NOT NULL AND name IS NOT NULL;
CREATE TRIGGER node_added AFTER INSERT ON node BEGIN
  UPDATE total SET nodes = nodes + 1 WHERE id = 1;
  INSERT INTO account (jid, nodes) VALUES (new.creator, 1) ON CONFLICT (jid) DO UPDATE SET nodes = nodes + 1;
  UPDATE node SET children = children + 1 WHERE id = new.parent;
END;
CREATE TRIGGER node_retired AFTER UPDATE OF name ON node WHEN new.name IS NULL BEGIN
  UPDATE total SET nodes = nodes - 1 WHERE id = 1;
  UPDATE account SET nodes = nodes - 1 WHERE jid = new.creator;
  UPDATE node SET children = children - 1 WHERE id = new.parent;
END;
CREATE TRIGGER node_moved AFTER UPDATE OF parent ON node WHEN new.parent IS NOT old.parent BEGIN
  UPDATE node SET children = children - 1 WHERE id = old.parent;
  UPDATE node SET children = children + 1 WHERE id = new.parent;
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
  PRIMARY KEY (node, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_here ON subscription (account, node, id);
CREATE INDEX subscription_everywhere ON subscription (account, id);
CREATE INDEX subscription_pending ON subscription (node, id) WHERE is_pending = 1;
CREATE INDEX subscription_due ON subscription (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE TRIGGER subscription_added AFTER INSERT ON subscription BEGIN
  UPDATE node SET subscriptions = subscriptions + 1, pending = pending + new.is_pending WHERE id = new.node;
  UPDATE account SET subscriptions = subscriptions + 1 WHERE id = new.account;
END;
CREATE TRIGGER subscription_decided AFTER UPDATE OF is_pending ON subscription WHEN new.is_pending <> old.is_pending BEGIN
  UPDATE node SET pending = pending + new.is_pending - old.is_pending WHERE id = new.node;
END;
CREATE TRIGGER subscription_removed AFTER DELETE ON subscription BEGIN
  UPDATE node SET subscriptions = subscriptions - 1, pending = pending - old.is_pending WHERE id = old.node;
  UPDATE account SET subscriptions = subscriptions - 1 WHERE id = old.account;
END;

CREATE TABLE item (
  seq INTEGER PRIMARY KEY,
  node INTEGER NOT NULL REFERENCES node,
  id TEXT NOT NULL,
  publisher TEXT NOT NULL,
  published_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  payload TEXT
) STRICT;
CREATE UNIQUE INDEX item_id ON item (node, id);
CREATE INDEX item_order ON item (node, seq);
CREATE INDEX item_due ON item (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE TRIGGER item_added AFTER INSERT ON item BEGIN
  UPDATE node SET items = items + 1 WHERE id = new.node;
END;
CREATE TRIGGER item_removed AFTER DELETE ON item BEGIN
  UPDATE node SET items = items - 1 WHERE id = old.node;
END;
`,
  `
CREATE TABLE moved (
  name TEXT NOT NULL PRIMARY KEY,
  uri TEXT NOT NULL,
  creator TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX moved_creator ON moved (creator, expires_ms);
CREATE INDEX moved_due ON moved (expires_ms);
ALTER TABLE total ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER moved_added AFTER INSERT ON moved BEGIN
  UPDATE total SET moved = moved + 1 WHERE id = 1;
END;
CREATE TRIGGER moved_removed AFTER DELETE ON moved BEGIN
  UPDATE total SET moved = moved - 1 WHERE id = 1;
END;
`,
  `
ALTER TABLE subscription ADD COLUMN bounce TEXT;
CREATE INDEX subscription_bouncing ON subscription (id) WHERE bounce IS NOT NULL;

ALTER TABLE total ADD COLUMN subscriptions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE total ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
UPDATE total SET subscriptions = (SELECT count(*) FROM subscription), items = (SELECT count(*) FROM item);
CREATE TRIGGER subscription_counted AFTER INSERT ON subscription BEGIN
  UPDATE total SET subscriptions = subscriptions + 1 WHERE id = 1;
END;
CREATE TRIGGER subscription_discounted AFTER DELETE ON subscription BEGIN
  UPDATE total SET subscriptions = subscriptions - 1 WHERE id = 1;
END;
CREATE TRIGGER item_counted AFTER INSERT ON item BEGIN
  UPDATE total SET items = items + 1 WHERE id = 1;
END;
CREATE TRIGGER item_discounted AFTER DELETE ON item BEGIN
  UPDATE total SET items = items - 1 WHERE id = 1;
END;
`,
  `
ALTER TABLE node ADD COLUMN is_listed INTEGER NOT NULL DEFAULT 1;
UPDATE node SET is_listed = 0 WHERE coalesce(config ->> '$.accessModel', 'open') NOT IN ('open', 'authorize');
CREATE INDEX node_listed ON node (id) WHERE is_listed = 1 AND name IS NOT NULL;
ALTER TABLE total ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
UPDATE total SET listed = (SELECT count(*) FROM node WHERE is_listed = 1 AND name IS NOT NULL);
CREATE TRIGGER node_added_listed AFTER INSERT ON node WHEN new.is_listed = 1 BEGIN
  UPDATE total SET listed = listed + 1 WHERE id = 1;
END;
CREATE TRIGGER node_retired_listed AFTER UPDATE OF name ON node WHEN new.name IS NULL AND old.is_listed = 1 BEGIN
  UPDATE total SET listed = listed - 1 WHERE id = 1;
END;
CREATE TRIGGER node_listed_otherwise AFTER UPDATE OF is_listed ON node WHEN new.is_listed <> old.is_listed BEGIN
  UPDATE total SET listed = listed + new.is_listed - old.is_listed WHERE id = 1;
END;
`,
  presenceMigration,
  queuesMigration,
  // Items and subscriptions of a node, and all of them, are counted by the store, once in a turn of the event loop: see `Tallies`.
  `
DROP TRIGGER item_added;
DROP TRIGGER item_removed;
DROP TRIGGER item_counted;
DROP TRIGGER item_discounted;
DROP TRIGGER subscription_added;
DROP TRIGGER subscription_removed;
DROP TRIGGER subscription_counted;
DROP TRIGGER subscription_discounted;
CREATE TRIGGER subscription_added AFTER INSERT ON subscription BEGIN
  UPDATE account SET subscriptions = subscriptions + 1 WHERE id = new.account;
END;
CREATE TRIGGER subscription_removed AFTER DELETE ON subscription BEGIN
  UPDATE account SET subscriptions = subscriptions - 1 WHERE id = old.account;
END;
CREATE TRIGGER subscription_added_pending AFTER INSERT ON subscription WHEN new.is_pending = 1 BEGIN
  UPDATE node SET pending = pending + 1 WHERE id = new.node;
END;
CREATE TRIGGER subscription_removed_pending AFTER DELETE ON subscription WHEN old.is_pending = 1 BEGIN
  UPDATE node SET pending = pending - 1 WHERE id = old.node;
END;
`,
]
