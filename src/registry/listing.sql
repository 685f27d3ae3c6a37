-- The registry, the next version: places in the status lists.

-- The bits of the document in the status lists; none: it was begun while none were published.
ALTER TABLE document ADD COLUMN status_list INTEGER CHECK (status_list >= 0);
ALTER TABLE document ADD COLUMN status_index INTEGER CHECK (status_index >= 0 AND status_index < 1048576);

CREATE UNIQUE INDEX document_by_status_place ON document (status_list, status_index) WHERE status_list IS NOT NULL;
-- Those that lists tell of, and those that are void, by when they were begun.
CREATE INDEX document_listed ON document (status_list, status_index)
    WHERE status_list IS NOT NULL AND (progress = 'unknown' OR state <> 'in-force');
CREATE INDEX document_void ON document (begun_at) WHERE status_list IS NOT NULL AND progress = 'unknown';
CREATE INDEX status_change_by_time ON status_change (changed_at);

-- One row for every 1,024 places that a node leased.
CREATE TABLE status_block (
    number INTEGER NOT NULL PRIMARY KEY CHECK (number >= 0),
    run    INTEGER NOT NULL REFERENCES run (number)
) STRICT;
