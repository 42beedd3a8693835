import { Command, InvalidArgumentError, Option } from 'commander';
import { JOB_STATES, stateOf } from '../job/job-state.ts';
import type { JobState } from '../job/job-state.ts';
import type { Job } from '../job/job.ts';
import type { Books, JobQuery } from '../ledger/books.ts';
import { durationMs, jobMoney } from '../operator/job-story.ts';
import type { JobMoney } from '../operator/job-story.ts';
import { failWith } from './exit-code.ts';
import { durationText, isTerminal, msatText, printJson, printLine, shortId, timeText, terminalWidth } from './print.ts';
import { tableLines } from './table.ts';
import type { Column } from './table.ts';
import { configOption, peerNamed, withBooks } from './with-books.ts';

const EXAMPLES = `
States: open (can still be paid) · paid (work is owed or under way) · served · failed · cancelled (by the buyer) · unpaid (nobody paid in time)

Examples:
  lcp-provider jobs                                 the newest 20
  lcp-provider jobs --state failed --limit 5        what went wrong of late
  lcp-provider jobs --peer 02a1b2                   of the buyer whose id begins so
  lcp-provider jobs --limit 1000000 | jq -s 'map(.charge_msat) | add'
`;
/** Jobs in memory at once. */
const PAGE = 500;

interface Listed {
  readonly job: Job;
  readonly money: JobMoney;
  readonly durationMs: number | undefined;
}

const limit = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number, 1 or more');
  return value;
};

export function jobsCommand(): Command {
  return new Command('jobs')
    .description('List jobs, newest first. Amounts are msat.')
    .option('-n, --limit <count>', 'at most so many', limit, 20)
    .addOption(new Option('-s, --state <state>', 'only these').choices(JOB_STATES))
    .option('-p, --peer <id>', 'only of this buyer; the beginning of its id is enough')
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((options: { limit: number; state?: JobState; peer?: string; config: string }) =>
      withBooks(options.config, (books) => list(books, options)).catch(failWith),
    );
}

async function list(books: Books, options: { limit: number; state?: JobState; peer?: string }): Promise<void> {
  const { state } = options;
  const peer = options.peer === undefined ? undefined : await peerNamed(books, options.peer);
  const query = { ...(state && { state }), ...(peer && { peer }), limit: options.limit };
  const table: Listed[] = [];
  for await (const listed of jobsOf(books, query)) {
    if (isTerminal()) table.push(listed);
    else printJson(asJson(listed));
  }
  if (!isTerminal()) return;
  if (table.length === 0) printLine(state === undefined && peer === undefined ? 'No jobs yet.' : 'No such jobs.');
  else for (const line of tableLines(columns, table, terminalWidth())) printLine(line);
}

async function* jobsOf(books: Books, query: JobQuery): AsyncGenerator<Listed> {
  let left = query.limit;
  let before: number | undefined;
  do {
    const page = await books.jobs({ ...query, limit: Math.min(left, PAGE), ...(before !== undefined && { before }) });
    const entries = await Promise.all(page.jobs.map(({ key }) => books.entries(key)));
    for (const [index, job] of page.jobs.entries())
      yield { job, money: jobMoney(job, entries[index] ?? []), durationMs: durationMs(job, Date.now()) };
    left -= page.jobs.length;
    before = page.next;
  } while (before !== undefined && left > 0);
}

const amount = (title: string, of: (listed: Listed) => bigint, leftOutAs?: number): Column<Listed> => ({
  title,
  text: (listed) => msatText(of(listed)),
  align: 'right',
  leftOutAs,
});

const columns: readonly Column<Listed>[] = [
  { title: 'accepted', text: ({ job }) => timeText(job.acceptedAtMs) },
  { title: 'job', text: ({ job }) => shortId(job.jobId) },
  { title: 'buyer', text: ({ job }) => shortId(job.peer), leftOutAs: 4 },
  { title: 'model', text: ({ job }) => job.work.model },
  { title: 'state', text: ({ job }) => stateOf(job) },
  { title: 'funding/run/delivery', text: ({ job }) => `${job.funding}/${job.run}/${job.delivery}`, leftOutAs: 1 },
  amount('price', ({ job }) => job.terms.priceMsat),
  amount('cover', ({ money }) => money.coverMsat, 2),
  amount('charge', ({ money }) => money.chargeMsat),
  amount('credit', ({ money }) => money.creditGivenMsat, 5),
  { title: 'took', text: (listed) => durationText(listed.durationMs), align: 'right', leftOutAs: 3 },
];

const asJson = ({ job, money, durationMs: took }: Listed): object => ({
  acceptedAtMs: job.acceptedAtMs,
  jobId: job.jobId,
  paymentHash: job.paymentHash,
  peer: job.peer,
  version: job.version,
  model: job.work.model,
  state: stateOf(job),
  funding: job.funding,
  run: job.run,
  delivery: job.delivery,
  priceMsat: job.terms.priceMsat,
  ...money,
  durationMs: took,
});
