import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reservedAccount } from '../../src/job/entry.ts';
import type { Entry } from '../../src/job/entry.ts';
import { msat } from '../../src/money/msat.ts';
import { changeOf, jobNamed, temporaryLedger } from './job-fixture.ts';

/** Jobs under way: nothing may be reserved for another. */
const underWay = [jobNamed('x'), jobNamed('y')];
const RESERVED = underWay.map(({ key }) => reservedAccount(key));
const ACCOUNTS = ['lightning', 'grant', 'revenue', 'payout', 'buyer:a', 'buyer:b', ...RESERVED];
const guarded = (account: string): boolean => /^(buyer|reserved):/.test(account);

const transfer = fc
  .record({ from: fc.constantFrom(...ACCOUNTS), to: fc.constantFrom(...ACCOUNTS), amount: fc.bigInt(1n, 50n) })
  .filter(({ from, to }) => from !== to);
/** Groups of changes of transfers: those of a group are called in one tick. */
const history = fc.array(fc.array(fc.array(transfer, { maxLength: 3 }), { minLength: 1, maxLength: 5 }), {
  maxLength: 8,
});

test('whatever is moved, in whatever groups, nothing is made, lost or lent, and a model agrees on what was refused', async () => {
  const { ledger } = await temporaryLedger();
  for (const job of underWay) await ledger.commit(changeOf(job));
  const model = new Map(ACCOUNTS.map((account) => [account, 0n]));
  let count = 0;
  await fc.assert(
    fc.asyncProperty(history, async (groups) => {
      for (const group of groups) {
        const outcomes = await Promise.all(
          group.map((transfers) => {
            const job = jobNamed(`job ${count++}`);
            const entries: Entry[] = transfers.map(({ from, to, amount }) => ({
              jobKey: job.key,
              from,
              to,
              amountMsat: msat(amount),
              reason: 'moved',
            }));
            const commit = ledger.commit(changeOf(job, { entries }));
            return commit.then(
              () => true,
              () => false,
            );
          }),
        );
        const expected = group.map((transfers) => {
          const next = new Map(model);
          for (const { from, to, amount } of transfers) {
            next.set(from, (next.get(from) ?? 0n) - amount);
            next.set(to, (next.get(to) ?? 0n) + amount);
          }
          if ([...next].some(([account, balance]) => guarded(account) && balance < 0n)) return false;
          for (const [account, balance] of next) model.set(account, balance);
          return true;
        });
        expect(outcomes).toEqual(expected);
      }
      for (const [account, balance] of model) expect(await ledger.balance(account)).toBe(balance);
      expect((await ledger.check()).problems).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
