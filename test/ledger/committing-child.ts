import { writeSync } from 'node:fs';
import { LIGHTNING, reservedAccount, REVENUE } from '../../src/job/entry.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { msat } from '../../src/money/msat.ts';
import type { Job } from '../../src/job/job.ts';

// Commits until it is killed, some changes at once; writes the name of each that was told to be durable.

const [path = '', run = ''] = process.argv.slice(2);
const ledger = await openSqliteLedger({ path });

async function commitAll(lane: number): Promise<void> {
  for (let round = 0; ; round++) {
    const key = `${run}-${lane}-${round}`;
    const account = reservedAccount(key);
    await ledger.commit({
      job: { key, paymentHash: key } as Job,
      input: new Uint8Array(3_000).fill(lane),
      entries: [
        { jobKey: key, from: LIGHTNING, to: account, amountMsat: msat(7n), reason: 'received' },
        { jobKey: key, from: account, to: REVENUE, amountMsat: msat(5n), reason: 'charge' },
      ],
      effects: [{ kind: 'deliver' }],
    });
    writeSync(1, `${key}\n`);
  }
}

await Promise.all([0, 1, 2, 3].map(commitAll));
