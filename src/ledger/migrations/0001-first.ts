/**
 * The first ledger. Money is msat in INTEGER columns (64 bits, exact; STRICT refuses anything else), times are Unix ms.
 * `record` and `effect` are texts of job-record.ts: the columns beside them are only what is searched by.
 */
export const first = `
CREATE TABLE job (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  key            TEXT    NOT NULL UNIQUE,
  payment_hash   TEXT    NOT NULL UNIQUE,
  finished       INTEGER NOT NULL CHECK (finished IN (0, 1)),
  delivered_at_ms INTEGER,
  record         TEXT    NOT NULL
) STRICT;
CREATE INDEX job_unfinished ON job (seq) WHERE finished = 0;
CREATE INDEX job_delivered ON job (delivered_at_ms) WHERE delivered_at_ms IS NOT NULL;
CREATE TRIGGER job_identity BEFORE UPDATE OF key, payment_hash ON job
  WHEN NEW.key IS NOT OLD.key OR NEW.payment_hash IS NOT OLD.payment_hash
  BEGIN SELECT RAISE(ABORT, 'a job keeps its key and its payment hash'); END;
CREATE TRIGGER job_kept BEFORE DELETE ON job
  BEGIN SELECT RAISE(ABORT, 'a job is kept for ever'); END;

CREATE TABLE input (
  job_key        TEXT    PRIMARY KEY REFERENCES job (key),
  body           BLOB    NOT NULL
) STRICT;

CREATE TABLE entry (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  job_key        TEXT    NOT NULL REFERENCES job (key),
  from_account   TEXT    NOT NULL,
  to_account     TEXT    NOT NULL,
  amount_msat    INTEGER NOT NULL CHECK (amount_msat > 0),
  reason         TEXT    NOT NULL,
  at_ms          INTEGER NOT NULL,
  CHECK (from_account <> to_account)
) STRICT;
CREATE INDEX entry_of_job ON entry (job_key);
CREATE TRIGGER entry_unaltered BEFORE UPDATE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;
CREATE TRIGGER entry_kept BEFORE DELETE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are only ever added'); END;

-- Sums of entries, kept with them; an account without a row has a balance of 0.
CREATE TABLE balance (
  account        TEXT    PRIMARY KEY,
  balance_msat   INTEGER NOT NULL,
  CHECK (balance_msat >= 0 OR NOT (account GLOB 'buyer:*' OR account GLOB 'reserved:*'))
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  job_key        TEXT    NOT NULL REFERENCES job (key),
  effect         TEXT    NOT NULL
) STRICT;

-- The newest manifest of each peer, as it came: a peer that knows us already does not send it again.
CREATE TABLE manifest (
  peer           TEXT    NOT NULL,
  type           INTEGER NOT NULL,
  payload        BLOB    NOT NULL,
  PRIMARY KEY (peer, type)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  position       INTEGER NOT NULL CHECK (position >= 0)
) STRICT;
INSERT INTO cursor (id, position) VALUES (1, 0);
CREATE TRIGGER cursor_forward BEFORE UPDATE ON cursor WHEN NEW.position < OLD.position
  BEGIN SELECT RAISE(ABORT, 'the cursor never goes back'); END;
CREATE TRIGGER cursor_kept BEFORE DELETE ON cursor
  BEGIN SELECT RAISE(ABORT, 'the cursor never goes back'); END;
`;
