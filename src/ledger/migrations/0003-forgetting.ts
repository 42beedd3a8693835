/**
 * What leaves nothing behind. A job for which nothing was ever paid or reserved may be deleted once it is at rest: `unpaid_expiry_ms`, the end of its
 * quote, stands in those alone. `payer` says whose last payment is how old. Manifests are numbered in the order in which they were saved.
 */
export const forgetting = `
ALTER TABLE job ADD COLUMN unpaid_expiry_ms INTEGER;
UPDATE job SET unpaid_expiry_ms = json_extract(record, '$.job.terms.quoteExpiryS') * 1000
  WHERE finished = 1 AND json_extract(record, '$.job.receivedMsat') IS NULL
    AND NOT EXISTS (SELECT 1 FROM entry WHERE job_key = key);
CREATE INDEX job_unpaid ON job (unpaid_expiry_ms) WHERE unpaid_expiry_ms IS NOT NULL;

DROP TRIGGER job_kept;
-- Asks what is there, not only what the columns say of it; and whatever program deletes, foreign keys on or off.
CREATE TRIGGER job_kept BEFORE DELETE ON job
  WHEN OLD.unpaid_expiry_ms IS NULL OR OLD.finished = 0
    OR json_extract(OLD.record, '$.job.receivedMsat') IS NOT NULL
    OR EXISTS (SELECT 1 FROM entry WHERE job_key = OLD.key)
    OR EXISTS (SELECT 1 FROM outbox WHERE job_key = OLD.key)
    OR EXISTS (SELECT 1 FROM input WHERE job_key = OLD.key)
  BEGIN SELECT RAISE(ABORT, 'a job is kept for ever, unless nothing was paid for it and nothing is left to do'); END;

CREATE TABLE payer (
  peer           TEXT    PRIMARY KEY,
  entry_id       INTEGER NOT NULL UNIQUE REFERENCES entry (id)
) STRICT, WITHOUT ROWID;
INSERT INTO payer (peer, entry_id)
  SELECT substr(job_key, 1, instr(job_key, '/') - 1) AS peer, max(id) FROM entry
    WHERE from_account = 'lightning' AND job_key IS NOT NULL GROUP BY peer;
CREATE TRIGGER entry_of_payer AFTER INSERT ON entry WHEN NEW.from_account = 'lightning' AND NEW.job_key IS NOT NULL
  BEGIN
    INSERT INTO payer (peer, entry_id) VALUES (substr(NEW.job_key, 1, instr(NEW.job_key, '/') - 1), NEW.id)
      ON CONFLICT (peer) DO UPDATE SET entry_id = excluded.entry_id;
  END;

CREATE TABLE manifest_3 (
  seq            INTEGER PRIMARY KEY,
  peer           TEXT    NOT NULL,
  type           INTEGER NOT NULL,
  payload        BLOB    NOT NULL,
  UNIQUE (peer, type)
) STRICT;
INSERT INTO manifest_3 (peer, type, payload) SELECT peer, type, payload FROM manifest;
DROP TABLE manifest;
ALTER TABLE manifest_3 RENAME TO manifest;
`;
