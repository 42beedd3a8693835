import { Command } from 'commander';
import type { Job } from '../job/job.ts';
import type { Books } from '../ledger/books.ts';
import { jobStory } from '../operator/job-story.ts';
import { failWith } from './exit-code.ts';
import { storyLines } from './job-page.ts';
import { isTerminal, printJson, printLine, shortId } from './print.ts';
import { configOption, withBooks } from './with-books.ts';

const EXAMPLES = `
Examples:
  lcp-provider job 3f2a9c            the job whose id, or payment hash, begins so
  lcp-provider job 3f2a9c | jq .moments
`;
/** As many as are named when a prefix fits more than one. */
const NAMED = 5;

export function jobCommand(): Command {
  return new Command('job')
    .description('Tell the story of one job: times, price, money, ledger entries. Neither prompt nor answer.')
    .argument('<id>', 'the beginning of its id or of its payment hash')
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((id: string, options: { config: string }) =>
      withBooks(options.config, (books) => tell(books, id)).catch(failWith),
    );
}

async function tell(books: Books, id: string): Promise<void> {
  const job = await jobNamed(books, id);
  const story = jobStory(job, await books.entries(job.key));
  if (isTerminal()) for (const line of storyLines(story)) printLine(line);
  else printJson(story);
}

async function jobNamed(books: Books, id: string): Promise<Job> {
  const found = await books.jobsNamed(id, NAMED + 1);
  const [job] = found;
  if (job === undefined) throw new Error(`no job's id or payment hash begins with ${id}; lcp-provider jobs lists them`);
  if (found.length === 1) return job;
  const names = found
    .slice(0, NAMED)
    .map((one) => `\n  job ${one.jobId} of ${shortId(one.peer)}, payment hash ${one.paymentHash}`);
  const more = found.length > NAMED ? '\n  …' : '';
  throw new Error(`more than one job's id or payment hash begins with ${id}: give more of one${names.join('')}${more}`);
}
