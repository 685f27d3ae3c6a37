-- The registry, version 4: the issuance log. Which documents are in it, in which order, and how far it goes.

-- One row for each document of the log, with the salt of its entry. Without a position it waits to be given one; a position that was given
-- is never changed, for the trees that were signed stand on it.
CREATE TABLE log_entry (
    document_id BLOB    NOT NULL PRIMARY KEY REFERENCES document (id),
    salt        BLOB    NOT NULL CHECK (length(salt) = 32),
    since       INTEGER NOT NULL,
    position    INTEGER CHECK (position >= 0)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX log_entry_position ON log_entry (position) WHERE position IS NOT NULL;
CREATE INDEX log_entry_waiting ON log_entry (since, document_id) WHERE position IS NULL;

-- The one row says how many positions were given, and the root of the tree over them.
CREATE TABLE log_head (
    number INTEGER NOT NULL PRIMARY KEY CHECK (number = 1),
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB    CHECK (length(root) = 32)
) STRICT;

INSERT INTO log_head (number, size) VALUES (1, 0);
