import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { demoCommand } from './demo.ts';
import { EXIT } from './exit-code.ts';
import { serveCommand } from './serve.ts';

/** Works from src/ and from dist/: both lie one folder below package.json. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const EXAMPLES = `
Examples:
  lcp-provider demo                         a whole sale with play money, then an endpoint that buys
  lcp-provider demo --once | jq             one sale, one line of JSON
  lcp-provider serve --config config.yaml   sell for real

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 configuration · 4 Lightning node · 5 ledger
`;

export function createProgram(): Command {
  const program = new Command('lcp-provider')
    .description('Sell your idle GPU over the Lightning Network, by the Lightning Compute Protocol (LCP).')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(demoCommand())
    .addHelpText('after', EXAMPLES);
  for (const command of [program, ...program.commands]) {
    command
      .showHelpAfterError(`(${command === program ? '' : 'lcp-provider '}${command.name()} --help tells more)`)
      .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));
  }
  return program;
}
