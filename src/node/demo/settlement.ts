import { join } from 'node:path';
import { readBooks } from '../../ledger/sqlite-books.ts';
import type { Msat } from '../../money/msat.ts';
import { jobMoney } from '../../operator/job-story.ts';
import { ledgerPath } from '../data-directory.ts';

/** Where the demo's seller keeps its books. */
export const sellerDirectory = (directory: string): string => join(directory, 'seller');

/** What became of the money of one sale. */
export interface Settlement {
  readonly creditUsedMsat: Msat;
  readonly chargeMsat: Msat;
  readonly creditGivenMsat: Msat;
}

/** Looks into the seller's books, as `lcp-provider job` does. Rejects with LedgerError. */
export const settlementOf = (directory: string, jobId: string): Promise<Settlement | undefined> =>
  readBooks(ledgerPath(sellerDirectory(directory)), async (books) => {
    const [job] = await books.jobsNamed(jobId, 1);
    return job && jobMoney(job, await books.entries(job.key));
  });
