-- The registry, version 3: signatures at B-LTA, and until when their newest archive time-stamps prove anything.

-- One row from an archive time-stamp until it is to be followed by another; then the document is in raising again.
CREATE TABLE renewal (
    document_id BLOB    NOT NULL PRIMARY KEY REFERENCES document (id),
    ends_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX renewal_ends ON renewal (ends_at);
