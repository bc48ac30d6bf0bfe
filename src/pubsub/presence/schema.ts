/**
 * What a database keeps of presence: who has which feed in a roster, and who of them is there. Contacts are counted in `total`, a table of
 * the store.
 */
export const presenceSchema = `
CREATE TABLE contact (
  node INTEGER NOT NULL,
  account TEXT NOT NULL,
  theirs TEXT NOT NULL,
  ours TEXT NOT NULL,
  PRIMARY KEY (node, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_granted ON contact (account) WHERE ours = 'granted';
CREATE TRIGGER contact_added AFTER INSERT ON contact BEGIN
  UPDATE total SET contacts = contacts + 1 WHERE id = 1;
END;
CREATE TRIGGER contact_removed AFTER DELETE ON contact BEGIN
  UPDATE total SET contacts = contacts - 1 WHERE id = 1;
END;

CREATE TABLE resource (
  jid TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  priority INTEGER NOT NULL,
  since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
