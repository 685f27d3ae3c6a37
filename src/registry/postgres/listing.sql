-- The registry on PostgreSQL, the next version: places in the status lists. Each statement may be repeated.

-- The bits of the document in the status lists; none: it was begun while none were published.
ALTER TABLE antin.document ADD COLUMN IF NOT EXISTS status_list BIGINT CHECK (status_list >= 0);
ALTER TABLE antin.document ADD COLUMN IF NOT EXISTS status_index BIGINT CHECK (status_index >= 0 AND status_index < 1048576);

CREATE UNIQUE INDEX IF NOT EXISTS document_by_status_place ON antin.document (status_list, status_index) WHERE status_list IS NOT NULL;
-- Those that lists tell of, and those that are void, by when they were begun.
CREATE INDEX IF NOT EXISTS document_listed ON antin.document (status_list, status_index)
    WHERE status_list IS NOT NULL AND (progress = 'unknown' OR state <> 'in-force');
CREATE INDEX IF NOT EXISTS document_void ON antin.document (begun_at) WHERE status_list IS NOT NULL AND progress = 'unknown';
CREATE INDEX IF NOT EXISTS status_change_by_time ON antin.status_change (changed_at);

-- One row for every 1,024 places that a node leased.
CREATE TABLE IF NOT EXISTS antin.status_block (
    number BIGINT NOT NULL PRIMARY KEY CHECK (number >= 0),
    run    BYTEA  NOT NULL CHECK (octet_length(run) = 16)
);
