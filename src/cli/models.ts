import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { readBooks } from '../ledger/sqlite-books.ts';
import { ledgerPath } from '../node/data-directory.ts';
import { createLog } from '../node/log.ts';
import type { Told } from '../node/price-desk.ts';
import type { Listing } from '../operator/catalogue.ts';
import { modelSpeeds } from '../operator/model-speed.ts';
import { amountsOf } from '../pricing/model-price.ts';
import { EXIT, failWith } from './exit-code.ts';
import { listingsOf, shortKind } from './listings.ts';
import { amountIn } from './price-page.ts';
import { isTerminal, printJson, printLine, terminalWidth } from './print.ts';
import { tableLines } from './table.ts';
import type { Column } from './table.ts';
import { configOption } from './with-books.ts';

const EXAMPLES = `
Asks the backends and reads the price lists anew each time, whether the provider serves or not: edit a list, and look. Tokens per second are
those of the newest jobs in the books.

Examples:
  lcp-provider models
  lcp-provider models | jq -r 'select(.is_on_sale | not) | .model + ": " + .why_not'

Exit codes: 0 something is for sale · 3 configuration · 6 no backend answers · 7 nothing is for sale
`;
/** Whose speed is looked at. */
const NEWEST_JOBS = 500;

export function modelsCommand(): Command {
  return new Command('models')
    .description('List every model that is for sale, with its price; and those that are not, and why.')
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((options: { config: string }) => list(options.config).catch(failWith));
}

async function list(path: string): Promise<void> {
  const { config } = loadConfig({ path, env: process.env });
  const { openPriceDesk } = await import('../node/price-desk.ts'); // drivers: only when it runs
  const desk = await openPriceDesk(config, createLog({ level: 'warn', pretty: process.stderr.isTTY }), 0);
  const { lists } = config.pricing;
  const { told } = desk;
  const listings = listingsOf(desk, lists, await speedsOf(config));
  await desk.close();
  for (const { backend, fault } of told)
    if (fault !== undefined) process.stderr.write(`backend ${backend}: ${fault}\n`);
  if (isTerminal()) printTable(listings, config);
  else for (const { entry, ...listing } of listings) printJson({ ...listing, ...entry });
  process.exitCode = exitCode(told, listings);
}

function exitCode(told: readonly Told[], listings: readonly Listing[]): number {
  if (listings.some(({ isOnSale }) => isOnSale)) return EXIT.ok;
  return told.every(({ fault }) => fault !== undefined) ? EXIT.backend : EXIT.refused;
}

/** Nothing is known before the provider first starts. */
async function speedsOf({ dataDirectory }: Config): Promise<ReadonlyMap<string, number>> {
  const path = ledgerPath(dataDirectory);
  if (!existsSync(path)) return new Map();
  return readBooks(path, async (books) =>
    modelSpeeds((await books.jobs({ state: 'served', limit: NEWEST_JOBS })).jobs),
  );
}

function printTable(listings: readonly Listing[], { enabled }: Config): void {
  if (listings.length === 0) printLine('No backend has a model.');
  const sold = listings.filter(({ isOnSale }) => isOnSale);
  const others = listings.filter(({ isOnSale }) => !isOnSale);
  if (sold.length > 0) for (const line of tableLines(columns, sold, terminalWidth())) printLine(line);
  if (sold.length > 0 && others.length > 0) printLine();
  if (others.length > 0) printLine('Not for sale');
  for (const line of tableLines(otherColumns, others).slice(1)) printLine(`  ${line}`);
  if (sold.length === 0) return;
  printLine();
  if (!enabled) printLine('The configuration says enabled: false, so nothing is sold yet.');
  printLine('lcp-provider quote tells what a request would cost.');
}

const price = (title: string, of: 'input' | 'cachedInput' | 'output', leftOutAs?: number): Column<Listing> => ({
  title,
  text: ({ entry }) => {
    const amount = entry && amountsOf(entry.price)[of];
    return amount ? amountIn(entry.price, amount) : '';
  },
  align: 'right',
  leftOutAs,
});

const columns: readonly Column<Listing>[] = [
  { title: 'model', text: ({ model, backendModel }) => (backendModel ? `${model} → ${backendModel}` : model) },
  { title: 'for', text: ({ taskKinds }) => taskKinds.map(shortKind).join(', '), leftOutAs: 5 },
  price('input/Mtok', 'input'),
  price('cached', 'cachedInput', 4),
  price('output/Mtok', 'output'),
  { title: 'and', text: ({ entry }) => (entry ? extras(entry.price) : '') },
  {
    title: 'context',
    text: ({ contextTokens }) => contextTokens?.toLocaleString('en') ?? '',
    align: 'right',
    leftOutAs: 6,
  },
  { title: 'loaded', text: ({ warm }) => (warm === undefined ? '' : warm ? 'yes' : 'no'), leftOutAs: 2 },
  { title: 'tokens/s', text: ({ tokensPerSecond }) => tokensPerSecond?.toFixed(1) ?? '', align: 'right', leftOutAs: 7 },
  { title: 'backend', text: ({ backends }) => backends.join(', '), leftOutAs: 3 },
  {
    title: 'priced by',
    text: ({ priceList }) => (priceList ? `${shown(priceList.file)} ${priceList.pattern}` : ''),
    leftOutAs: 1,
  },
];

const otherColumns: readonly Column<Listing>[] = [
  { title: '', text: ({ model }) => model },
  { title: '', text: ({ whyNot = '' }) => whyNot },
];

/** What a price has beside tokens. */
function extras(of: NonNullable<Listing['entry']>['price']): string {
  const { request, image, minimum } = amountsOf(of);
  const parts = [
    request > 0n && `${amountIn(of, request)} a request`,
    image !== undefined && `${amountIn(of, image)} an image`,
    minimum > 0n && `at least ${amountIn(of, minimum)}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

/** A path as one would type it here. */
const shown = (file: string): string => {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
};
