-- The registry, version 1. Plain SQL: no trigger, no function of one engine; digests and ids are raw bytes, times are
-- Unix seconds in UTC. A released version is never edited: a change is a new migration.

-- One row for every start of the service; tells the attempts of this process from those of dead ones.
CREATE TABLE run (
    number     INTEGER NOT NULL PRIMARY KEY,
    started_at INTEGER NOT NULL
) STRICT;

-- One row for every signing begun. progress: begun -> issued, or begun -> unknown (id void, key spent).
CREATE TABLE document (
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    client          TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    request_digest  BLOB    NOT NULL CHECK (length(request_digest) = 32),
    kind            TEXT    NOT NULL,
    document_digest BLOB    NOT NULL CHECK (length(document_digest) = 32),
    signer          TEXT    NOT NULL,
    level_requested TEXT    NOT NULL,
    format          TEXT    NOT NULL,
    packaging       TEXT    NOT NULL,
    media_type      TEXT    NOT NULL,
    begun_at        INTEGER NOT NULL,
    run             INTEGER NOT NULL REFERENCES run (number),
    progress        TEXT    NOT NULL CHECK (progress IN ('begun', 'issued', 'unknown')),
    signed_at                 INTEGER,
    signer_certificate_sha256 BLOB CHECK (length(signer_certificate_sha256) = 32),
    state           TEXT    CHECK (state IN ('in-force', 'suspended', 'withdrawn', 'superseded', 'used')),
    UNIQUE (client, idempotency_key),
    CHECK ((progress = 'issued') = (signed_at IS NOT NULL)),
    CHECK ((progress = 'issued') = (signer_certificate_sha256 IS NOT NULL)),
    CHECK ((progress = 'issued') = (state IS NOT NULL))
) STRICT;

CREATE INDEX document_begun ON document (run) WHERE progress = 'begun';
CREATE INDEX document_by_digest ON document (document_digest, signed_at) WHERE progress = 'issued';

-- The signatures of a document, CMS without content: version 1 as released, higher ones when its level was raised.
CREATE TABLE signature (
    document_id BLOB    NOT NULL REFERENCES document (id),
    version     INTEGER NOT NULL CHECK (version >= 1),
    level       TEXT    NOT NULL,
    cms         BLOB    NOT NULL CHECK (length(cms) > 0),
    PRIMARY KEY (document_id, version)
) STRICT;

-- Every change of standing, in order; none means in force since signed_at.
CREATE TABLE status_change (
    document_id   BLOB    NOT NULL REFERENCES document (id),
    position      INTEGER NOT NULL CHECK (position >= 1),
    state         TEXT    NOT NULL CHECK (state IN ('in-force', 'suspended', 'withdrawn', 'superseded', 'used')),
    superseded_by BLOB    REFERENCES document (id),
    client        TEXT    NOT NULL,
    changed_at    INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    PRIMARY KEY (document_id, position),
    CHECK (superseded_by IS NULL OR state = 'superseded')
) STRICT;
