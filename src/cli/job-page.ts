import type { JobStory } from '../operator/job-story.ts';
import { listPriceLines, priceTable } from './price-page.ts';
import { msatText, timeText } from './print.ts';
import { tableLines } from './table.ts';

/** A job's story as a person reads it on a terminal. */
export function storyLines(story: JobStory): string[] {
  return [
    `Job ${story.jobId}`,
    ...pairs([
      ['state', `${story.state} (${story.funding}/${story.run}/${story.delivery})`],
      ['buyer', story.peer],
      ['payment hash', story.paymentHash],
      ['asked for', asked(story)],
      ...(story.failure === undefined ? [] : [['failure', story.failure] as const]),
    ]),
    ...section('What happened', moments(story)),
    ...section('Price (msat)', price(story)),
    ...section('Money (msat)', money(story)),
    ...section('Ledger entries (msat)', entries(story)),
  ];
}

type Pair = readonly [name: string, value: string];

const pairs = (list: readonly Pair[]): string[] => list.map(([name, value]) => `  ${name.padEnd(14)}${value}`);

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines];

function asked({ version, request }: JobStory): string {
  const { model, backendModel, taskKind, stream, choices, inputBytes } = request;
  const how = `${stream ? 'streamed' : 'in one piece'}${choices > 1 ? `, ${choices} choices` : ''}`;
  const name = backendModel === undefined ? model : `${model}, which is ${backendModel}`;
  return `${name} (${taskKind}, ${how}), ${inputBytes.toLocaleString('en')} bytes, LCP v0.${version}`;
}

function moments({ moments: list }: JobStory): string[] {
  const start = list[0]?.atMs ?? 0;
  return list.map(
    ({ atMs, what }) => `  ${timeText(atMs, true)}  +${((atMs - start) / 1000).toFixed(3).padStart(9)} s  ${what}`,
  );
}

function price({ quote }: JobStory): string[] {
  return priceTable([
    ...listPriceLines(quote),
    { name: 'minimum', msat: msatText(quote.minPriceMsat) },
    { name: 'credit used', msat: msatText(quote.creditUsedMsat) },
    { name: 'price', how: `could be paid until ${timeText(quote.expiresAtMs)}`, msat: msatText(quote.priceMsat) },
  ]);
}

function money({ money: { coverMsat, chargeMsat, creditGivenMsat }, usage, outputBytes }: JobStory): string[] {
  const cached = usage?.cachedInputTokens === undefined ? '' : ` (${usage.cachedInputTokens} of them cached)`;
  const used =
    usage === undefined
      ? []
      : [['used', `${usage.inputTokens} input tokens${cached}, ${usage.outputTokens} output tokens`] as const];
  return pairs([
    ...used,
    ...(outputBytes === undefined ? [] : [['answer', `${outputBytes.toLocaleString('en')} bytes`] as const]),
    ['cover', msatText(coverMsat)],
    ['charge', msatText(chargeMsat)],
    ['credit given', msatText(creditGivenMsat)],
  ]);
}

function entries({ entries: list }: JobStory): string[] {
  if (list.length === 0) return [];
  const kind = (account: string) => account.replace(/:.*/, '');
  const [, ...lines] = tableLines(
    [
      { title: '', text: ({ atMs }) => timeText(atMs, true) },
      { title: '', text: ({ amountMsat }) => msatText(amountMsat), align: 'right' },
      { title: '', text: ({ from, to }) => `${kind(from)} → ${kind(to)}` },
      { title: '', text: ({ reason }) => reason },
    ],
    list,
  );
  return lines.map((line) => `  ${line}`);
}
