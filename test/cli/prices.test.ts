import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteLedger } from '../../src/ledger/sqlite-ledger.ts';
import { ledgerPath } from '../../src/node/data-directory.ts';
import { sampleJob } from '../job/sample-job.ts';

// Each test starts processes, on machines that are busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
let directory: string;

const CONFIG = `backends: [{ name: play, driver: demo }]
llm: { estimator: bytes }
pricing:
  lists: [list.yaml]
  in_flight_surge: { threshold: 1, per_job_bps: 500, max_multiplier_bps: 12000 }
  rate: { source: file, path: rate.txt }
`;
const LIST = `currency: USD
models:
  demo:
    aliases: [play]
    price: { input_per_mtok: 1.75, output_per_mtok: 14, minimum: 0.0001 }
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lcp-prices-'));
  const file = (name: string, text: string) => writeFile(join(directory, name), text);
  await file('config.yaml', CONFIG);
  await file('list.yaml', LIST);
  await file('rate.txt', '100000');
  await file('no-rate.yaml', CONFIG.replace('rate.txt', 'nowhere.txt'));
  await file('away.yaml', CONFIG.replace('driver: demo', 'driver: ollama, url: "http://127.0.0.1:1"'));
  await file('no-price.yaml', CONFIG.replace('list.yaml', 'other.yaml'));
  await file('other.yaml', LIST.replace('demo:', 'other:'));
  await file('chat.json', '{"model":"demo","messages":[{"role":"user","content":"Hi"}],"max_tokens":300}');
  await file('response.json', '{"model":"demo","input":"Hi","max_output_tokens":300}');
  await file('audio.json', '{"model":"demo","messages":[{"role":"user","content":"Hi"}],"audio":{}}');
  await file('text.json', 'Hi');
  await mkdir(join(directory, 'data'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const lcp = (args: readonly string[], input = ''): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });

const AWAY =
  /no backend that answers has demo\nbackend play: .*ECONNREFUSED.*, at http:\/\/127\.0\.0\.1:1\. Is it running\? .*OLLAMA_HOST/;

describe('lcp-provider quote', () => {
  test('tells the price of a request and how it comes about, without a node or a ledger', async () => {
    const { code, stdout, stderr } = await lcp(['quote', 'chat.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      task_kind: 'openai.chat_completions.v1',
      model: 'demo',
      price_list: { file: 'list.yaml', pattern: 'demo' },
      breakdown: {
        input_tokens: 20,
        max_output_tokens: 300,
        rate: { currency: 'USD', nano_per_bitcoin: 100_000_000_000_000 },
        rules: [{ name: 'in_flight_surge', multiplier_bps: 10_000 }],
        exact_msat: '4235',
        list_msat: 4_235,
        price_msat: 4_235,
      },
    });
  });

  test('asks for another model, in a busy hour, from standard input', async () => {
    const { code, stdout } = await lcp(
      ['quote', '--model', 'play', '--busy', '5', '-'],
      '{ "messages": [{"role":"user","content":"Hi"}], "max_tokens": 300 }',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: 'play',
      backend_model: 'demo',
      breakdown: { rules: [{ multiplier_bps: 12_000 }] },
    });
  });

  test('knows a response by its shape', async () => {
    const { stdout } = await lcp(['quote', 'response.json']);
    expect(JSON.parse(stdout)).toMatchObject({ task_kind: 'openai.responses.v1', max_output_tokens_per_choice: 300 });
  });

  test.each([
    ['a request that is not sold', ['quote', 'audio.json'], 7, /"audio" is not sold here/],
    ['a request of another kind', ['quote', '--kind', 'responses', 'chat.json'], 7, /"messages" is not sold here/],
    [
      'a model that is not for sale',
      ['quote', '--model', 'x', 'chat.json'],
      7,
      /x is not for sale here: no backend has x\nlcp-provider models tells/,
    ],
    [
      'a model without a price',
      ['quote', '-c', 'no-price.yaml', 'chat.json'],
      7,
      /demo is not for sale here: no price: neither llm\.models nor a price list knows it\n/,
    ],
    [
      'a model without a rate',
      ['quote', '-c', 'no-rate.yaml', 'chat.json'],
      7,
      /ENOENT[^]*demo is not for sale here: no exchange rate of USD/,
    ],
    ['a backend that is away', ['quote', '-c', 'away.yaml', 'chat.json'], 6, AWAY],
    ['a file that is no JSON', ['quote', 'text.json'], 1, /text.json holds no JSON object: give the body/],
    ['a file that is not there', ['quote', 'nowhere.json'], 1, /nowhere.json can not be read \(ENOENT\)/],
    ['a configuration that is not there', ['quote', '-c', 'x.yaml', 'chat.json'], 3, /x.yaml:1:1/],
    ['a slip in an option', ['quote', '--kind', 'image', 'chat.json'], 2, /--help tells more/],
  ])('ends with a code of its own for %s', async (_what, args, code, message) => {
    const ended = await lcp(args);
    expect(ended, ended.stderr).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });
});

test('lcp-provider quote says for what work a model is sold, when it is not for this', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"object":"list","data":[{"id":"demo","object":"model"}]}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(join(directory, 'list-embedding.yaml'), LIST.replace('aliases: [play]', 'capabilities: [embedding]'));
  const config = CONFIG.replace('list.yaml', 'list-embedding.yaml').replace(
    'driver: demo',
    `driver: openai, url: "${url}"`,
  );
  await writeFile(join(directory, 'embedding.yaml'), config);
  const { code, stderr } = await lcp(['quote', '-c', 'embedding.yaml', 'chat.json']);
  expect(stderr).toMatch(/^demo is not for sale here: not for chat, but for embeddings\n/);
  expect(code).toBe(7);
});

test('lcp-provider quote tells of the estimators of the model that is asked for, and of no other', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"object":"list","data":[{"id":"demo","object":"model"},{"id":"other","object":"model"}]}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(join(directory, 'none.mjs'), 'export const nothing = 1;');
  const price = 'price: { request_msat: 5 }';
  const other = `other: { estimator: [{ module: none.mjs }, bytes], ${price} }`;
  await writeFile(join(directory, 'list-two.yaml'), `models:\n  demo: { ${price} }\n  ${other}\n`);
  const config = CONFIG.replace('list.yaml', 'list-two.yaml').replace('driver: demo', `driver: openai, url: "${url}"`);
  await writeFile(join(directory, 'two.yaml'), config);
  const quoteOf = (model: string) => lcp(['quote', '-c', 'two.yaml', '--model', model, 'chat.json']);
  const [demo, told] = await Promise.all([quoteOf('demo'), quoteOf('other')]);
  expect(demo).toMatchObject({ code: 0, stderr: '' });
  expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('this estimator can not count') as string });
});

describe('lcp-provider models', () => {
  test('lists what is for sale with its price, context and speed, and what is not, and why', async () => {
    const ledger = await openSqliteLedger({ path: ledgerPath(join(directory, 'data')) });
    const served = sampleJob({
      work: { ...sampleJob().work, model: 'play', backendModel: 'demo' },
      funding: 'closed',
      run: 'ended',
      delivery: 'delivered',
      usage: { inputTokens: 5, outputTokens: 30 },
      beganAtMs: 1_000,
      endedAtMs: 3_000,
    });
    await ledger.commit({ job: served, entries: [], effects: [] });
    const { code, stdout, stderr } = await lcp(['models']);
    await ledger.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown); // prettier-ignore
    expect(lines).toMatchObject([
      { model: 'demo', is_on_sale: true, tokens_per_second: 15, price: { currency: 'USD' }, context_tokens: 131_072 },
      { model: 'play', backend_model: 'demo', is_on_sale: true, tokens_per_second: 15 },
    ]);
  });

  test('ends with 7 when nothing is for sale, and with 6 when no backend answers', async () => {
    const none = await lcp(['models', '-c', 'no-rate.yaml']);
    expect(none.code).toBe(7);
    expect(none.stdout).toContain('"why_not":"no exchange rate of USD"');
    const away = await lcp(['models', '-c', 'away.yaml']);
    expect(away).toMatchObject({ code: 6, stderr: expect.stringContaining('backend play: ') as string });
  });
});
