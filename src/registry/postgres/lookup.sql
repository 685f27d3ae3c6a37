-- The registry on PostgreSQL, the next version: digests under a key of the five fields by which the holder of a paper asks for it.

-- Several of one document: with and without the marks of the name, one for each number of an identity paper. A paper that was issued again may have
-- the same.
CREATE TABLE IF NOT EXISTS antin.lookup_digest (
    digest      BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    document_id BYTEA NOT NULL REFERENCES antin.document (id),
    key_id      BYTEA NOT NULL CHECK (octet_length(key_id) = 8),
    PRIMARY KEY (digest, document_id)
);

CREATE INDEX IF NOT EXISTS lookup_digest_of_document ON antin.lookup_digest (document_id);
