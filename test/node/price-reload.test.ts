import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { PriceSettings } from '../../src/node/offer.ts';
import { PriceReload } from '../../src/node/price-reload.ts';
import { collectingLog } from '../harness/silent-log.ts';
import { until } from '../harness/until.ts';

let folder: string;
let reload: PriceReload;
let taken: PriceSettings[];
let logText: () => string;

const file = (name: string): string => join(folder, name);
const list = (inputMsat: number): string =>
  `models:\n  "m":\n    price:\n      input_msat_per_mtok: ${inputMsat}\n      output_msat_per_mtok: 7\n`;
const config = (more = ''): string => `pricing: { lists: [prices.yaml] }\n${more}`;
const inputPrices = (): unknown[] =>
  taken.map(({ pricing }) => {
    const { price } = pricing.lists[0]!.entries[0]!;
    return 'inputMsatPerMtok' in price ? price.inputMsatPerMtok : price;
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reload-'));
  await writeFile(file('prices.yaml'), list(1_000));
  await writeFile(file('config.yaml'), config());
  taken = [];
  const { log, text } = collectingLog();
  logText = text;
  reload = new PriceReload({
    loaded: loadConfig({ path: file('config.yaml'), env: {} }),
    env: {},
    clock: systemClock,
    log,
    onPrices: (settings) => taken.push(settings),
  });
});

afterEach(async () => {
  reload.close();
  await rm(folder, { recursive: true });
});

describe('prices that change while the program runs', () => {
  test('are taken when they are read again, and only when they differ', async () => {
    reload.reload();
    expect(taken).toEqual([]);
    await writeFile(file('prices.yaml'), list(2_000));
    reload.reload();
    reload.reload();
    expect(inputPrices()).toEqual([2_000n]);
  });

  test('are taken by themselves when a list is written, also as a new file in the place of the old one', async () => {
    reload.start();
    await writeFile(file('prices.yaml'), list(2_000));
    await until('the change is taken', () => taken.length === 1);
    await writeFile(file('new.yaml'), list(3_000));
    await rename(file('new.yaml'), file('prices.yaml'));
    await until('the new file is taken', () => taken.length === 2);
    expect(inputPrices()).toEqual([2_000n, 3_000n]);
  });

  test('stay as they were when the new ones are broken, and the place is told', async () => {
    await writeFile(file('prices.yaml'), list(2_000).replace('input_msat_per_mtok', 'input_msat_per_mtoc'));
    reload.reload();
    expect(taken).toEqual([]);
    expect(logText()).toContain(`${file('prices.yaml')}:4:7: models.m.price.input_msat_per_mtoc`);
    expect(logText()).toContain('the old ones stay');
    await writeFile(file('prices.yaml'), list(2_000));
    reload.reload();
    expect(inputPrices()).toEqual([2_000n]);
  });

  test('stay as they were when an estimator names a file that is not there', async () => {
    await writeFile(file('config.yaml'), config('llm: { estimator: { module: ./count.mjs } }'));
    reload.reload();
    expect(taken).toEqual([]);
    expect(logText()).toContain(`${file('config.yaml')}:2:29: llm.estimator.module: there is no such file`);
    await writeFile(file('count.mjs'), 'export const countTokens = () => 1;');
    reload.reload();
    expect(taken).toMatchObject([{ llm: { estimators: [{ name: 'module', file: file('count.mjs') }] } }]);
  });

  test('are followed into another list', async () => {
    reload.start();
    await writeFile(file('other.yaml'), list(4_000));
    await writeFile(file('config.yaml'), config().replace('prices.yaml', 'other.yaml'));
    await until('the other list is taken', () => taken.length === 1);
    await writeFile(file('other.yaml'), list(5_000));
    await until('its change is taken', () => taken.length === 2);
    expect(inputPrices()).toEqual([4_000n, 5_000n]);
  });

  test('are all that is taken: what else has changed is named, and needs a restart', async () => {
    await writeFile(file('config.yaml'), config('limits: { max_choices: 2 }\nmin_price_msat: 5000\n'));
    reload.reload();
    expect(taken).toMatchObject([{ minPriceMsat: 5_000n, limits: { maxChoices: 8 } }]);
    expect(logText()).toContain('"keys":["limits.max_choices"]');
  });

  test('come at the rate of the start: a change of the rate itself is named, and needs a restart', async () => {
    const rate = 'rate: { source: fixed, per_bitcoin: 90000 }';
    await writeFile(file('config.yaml'), `pricing: { lists: [prices.yaml], ${rate} }\n`);
    reload.reload();
    expect(taken).toEqual([]);
    expect(logText()).toContain('"keys":["pricing.rate"]');
  });

  test('are told to be in order again when what was broken is as it was before', async () => {
    await writeFile(file('prices.yaml'), 'models: 7\n');
    reload.reload();
    expect(logText()).not.toContain('in order again');
    await writeFile(file('prices.yaml'), list(1_000));
    reload.reload();
    reload.reload();
    expect(taken).toEqual([]);
    expect(logText().match(/in order again/g)).toHaveLength(1);
  });
});
