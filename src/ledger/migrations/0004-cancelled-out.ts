/**
 * A job that was never paid leaves nothing behind either where credit was reserved for it and released: entries that cancel each other out. They
 * go with it, in one transaction, and no balance changes.
 */
export const cancelledOut = `
UPDATE job SET unpaid_expiry_ms = json_extract(record, '$.job.terms.quoteExpiryS') * 1000
  WHERE finished = 1 AND unpaid_expiry_ms IS NULL AND json_extract(record, '$.job.receivedMsat') IS NULL
    AND NOT EXISTS (SELECT 1 FROM entry WHERE job_key = key
      AND ('reserved:' || key NOT IN (from_account, to_account) OR 'buyer:' || peer NOT IN (from_account, to_account)))
    AND 0 = (SELECT coalesce(sum(iif(to_account = 'reserved:' || key, amount_msat, -amount_msat)), 0) FROM entry WHERE job_key = key);

DROP TRIGGER entry_kept;
-- Asks what is there, as for the job: only between a buyer and what was reserved for a job that is at rest and had no payment.
CREATE TRIGGER entry_kept BEFORE DELETE ON entry
  WHEN OLD.job_key IS NULL
    OR 'buyer:' || substr(OLD.job_key, 1, instr(OLD.job_key, '/') - 1) NOT IN (OLD.from_account, OLD.to_account)
    OR 'reserved:' || OLD.job_key NOT IN (OLD.from_account, OLD.to_account)
    OR NOT EXISTS (SELECT 1 FROM job WHERE key = OLD.job_key AND unpaid_expiry_ms IS NOT NULL AND finished = 1
      AND json_extract(record, '$.job.receivedMsat') IS NULL)
    OR EXISTS (SELECT 1 FROM outbox WHERE job_key = OLD.job_key)
    OR EXISTS (SELECT 1 FROM balance WHERE account = 'reserved:' || OLD.job_key)
  BEGIN SELECT RAISE(ABORT, 'entries are only ever added, unless those of a job that nobody paid cancel each other out'); END;
`;
