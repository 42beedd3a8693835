import { Command } from 'commander';
import { systemClock } from '../clock/clock.ts';
import type { LedgerCheck } from '../ledger/books.ts';
import { amountText } from '../money/amount.ts';
import { msat } from '../money/msat.ts';
import { checkAloud } from '../operator/check-aloud.ts';
import { EXIT, failWith } from './exit-code.ts';
import { isTerminal, printJson, printLine } from './print.ts';
import { configOption, ledgerOf, withBooks } from './with-books.ts';

const EXAMPLES = `
The law of the books: every balance is the sum of its entries; all accounts sum to zero; no buyer owes; what came in by Lightning or was
granted is revenue, credit, reserved or paid out; nothing is reserved for a job that is at rest. The provider checks it at each start.

Examples:
  lcp-provider ledger check && echo sound      ends with 0, or with 5 and what is wrong, a line each
`;
const PROGRESS_MS = 500;

export function ledgerCommand(): Command {
  const check = new Command('check')
    .description('Check the books: exit code 0 when they are right, 5 when not.')
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((options: { config: string }) => checkBooks(options.config).catch(failWith));
  return new Command('ledger').description('Look after the ledger.').addCommand(check);
}

async function checkBooks(configFile: string): Promise<void> {
  const clearLine = '\r\u001b[K';
  let shown = '';
  const show = (text: string): void => {
    if (process.stderr.isTTY && (text !== '' || shown !== '')) process.stderr.write(`${clearLine}${text}`);
    shown = text;
  };
  const result = await withBooks(configFile, (books) =>
    checkAloud(books, systemClock, PROGRESS_MS, (how) => show(`checking ${how} …`)),
  );
  show('');
  if (isTerminal()) printResult(result, ledgerOf(configFile));
  else {
    for (const problem of result.problems) printJson({ problem });
    printJson({ ...result, problems: result.problems.length });
  }
  process.exitCode = result.problems.length === 0 ? EXIT.ok : EXIT.ledger;
}

function printResult({ problems, jobs, entries, accounts, totals }: LedgerCheck, path: string): void {
  const counted = (count: number, what: string) => `${count.toLocaleString('en')} ${what}`;
  printLine(
    `Checked ${path}: the file, ${counted(jobs, 'jobs')}, ${counted(entries, 'entries')}, ${counted(accounts, 'accounts')}.`,
  );
  for (const problem of problems) printLine(problem);
  if (problems.length > 0)
    return printLine(
      `${counted(problems.length, problems.length === 1 ? 'problem' : 'problems')}. The books are WRONG: sell nothing with them, and restore the newest backup.`,
    );
  const { lightningMsat, grantMsat, revenueMsat, creditMsat, reservedMsat, payoutMsat } = totals;
  const line = (name: string, value: bigint) => printLine(`  ${name.padEnd(24)}${amountText(msat(value))}`);
  line('came in by Lightning', lightningMsat);
  line('granted by the operator', grantMsat);
  line('= revenue', revenueMsat);
  line('+ credit of buyers', creditMsat);
  line('+ reserved for jobs', reservedMsat);
  line('+ paid out', payoutMsat);
  printLine('The books are right.');
}
