-- The registry, the next version: digests under a key of the five fields by which the holder of a paper asks for it.

-- Several of one document: with and without the marks of the name, one for each number of an identity paper. A paper that was issued again may have
-- the same.
CREATE TABLE lookup_digest (
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    document_id BLOB NOT NULL REFERENCES document (id),
    key_id      BLOB NOT NULL CHECK (length(key_id) = 8),
    PRIMARY KEY (digest, document_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX lookup_digest_of_document ON lookup_digest (document_id);
