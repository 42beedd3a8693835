import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RateConfig } from '../../src/config/config.ts';
import { nano, parseDecimal } from '../../src/money/decimal.ts';
import { openRates } from '../../src/node/rates.ts';
import type { RateSource } from '../../src/rates/rate-source.ts';
import { figureIn } from '../../src/rates/read-rate.ts';
import { json, upstreamServer } from '../backend/upstream-server.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { collectingLog } from '../harness/silent-log.ts';
import { until } from '../harness/until.ts';

const polled = { currency: 'USD', cacheSeconds: 60, timeoutSeconds: 10, staleSeconds: 600, bounds: {} };
const dollars = (text: string) => parseDecimal(text);

function logOfLines() {
  const { log, text } = collectingLog();
  const lines = () =>
    text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines };
}

/** An open source with a clock that is driven by hand, and what it logged and told. */
async function open(config: RateConfig) {
  const clock = new ManualClock();
  const { log, lines } = logOfLines();
  const source = openRates(config, clock, log) as RateSource;
  const changes: boolean[] = [];
  source.onChanged(() => changes.push(source.rate() !== undefined));
  onTestFinished(() => source.close());
  await source.start();
  return { clock, source, lines, changes };
}

async function rateFile(
  text: string,
  atMs: number,
): Promise<{ path: string; write: (text: string, atMs: number) => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'lcp-rates-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'rate.txt');
  const write = async (now: string, changedMs: number): Promise<void> => {
    await writeFile(path, now);
    await utimes(path, changedMs / 1000, changedMs / 1000);
  };
  await write(text, atMs);
  return { path, write };
}
const START_MS = new ManualClock().nowMs();

test('a fixed rate is the rate, always', async () => {
  const { source, clock } = await open({ source: 'fixed', currency: 'EUR', nanoPerBitcoin: nano(5n) });
  await clock.advance(10 * 365 * 86_400_000);
  expect(source.rate()).toMatchObject({ currency: 'EUR', nanoPerBitcoin: 5n, source: 'fixed' });
});

describe('a rate in a file', () => {
  test('is read again when its time is over, and is as old as the file', async () => {
    const { path, write } = await rateFile('97123.45\n', START_MS - 5_000);
    const { clock, source } = await open({ source: 'file', path, ...polled });
    expect(source.rate()).toEqual({
      currency: 'USD',
      nanoPerBitcoin: dollars('97123.45'),
      source: `file ${path}`,
      atMs: START_MS - 5_000,
    });
    await write('98000', START_MS);
    await clock.advance(60_000);
    await until('the file was read again', () => source.rate()?.nanoPerBitcoin === dollars('98000') || undefined);
  });

  test('that nobody writes any more is stale: there is no rate, until there is a new figure', async () => {
    const { path, write } = await rateFile('97000', START_MS);
    const { clock, source, changes, lines } = await open({ source: 'file', path, ...polled });
    await clock.advance(599_000);
    expect(source.rate()).toBeDefined();
    await clock.advance(1_000);
    expect(source.rate()).toBeUndefined();
    expect(changes).toEqual([true, false]);
    expect(lines().filter(({ level }) => level === 50)).toMatchObject([
      { msg: expect.stringContaining('not for sale') as string },
    ]);
    await until('there is a rate', async () => {
      await write('97500', clock.nowMs());
      await clock.advance(60_000);
      return source.rate();
    });
    await until('it was told', () => changes.length === 3 || undefined);
  });

  test('that is not there is none, and said once', async () => {
    const { clock, source, lines } = await open({ source: 'file', path: '/nowhere/rate', ...polled });
    expect(source.rate()).toBeUndefined();
    await clock.advance(300_000);
    expect(lines().map(({ reason, msg }) => reason ?? msg)).toEqual([
      'the file can not be read (ENOENT)',
      expect.stringContaining('no exchange rate'),
    ]);
  });

  test('outside of its bounds is not believed: the last figure stays', async () => {
    const { path, write } = await rateFile('97000', START_MS);
    const bounds = { min: nano(dollars('50000') ?? 0n), max: nano(dollars('200000') ?? 0n) };
    const { clock, source, lines } = await open({ source: 'file', path, ...polled, bounds });
    for (const slip of ['9700', '970000']) {
      await write(slip, START_MS);
      await clock.advance(60_000);
      await until('it was read', () => lines().some(({ reason }) => String(reason).startsWith(slip)) || undefined);
      expect(source.rate()?.nanoPerBitcoin).toBe(dollars('97000'));
    }
  });
});

