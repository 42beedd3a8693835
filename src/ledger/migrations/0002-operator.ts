/**
 * The operator's view. `epoch` counts the processes that served: what one of them writes is refused once the next has begun. Entries may
 * belong to no job, and then say why. Jobs are found by state, peer and id; `peer` and `job_id` are parts of the key, `state` is
 * job-state.ts's word, written with each change.
 */
export const operator = `
CREATE TABLE epoch (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  number         INTEGER NOT NULL CHECK (number >= 0)
) STRICT;
INSERT INTO epoch (id, number) VALUES (1, 0);
CREATE TRIGGER epoch_forward BEFORE UPDATE ON epoch WHEN NEW.number <= OLD.number
  BEGIN SELECT RAISE(ABORT, 'the epoch only rises'); END;
CREATE TRIGGER epoch_kept BEFORE DELETE ON epoch
  BEGIN SELECT RAISE(ABORT, 'the epoch only rises'); END;

-- The state that most old jobs have is the default: the others alone are rewritten.
ALTER TABLE job ADD COLUMN state TEXT NOT NULL DEFAULT 'served';
ALTER TABLE job ADD COLUMN peer TEXT AS (substr(key, 1, instr(key, '/') - 1)) VIRTUAL;
ALTER TABLE job ADD COLUMN job_id TEXT AS (
  substr(key, instr(key, '/') + 1 + instr(substr(key, instr(key, '/') + 1), '/'))) VIRTUAL;
UPDATE job SET state = old.now FROM (
  SELECT seq AS number, CASE json_extract(record, '$.job.run')
    WHEN 'failed' THEN 'failed'
    WHEN 'ended' THEN iif(json_extract(record, '$.job.cancelled'), 'cancelled', 'served')
    WHEN 'none' THEN CASE
      WHEN json_extract(record, '$.job.funding') IN ('invoicing', 'open', 'closing') THEN 'open'
      ELSE iif(json_extract(record, '$.job.cancelled'), 'cancelled', 'unpaid') END
    ELSE 'paid' END AS now
  FROM job) AS old
  WHERE seq = old.number AND old.now <> 'served';
-- Each is also in the order of seq, which every index of SQLite ends with.
CREATE INDEX job_of_state ON job (state);
CREATE INDEX job_of_peer ON job (peer);
CREATE INDEX job_of_peer_and_state ON job (peer, state);
CREATE INDEX job_of_id ON job (job_id);

CREATE TABLE entry_2 (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  job_key        TEXT    REFERENCES job (key),
  from_account   TEXT    NOT NULL,
  to_account     TEXT    NOT NULL,
  amount_msat    INTEGER NOT NULL CHECK (amount_msat > 0),
  reason         TEXT    NOT NULL,
  note           TEXT,
  at_ms          INTEGER NOT NULL,
  CHECK (from_account <> to_account),
  CHECK (job_key IS NOT NULL OR note IS NOT NULL)
) STRICT;
INSERT INTO entry_2 (id, job_key, from_account, to_account, amount_msat, reason, at_ms)
  SELECT id, job_key, from_account, to_account, amount_msat, reason, at_ms FROM entry ORDER BY id;
DROP TABLE entry;
ALTER TABLE entry_2 RENAME TO entry;
CREATE INDEX entry_of_job ON entry (job_key);
CREATE INDEX entry_to_buyer ON entry (to_account) WHERE substr(to_account, 1, 6) = 'buyer:';
CREATE TRIGGER entry_unaltered BEFORE UPDATE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
CREATE TRIGGER entry_kept BEFORE DELETE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
`;
