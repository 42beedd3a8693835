import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config/load.ts';
import { createLog } from '../node/log.ts';
import type { PriceDesk } from '../node/price-desk.ts';
import type { TaskKind } from '../openai/request.ts';
import type { PriceList } from '../pricing/price-list.ts';
import { findSale } from '../pricing/sale.ts';
import type { Priced } from '../storefront/offer.ts';
import { EXIT, failWith } from './exit-code.ts';
import { whyNotFor } from './listings.ts';
import { listPriceLines, priceTable } from './price-page.ts';
import { isTerminal, msatText, printJson, printLine } from './print.ts';
import { KINDS, readRequest } from './quote-request.ts';
import type { Kind, Request } from './quote-request.ts';
import { configOption } from './with-books.ts';

const EXAMPLES = `
A dry run: the request is checked, counted and priced as a buyer's would be, by the configuration and what the backends have now. Nothing is run,
invoiced or saved, and the provider may serve meanwhile or not.

Examples:
  lcp-provider quote request.json                        for the model that the request names
  lcp-provider quote --model llama3.2:3b request.json    for another one
  lcp-provider quote --busy 4 request.json               as if four paid jobs were under way
  echo '{"model":"demo","messages":[{"role":"user","content":"Hello"}]}' | lcp-provider quote -
  lcp-provider quote request.json | jq .breakdown.price_msat

Exit codes: 0 priced · 1 the request can not be read · 3 configuration · 6 no backend answers · 7 not for sale: the request or the model
`;

interface QuoteOptions {
  readonly model?: string;
  readonly kind?: Kind;
  readonly busy: number;
  readonly config: string;
}

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number, 0 or more');
  return value;
};

export function quoteCommand(): Command {
  return new Command('quote')
    .description('Tell what a request would cost now, and how that price comes about.')
    .argument('<request>', 'file with the JSON body of the request; - for standard input')
    .option('-m, --model <id>', 'model or alias; default: the one that the request names')
    .addOption(
      new Option('-k, --kind <kind>', 'default: by the shape of the request, and what the model is sold for').choices(
        Object.keys(KINDS),
      ),
    )
    .option('-b, --busy <jobs>', 'as if so many paid jobs were under way', count, 0)
    .addOption(configOption())
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: QuoteOptions) => quote(file, options).catch(failWith));
}

async function quote(file: string, options: QuoteOptions): Promise<void> {
  const { config } = loadConfig({ path: options.config, env: process.env });
  const request = readRequest(file, options);
  const { openPriceDesk } = await import('../node/price-desk.ts'); // drivers: only when it runs
  const desk = await openPriceDesk(config, createLog({ level: 'warn', pretty: process.stderr.isTTY }), options.busy);
  try {
    await tell(desk, request, config.pricing.lists);
  } finally {
    await desk.close();
  }
}

async function tell(desk: PriceDesk, { kinds, model, body }: Request, lists: readonly PriceList[]): Promise<void> {
  const { offer, told } = desk;
  const { signal } = new AbortController();
  const kind = kinds.find((one) => offer.availability(KINDS[one], model) === 'on sale') ?? kinds[0];
  const taskKind = KINDS[kind];
  await desk.prepareCounting(model, signal);
  const priced = await offer.price(taskKind, model, body, signal);
  if ('refusal' in priced) return refuse(model, whyNotSold(model, taskKind, desk, lists) ?? priced.message, desk);
  for (const { backend, fault } of told)
    if (fault !== undefined) process.stderr.write(`backend ${backend}: ${fault}\n`);
  const entry = findSale(lists, model)?.entry;
  const home = entry && lists.find(({ entries }) => entries.includes(entry));
  const priceList = entry && home && { file: home.file, pattern: entry.pattern };
  if (isTerminal()) for (const line of page(taskKind, priced, priceList)) printLine(line);
  else printJson({ taskKind, ...priced.work, paymentMode: priced.paymentMode, priceList, breakdown: priced.breakdown });
}

/** The reason that `models` knows. Undefined: the model is for sale, and it is the request that is not. */
function whyNotSold(model: string, taskKind: TaskKind, desk: PriceDesk, lists: readonly PriceList[]) {
  const reason = whyNotFor(model, taskKind, desk, lists);
  return reason && `${model} is not for sale here: ${reason}`;
}

function refuse(model: string, message: string, { offer, told }: PriceDesk): void {
  const faults = told.flatMap(({ backend, fault }) => (fault === undefined ? [] : [`backend ${backend}: ${fault}`]));
  const hint = offer.models().includes(model)
    ? []
    : ['lcp-provider models tells what is for sale, and why other models are not'];
  process.stderr.write(`${[message, ...faults, ...hint].join('\n')}\n`);
  process.exitCode = faults.length > 0 && faults.length === told.length ? EXIT.backend : EXIT.refused;
}

function page(
  taskKind: TaskKind,
  { work, breakdown, paymentMode }: Priced,
  priceList: { file: string; pattern: string } | undefined,
): string[] {
  const { model, backendModel, choices, stream } = work;
  const name = backendModel === undefined ? model : `${model}, which is ${backendModel}`;
  const how = `${stream ? 'streamed' : 'in one piece'}${choices > 1 ? `, ${choices} choices` : ''}`;
  return [
    `A quote for ${name} (${taskKind}, ${how}); amounts on the right are msat`,
    ...priceTable([
      ...(priceList ? [{ name: 'priced by', how: `${priceList.file}, ${priceList.pattern}` }] : []),
      ...listPriceLines(breakdown),
      { name: 'minimum', msat: msatText(breakdown.minPriceMsat) },
      {
        name: 'price',
        how: paymentMode === 'hold' ? 'held until the answer begins' : 'upfront',
        msat: msatText(breakdown.priceMsat),
      },
    ]),
    '',
    'Credit lowers what a buyer is asked; what its job does not use becomes credit.',
  ];
}
