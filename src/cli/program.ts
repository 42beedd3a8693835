import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { creditsCommand } from './credits.ts';
import { demoCommand } from './demo.ts';
import { EXIT } from './exit-code.ts';
import { jobCommand } from './job.ts';
import { jobsCommand } from './jobs.ts';
import { ledgerCommand } from './ledger.ts';
import { macaroonCommand } from './macaroon.ts';
import { modelsCommand } from './models.ts';
import { quoteCommand } from './quote.ts';
import { serveCommand } from './serve.ts';

/** Works from src/ and from dist/: both lie one folder below package.json. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const EXAMPLES = `
Examples:
  lcp-provider demo                         a whole sale with play money, then an endpoint that buys
  lcp-provider demo --once | jq             one sale, one line of JSON
  lcp-provider macaroon bake                a macaroon of your lnd that can sell and nothing else
  lcp-provider serve --config config.yaml   sell for real
  lcp-provider models                       what is for sale, for how much; and what is not, and why
  lcp-provider quote request.json           what a request would cost now, and how that comes about
  lcp-provider jobs                         what was sold, while it serves or not
  lcp-provider credits                      which buyer has which credit

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 configuration · 4 Lightning node · 5 ledger · 6 backend · 7 not for sale
`;

export function createProgram(): Command {
  const program = new Command('lcp-provider')
    .description('Sell your idle GPU over the Lightning Network, by the Lightning Compute Protocol (LCP).')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(demoCommand())
    .addCommand(macaroonCommand())
    .addCommand(modelsCommand())
    .addCommand(quoteCommand())
    .addCommand(jobsCommand())
    .addCommand(jobCommand())
    .addCommand(creditsCommand())
    .addCommand(ledgerCommand())
    .addHelpText('after', EXAMPLES);
  finish(program, '');
  return program;
}

/** Wrong usage ends every command alike, with a hint at its own help. */
function finish(command: Command, parents: string): void {
  const name = `${parents}${command.name()}`;
  command
    .showHelpAfterError(`(${name} --help tells more)`)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));
  for (const child of command.commands) finish(child, `${name} `);
}
