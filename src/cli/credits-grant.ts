import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { Books } from '../ledger/books.ts';
import { grantCredit } from '../ledger/sqlite-books.ts';
import { amountText, parseAmount } from '../money/amount.ts';
import type { Msat } from '../money/msat.ts';
import { createLog } from '../node/log.ts';
import { EXIT, failWith } from './exit-code.ts';
import { isTerminal, printJson, printLine } from './print.ts';
import { configOption, ledgerOf, peerNamed, withBooks } from './with-books.ts';

const EXAMPLES = `
The grant is an entry of the ledger, with your name and the reason, kept for ever. It can not be taken back.

Examples:
  lcp-provider credits grant 02a1b2 5sat --reason "slow answers on Monday"
  lcp-provider credits grant 02a1b2 1500msat --reason "welcome" --yes     without being asked
`;
const NODE_ID = /^0[23][0-9a-f]{64}$/;
const LONGEST_REASON = 500;

const amount = (text: string): Msat => {
  const value = parseAmount(text);
  if (value === undefined)
    throw new InvalidArgumentError('expected more than nothing, with its unit, like 5000msat or 5sat.');
  return value;
};

const reason = (text: string): string => {
  const value = text.trim();
  if (value === '' || value.length > LONGEST_REASON)
    throw new InvalidArgumentError(`expected 1 to ${LONGEST_REASON} characters.`);
  return value;
};

interface GrantOptions {
  readonly reason: string;
  readonly yes: boolean;
  readonly config: string;
}

export function grantCommand(): Command {
  return (
    new Command('grant')
      .description('Give a buyer credit, while the provider serves or not.')
      .argument('<peer>', "the buyer's node id; of one known here its beginning is enough")
      .argument('<amount>', 'like 5000msat or 5sat', amount)
      .requiredOption('-r, --reason <text>', 'why; kept with the entry', reason)
      .option('-y, --yes', 'do not ask', false)
      .addOption(configOption())
      .addHelpText('after', EXAMPLES)
      // So that -5sat is refused as an amount, not as an option.
      .allowUnknownOption()
      .action((peer: string, amountMsat: Msat, _options: unknown, command: Command) =>
        grant(peer, amountMsat, command.optsWithGlobals<GrantOptions>(), command).catch(failWith),
      )
  );
}

async function grant(prefix: string, amountMsat: Msat, options: GrantOptions, command: Command): Promise<void> {
  const peer = await withBooks(options.config, (books) => buyer(books, prefix));
  if (!options.yes) {
    if (!process.stdin.isTTY) command.error('error: nobody can be asked here: say --yes to grant it');
    if (!(await isConfirmed(`Give ${amountText(amountMsat)} of credit to ${peer}? [y/N] `))) {
      process.stderr.write('Nothing was granted.\n');
      process.exit(EXIT.failed);
    }
  }
  const by = process.env['SUDO_USER'] ?? userName();
  const balanceMsat = await grantCredit(ledgerOf(options.config), {
    peer,
    amountMsat,
    note: `${by}: ${options.reason}`,
  });
  const log = createLog({ level: 'info', pretty: process.stderr.isTTY });
  log.info({ peer, amount_msat: Number(amountMsat), by, reason: options.reason }, 'credit granted');
  if (isTerminal()) printLine(`${peer} has ${amountText(balanceMsat)} of credit now.`);
  else printJson({ peer, grantedMsat: amountMsat, balanceMsat });
}

/** A whole node id may be new here; a beginning must be of a buyer that is known. */
const buyer = async (books: Books, id: string): Promise<string> => (NODE_ID.test(id) ? id : peerNamed(books, id));

async function isConfirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(question);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** A container can run a user that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
