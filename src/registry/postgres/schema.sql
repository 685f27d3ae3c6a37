-- The registry on PostgreSQL, version 1. Plain SQL that distributed engines of its kind know too: no trigger, no function
-- of one engine, no sequence. Digests and ids are raw bytes; times are Unix seconds in UTC as the nodes say them, but for
-- leases and claims, which the database's own clock decides. A released version is never edited: a change is a new migration.

-- One row for every start of a node, by a random id. Beyond lease_until it counts as dead, and what it left unfinished is
-- marked as unknown; a start without a row does so too.
CREATE TABLE IF NOT EXISTS antin.run (
    id          BYTEA       NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    started_at  BIGINT      NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL
);

-- One row for every signing begun. progress: begun -> issued, or begun -> unknown (id void, key spent). run names no row of
-- antin.run by a foreign key: that would lock one row for every document.
CREATE TABLE IF NOT EXISTS antin.document (
    id              BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    client          TEXT   NOT NULL,
    idempotency_key TEXT   NOT NULL,
    request_digest  BYTEA  NOT NULL CHECK (octet_length(request_digest) = 32),
    kind            TEXT   NOT NULL,
    document_digest BYTEA  NOT NULL CHECK (octet_length(document_digest) = 32),
    signer          TEXT   NOT NULL,
    level_requested TEXT   NOT NULL,
    format          TEXT   NOT NULL,
    packaging       TEXT   NOT NULL,
    media_type      TEXT   NOT NULL,
    begun_at        BIGINT NOT NULL,
    run             BYTEA  NOT NULL CHECK (octet_length(run) = 16),
    progress        TEXT   NOT NULL CHECK (progress IN ('begun', 'issued', 'unknown')),
    signed_at                 BIGINT,
    signer_certificate_sha256 BYTEA CHECK (octet_length(signer_certificate_sha256) = 32),
    state           TEXT   CHECK (state IN ('in-force', 'suspended', 'withdrawn', 'superseded', 'used')),
    UNIQUE (client, idempotency_key),
    CHECK ((progress = 'issued') = (signed_at IS NOT NULL)),
    CHECK ((progress = 'issued') = (signer_certificate_sha256 IS NOT NULL)),
    CHECK ((progress = 'issued') = (state IS NOT NULL))
);

CREATE INDEX IF NOT EXISTS document_begun ON antin.document (run) WHERE progress = 'begun';
CREATE INDEX IF NOT EXISTS document_by_digest ON antin.document (document_digest, signed_at) WHERE progress = 'issued';

-- The signatures of a document, CMS without content: version 1 as released, higher ones when its level was raised.
CREATE TABLE IF NOT EXISTS antin.signature (
    document_id BYTEA  NOT NULL REFERENCES antin.document (id),
    version     BIGINT NOT NULL CHECK (version >= 1),
    level       TEXT   NOT NULL,
    cms         BYTEA  NOT NULL CHECK (octet_length(cms) > 0),
    PRIMARY KEY (document_id, version)
);

-- Every change of standing, in order; none means in force since signed_at. superseded_by names an issued document, which
-- the transaction of the change holds; a foreign key would make the order of rows matter when a registry is imported.
CREATE TABLE IF NOT EXISTS antin.status_change (
    document_id   BYTEA  NOT NULL REFERENCES antin.document (id),
    position      BIGINT NOT NULL CHECK (position >= 1),
    state         TEXT   NOT NULL CHECK (state IN ('in-force', 'suspended', 'withdrawn', 'superseded', 'used')),
    superseded_by BYTEA  CHECK (octet_length(superseded_by) = 16),
    client        TEXT   NOT NULL,
    changed_at    BIGINT NOT NULL,
    reason        TEXT   NOT NULL,
    PRIMARY KEY (document_id, position),
    CHECK (superseded_by IS NULL OR state = 'superseded')
);

-- One row from the release of a signature below the level ordered until that is reached; due_at is when it is to be tried
-- next. Until claimed_until it is left to the node that claimed it.
CREATE TABLE IF NOT EXISTS antin.raising (
    document_id   BYTEA   NOT NULL PRIMARY KEY REFERENCES antin.document (id),
    since         BIGINT  NOT NULL,
    due_at        BIGINT  NOT NULL,
    attempts      BIGINT  NOT NULL DEFAULT 0,
    given_up      BOOLEAN NOT NULL DEFAULT FALSE,
    claimed_by    BYTEA,
    claimed_until TIMESTAMPTZ
);

CREATE INDEX IF NOT EXISTS raising_due ON antin.raising (due_at) WHERE NOT given_up;

-- One row from an archive time-stamp until it is to be followed by another; then the document is in raising again.
CREATE TABLE IF NOT EXISTS antin.renewal (
    document_id BYTEA  NOT NULL PRIMARY KEY REFERENCES antin.document (id),
    ends_at     BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS renewal_ends ON antin.renewal (ends_at);
