import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EstimatorChoice } from '../../src/pricing/price-list.ts';
import { errorCode } from '../../src/protocol/error-code.ts';
import { Market, bothVersions } from '../harness/market.ts';
import { words } from '../estimating/words-tokenizer.ts';
import { MODEL } from '../harness/scripted-backend.ts';
import { PRICES } from '../harness/seller.ts';
import { until } from '../harness/until.ts';
import { CHAT, hex32 } from '../harness/wire-buyer.ts';

const RESPONSES = 'openai.responses.v1';
const soldBy = (...estimators: EstimatorChoice[]) => ({ entries: [{ pattern: MODEL, price: PRICES, estimators }] });

/** The kinds of work in each manifest that came. */
const told = ({ buyer }: Market): string[] =>
  buyer.heard.flatMap((message) =>
    message.kind === 'manifest' ? [[...new Set(message.tasks?.map(({ taskKind }) => taskKind))].toSorted().join()] : [],
  );
const BOTH = [CHAT, RESPONSES].join();

describe.each(bothVersions)('a seller of LCP v0.%i', (version) => {
  test('does not sell the work for which a model has no estimator', async () => {
    const market = await Market.open(version, soldBy({ name: 'server' }));
    expect(told(market).filter((kinds) => kinds.includes(RESPONSES))).toEqual([]);
  });

  test('takes work off that its estimators can not count after all, and sells it again when one can', async () => {
    const market = await Market.open(version, soldBy({ name: 'bytes' }));
    expect(told(market).at(-1)).toBe(BOTH);
    const unreadable = { name: 'huggingface', file: '/nowhere/tokenizer.json' } as const;
    market.seller.reprice(soldBy(unreadable));
    await until('nothing is told any more', () => told(market).at(-1) === '');
    const jobId = hex32();
    await market.buyer.request(jobId);
    expect(await market.buyer.errorCode(jobId)).toBe(errorCode(version, 'rate-limited'));
    market.seller.reprice(soldBy(unreadable, { name: 'bytes' }));
    await until('both are told again', () => told(market).at(-1) === BOTH);
    await market.buyer.order();
  });

  test('asks again after a while whether work can be counted now', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lcp-uncounted-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'tokenizer.json');
    const market = await Market.open(version, soldBy({ name: 'huggingface', file }));
    await until('nothing is told any more', () => told(market).at(-1) === '');
    await writeFile(file, words);
    await market.clock.advance(60_000);
    await until('both are told again', () => told(market).at(-1) === BOTH);
  });
});
