-- The registry, version 2: documents whose signature is to reach the level that was ordered.

-- One row from the release of a signature below that level until it is reached; due_at is when it is to be tried next.
CREATE TABLE raising (
    document_id BLOB    NOT NULL PRIMARY KEY REFERENCES document (id),
    since       INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    given_up    INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1))
) STRICT;

CREATE INDEX raising_due ON raising (due_at) WHERE given_up = 0;
