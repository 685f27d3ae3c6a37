-- The registry on PostgreSQL, version 2: the issuance log. Which documents are in it, in which order, and how far it goes.

-- One row for each document of the log, with the salt of its entry. Without a position it waits to be given one; a position that was given
-- is never changed, for the trees that were signed stand on it.
CREATE TABLE IF NOT EXISTS antin.log_entry (
    document_id BYTEA  NOT NULL PRIMARY KEY REFERENCES antin.document (id),
    salt        BYTEA  NOT NULL CHECK (octet_length(salt) = 32),
    since       BIGINT NOT NULL,
    position    BIGINT CHECK (position >= 0)
);

CREATE UNIQUE INDEX IF NOT EXISTS log_entry_position ON antin.log_entry (position);
CREATE INDEX IF NOT EXISTS log_entry_waiting ON antin.log_entry (since, document_id) WHERE position IS NULL;

-- The one row says how many positions were given, and the root of the tree over them. Until held_until one node alone gives them; fence is
-- one more each time that another node begins to, and who is late with an older one gives none.
CREATE TABLE IF NOT EXISTS antin.log_head (
    number     BIGINT NOT NULL PRIMARY KEY CHECK (number = 1),
    size       BIGINT NOT NULL CHECK (size >= 0),
    root       BYTEA  CHECK (octet_length(root) = 32),
    fence      BIGINT NOT NULL,
    holder     BYTEA,
    held_until TIMESTAMPTZ
);

INSERT INTO antin.log_head (number, size, fence) VALUES (1, 0, 0) ON CONFLICT (number) DO NOTHING;
