import { LIGHTNING, REVENUE } from '../../src/job/entry.ts';
import { spoolName } from '../../src/spool/spool-files.ts';
import { judgeSale } from './judge-sale.ts';
import type { Scene } from './scene.ts';

const MOST_TIMERS = 5;

/** What must hold when everything is over and forgotten: each law by its name. Says through the world what does not. */
export function judge(scene: Scene): void {
  judgeBooks(scene);
  judgeEnd(scene);
  const byKey = new Map(scene.books.jobs().map((job) => [job.key, job]));
  for (const sale of scene.witness.sales) {
    const job = byKey.get(sale.key);
    if (job !== undefined) judgeSale(scene, sale, job);
  }
}

function judgeBooks({ world, books, account }: Scene): void {
  const { problems } = books.check();
  if (problems.length > 0) world.violate('the books balance', problems.join('; '));
  const balances = books.balances();
  const sumOf = (prefix: string): bigint =>
    [...balances].reduce((sum, [name, balance]) => (name.startsWith(prefix) ? sum + balance : sum), 0n);
  if (-sumOf(LIGHTNING) !== account.receivedMsat)
    world.violate(
      'what the node received is in the books',
      `${account.receivedMsat} msat, booked ${-sumOf(LIGHTNING)}`,
    );
  if (sumOf('reserved:') !== 0n) world.violate('nothing stays reserved', `${sumOf('reserved:')} msat`);
  const kept = sumOf(REVENUE) + sumOf('buyer:');
  if (kept !== account.receivedMsat)
    world.violate('received = revenue + credit', `${account.receivedMsat} msat, kept ${kept}`);
  const settled = account.settledAfter(0n).length;
  // With nothing gone wrong, the node tells nearly every settlement with its position.
  const isSmooth = world.counts['faults'] === undefined;
  if (isSmooth && 2n * books.cursor() < BigInt(settled))
    world.violate('the settlement cursor moves on', `${books.cursor()} of ${settled}`);
  for (const { paymentHash, state } of account.invoices()) {
    if (state.state === 'held') world.violate('no payment stays held', paymentHash);
    if (state.state === 'settled' && books.jobByPaymentHash(paymentHash) === undefined)
      world.violate('every payment has a job', 'a settled invoice is in no job');
  }
}

/** After peace: nothing is under way but answers that wait for a buyer who never comes back. */
export function judgeRest({ world, provider, buyers, witness }: Scene): void {
  const { seller, pool } = provider;
  if (seller === undefined) return world.violate('everything comes to rest', 'the process does not run');
  const gone = new Set(buyers.filter(({ isGone }) => isGone).map(({ link }) => link.peer));
  const stuck = seller.engine.liveJobs().find((job) => !(job.delivery === 'paused' && gone.has(job.peer)));
  if (stuck !== undefined) {
    const states = `${stuck.funding} ${stuck.run} ${stuck.delivery}`;
    world.violate('everything comes to rest', `${witness.labelOf(stuck.key)} is ${states}`);
  }
  if (seller.intake.size !== 0) world.violate('memory is empty at rest', `${seller.intake.size} drafts`);
  if (pool?.running() !== 0 || pool.waiting() !== 0)
    world.violate('memory is empty at rest', `${pool?.running()} slots taken, ${pool?.waiting()} waiting`);
}

/** After the last start, when all retention is over. */
function judgeEnd({ world, books, provider, disk, witness }: Scene): void {
  const { effects, unfinished } = books.leftOver();
  const live = provider.seller?.engine.liveJobs().length ?? 'no process for';
  if (unfinished > 0 || live !== 0)
    world.violate('everything comes to rest', `${unfinished} unfinished, ${live} live jobs`);
  // The sweeper's, the pool's, and what a connection that is new has.
  if (provider.life !== undefined && provider.life.timers > MOST_TIMERS)
    world.violate('memory is empty at rest', `${provider.life.timers} timers`);
  if (effects.length > 0) world.violate('the outbox is empty at rest', effects.join());
  const [left] = disk.files();
  const owner = witness.sales.find(({ key }) => left?.includes(spoolName(key)));
  if (left !== undefined) world.violate('the spool is empty after the retention', `a file of ${owner?.label} is left`);
}
