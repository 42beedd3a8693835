import { Command, InvalidArgumentError, Option } from 'commander';
import { failWith } from './exit-code.ts';

const EXAMPLES = `
Examples:
  lcp-provider demo                       sell one answer, then keep an OpenAI-compatible endpoint open that buys
  lcp-provider demo --once                end after one sale
  lcp-provider demo --once | jq           the sale as one line of JSON
  lcp-provider demo --model llama3.2:1b   sell this model of your Ollama

Ollama is looked for on this machine, or where OLLAMA_HOST in the environment says.
`;

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('expected a port, 0 to 65535');
  return value;
};

export function demoCommand(): Command {
  return new Command('demo')
    .description('A whole sale between two nodes on this machine, over a real Lightning channel with play money.')
    .option('--once', 'end after one sale', false)
    .option(
      '--model <id>',
      'model to sell; default: a loaded or the first one of a running Ollama, else the built-in demo',
    )
    .option('--prompt <text>', 'what to ask', 'In one sentence: what is the Lightning Network?')
    .addOption(new Option('--protocol <version>', 'LCP version 0.2 or 0.3').choices(['0.2', '0.3']).default('0.3'))
    .option('--host <address>', 'where the endpoint that stays open listens', '127.0.0.1')
    .option('--port <port>', 'port of the endpoint that stays open', port, 11_500)
    .addHelpText('after', EXAMPLES)
    .action(
      (options: { once: boolean; model?: string; prompt: string; protocol: string; host: string; port: number }) =>
        import('../node/demo/run-demo.ts') // both nodes' drivers: only when it runs
          .then(({ runDemo }) => runDemo({ ...options, protocol: options.protocol === '0.2' ? 2 : 3 }))
          .catch(failWith),
    );
}
