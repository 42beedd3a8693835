import { deliveryTable } from './delivery.ts';
import { fundingTable } from './funding.ts';
import { runTable } from './run.ts';
import type { Row } from './table.ts';

function describeRow<State extends string>(row: Row<State>): string {
  const from = row.from === 'any' ? '**any**' : row.from.join(', ');
  const event = row.when === undefined ? row.on : `${row.on}, when ${row.when.name}`;
  const entries = (row.entries ?? []).map((rule) => rule.name).join('; ');
  const effects = (row.effects ?? [])
    .map((effect) =>
      'status' in effect
        ? `${effect.kind}(${effect.status})`
        : 'code' in effect
          ? `${effect.kind}(${effect.code})`
          : effect.kind,
    )
    .join(', ');
  const told = row.raises === undefined ? '' : `*${row.raises}*`;
  return `| ${from} | ${event} | ${row.to} | ${entries || '–'} | ${effects || '–'} | ${told || '–'} | ${row.why ?? ''} |`;
}

const describeTable = <State extends string>(title: string, rows: readonly Row<State>[]): string =>
  [
    `## ${title}`,
    '',
    '| state | event | next | entries | effects | tells the others | why |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(describeRow),
  ].join('\n');

/** The three tables as Markdown: docs/job-tables.md is this text. */
export const describeTables = (): string =>
  [
    '# The job tables',
    '',
    'Printed from the code by `npm run docs`. Rows are tried from the top; the first that fits is taken. An event that no row of a table lists means nothing to it.',
    '',
    describeTable('Funding: who has paid what', fundingTable),
    '',
    describeTable('Run: work on the backend', runTable),
    '',
    describeTable('Delivery: getting the bytes there', deliveryTable),
    '',
  ].join('\n');
