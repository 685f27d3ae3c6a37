-- The registry in SQLite, version 7: the place in the issuance log is a part of the document's own row.
--
-- A table of its own, in the order of ids that are random, had a page dirtied for nearly every document, and once more when it was given
-- its position; rows of documents are appended, so that a hundred that were issued together share a few pages.

ALTER TABLE document ADD COLUMN log_salt BLOB CHECK (length(log_salt) = 32);
-- Since when it waits, or waited.
ALTER TABLE document ADD COLUMN log_since INTEGER CHECK ((log_since IS NULL) = (log_salt IS NULL));
-- A position that was given is never changed, for the trees that were signed stand on it.
ALTER TABLE document ADD COLUMN log_position INTEGER CHECK (log_position IS NULL OR (log_position >= 0 AND log_salt IS NOT NULL));

UPDATE document SET (log_salt, log_since, log_position) =
    (SELECT l.salt, l.since, l.position FROM log_entry l WHERE l.document_id = document.id)
    WHERE id IN (SELECT document_id FROM log_entry);

DROP TABLE log_entry;

CREATE UNIQUE INDEX document_by_log_position ON document (log_position) WHERE log_position IS NOT NULL;
CREATE INDEX document_waiting ON document (log_since) WHERE log_salt IS NOT NULL AND log_position IS NULL;