describe('a rate from a server', () => {
  test('is taken from its place in the JSON, digit by digit', async () => {
    const server = await upstreamServer((call) =>
      call.response.writeHead(200).end('{"data":[{"price":"1"},{"price":97123.450000001}]}'),
    );
    const { source } = await open({
      source: 'http',
      url: `${server.origin}/p?key=secret`,
      jsonPath: 'data.1.price',
      ...polled,
    });
    expect(source.rate()?.nanoPerBitcoin).toBe(dollars('97123.450000001'));
    expect(source.rate()?.source).not.toContain('secret');
    expect(server.seen[0]?.path).toBe('/p?key=secret');
  });

  test('is asked again only when its time is over', async () => {
    const server = await upstreamServer((call) => json(call, 200, 97_000));
    const { clock, source } = await open({ source: 'http', url: server.origin, ...polled });
    for (let second = 0; second < 59; second++) source.rate();
    await clock.advance(59_000);
    expect(server.seen).toHaveLength(1);
    await clock.advance(1_000);
    await until('it was asked again', () => server.seen[1]);
  });

  test('that fails stays what it was until it is stale, and no message has the key', async () => {
    let status = 200;
    const server = await upstreamServer((call) => json(call, status, 97_000));
    const { clock, source, lines } = await open({ source: 'http', url: `${server.origin}/?key=secret`, ...polled });
    status = 503;
    await clock.advance(60_000);
    await until('the fault was said', () => lines().find(({ reason }) => String(reason).includes('503')));
    expect(source.rate()?.nanoPerBitcoin).toBe(dollars('97000'));
    await clock.advance(540_000);
    expect(source.rate()).toBeUndefined();
    expect(JSON.stringify(lines())).not.toContain('secret');
  });

  test('that does not answer in time is given up', async () => {
    const server = await upstreamServer(() => undefined);
    const clock = new ManualClock();
    const { log, lines } = logOfLines();
    const source = openRates({ source: 'http', url: server.origin, ...polled }, clock, log) as RateSource;
    onTestFinished(() => source.close());
    const started = source.start();
    await until('the server was asked', () => server.seen[0]);
    await clock.advance(10_000);
    await started;
    expect(source.rate()).toBeUndefined();
    expect(lines()[0]).toMatchObject({ reason: 'the server does not answer in time' });
  });

  test('that nobody serves is none', async () => {
    const { source, lines } = await open({ source: 'http', url: 'http://127.0.0.1:1/', ...polled });
    expect(source.rate()).toBeUndefined();
    expect(lines()[0]?.['reason']).toMatch(/can not be reached \(/);
  });
});

describe('a figure', () => {
  test.each([
    ['{"a":{"b":0.1}}', 'a.b', '0.1'],
    ['[1,"2.50"]', '1', '2.50'],
    ['97123.45\n', undefined, '97123.45'],
  ])('in %j at %s', (text, path, figure) => expect(figureIn(text, path)).toBe(dollars(figure)));

  test.each([
    ['{"a":1}', 'b', /stands at b/],
    ['{"a":0}', 'a', /no amount above 0/],
    ['{"a":-5}', 'a', /no amount above 0/],
    ['{"a":1e5}', 'a', /no amount above 0/],
    ['{"a":true}', 'a', /no amount above 0/],
    ['{"a":{}}', 'constructor', /no amount above 0/],
    ['<html>', 'a', /no JSON/],
    ['', undefined, /no amount above 0 stands there/],
  ])('is not in %j at %s', (text, path, message) => expect(() => figureIn(text, path)).toThrow(message));
});
