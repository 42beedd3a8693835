import { Command } from 'commander';
import { msat } from '../money/msat.ts';
import { amountText } from '../money/amount.ts';
import type { Books, BuyerCredit } from '../ledger/books.ts';
import { grantCommand } from './credits-grant.ts';
import { failWith } from './exit-code.ts';
import { isTerminal, msatText, printJson, printLine, timeText, terminalWidth } from './print.ts';
import { tableLines } from './table.ts';
import type { Column } from './table.ts';
import { configOption, withBooks } from './with-books.ts';

const EXAMPLES = `
Credit is what buyers paid above what their jobs used, or for jobs that failed. Their next quotes are lower by it: you owe it.

Examples:
  lcp-provider credits                     who has credit, and what you owe all in all
  lcp-provider credits --all               with the buyers who have none now
  lcp-provider credits grant 02a1b2 5sat --reason "slow answers on Monday"
`;

export function creditsCommand(): Command {
  return new Command('credits')
    .description('List the credit of buyers, the largest first. Amounts are msat.')
    .option('-a, --all', 'also buyers who have none now', false)
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((options: { all: boolean; config: string }) =>
      withBooks(options.config, (books) => list(books, options.all)).catch(failWith),
    )
    .addCommand(grantCommand());
}

const columns: readonly Column<BuyerCredit>[] = [
  { title: 'buyer', text: ({ peer }) => peer },
  { title: 'credit', text: ({ balanceMsat }) => msatText(balanceMsat), align: 'right' },
  { title: 'last active', text: ({ lastAtMs }) => timeText(lastAtMs), leftOutAs: 1 },
];

async function list(books: Books, all: boolean): Promise<void> {
  const { buyers, creditMsat, reservedMsat } = await books.credits(all);
  const liabilitiesMsat = msat(creditMsat + reservedMsat);
  if (!isTerminal()) {
    for (const buyer of buyers) printJson(buyer);
    printJson({ total: { creditMsat, reservedMsat, liabilitiesMsat } });
    return;
  }
  if (buyers.length > 0) for (const line of tableLines(columns, buyers, terminalWidth())) printLine(line);
  else printLine('No buyer has credit.');
  printLine();
  printLine(`credits      ${amountText(creditMsat)}`);
  printLine(`reserved     ${amountText(reservedMsat)} for jobs under way`);
  printLine(`liabilities  ${amountText(liabilitiesMsat)}`);
}
