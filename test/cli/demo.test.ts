import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OpenAI } from 'openai';
import { describe, expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
/** An address where nothing listens: the demo must do without Ollama. */
const env = { ...process.env, OLLAMA_HOST: '127.0.0.1:9' };

interface Sale {
  readonly ok: boolean;
  readonly protocol: string;
  readonly price_msat: number;
  readonly paid_msat: number;
  readonly bytes: number;
  readonly steps: readonly { readonly step: string; readonly ms: number }[];
}

describe('lcp-provider demo', () => {
  test.each(['0.2', '0.3'])(
    'sells one answer over real Lightning between two processes, LCP v%s, and says so in one line of JSON',
    async (protocol) => {
      const { stdout } = await run(process.execPath, [main, 'demo', '--once', '--protocol', protocol], { env });
      expect(stdout.trim().split('\n')).toHaveLength(1);
      const sale = JSON.parse(stdout) as Sale;
      expect(sale).toMatchObject({ ok: true, protocol });
      expect(sale.paid_msat).toBe(sale.price_msat);
      expect(sale.price_msat).toBeGreaterThanOrEqual(1000);
      expect(sale.bytes).toBeGreaterThan(100);
      expect(sale.steps.map(({ step }) => step)).toContain('invoice paid');
    },
    60_000,
  );

  test('keeps an endpoint open, where the official client buys embeddings and chats over Lightning', async () => {
    const demo = spawn(process.execPath, [main, 'demo', '--port', '0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(demo, 'exit');
    onTestFinished(async () => {
      demo.kill('SIGTERM');
      await ended;
    });
    let told = '';
    const base = await new Promise<string>((resolve, reject) => {
      void ended.then(() => reject(new Error(told)));
      demo.stderr.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        const [, url] = /curl -N (\S+)\/chat\/completions/.exec(told) ?? [];
        if (url !== undefined) resolve(url);
      });
    });
    const client = new OpenAI({ apiKey: 'none', baseURL: base, maxRetries: 0 });
    const input = ['one text', 'another text', 'one text'];
    const bought = await client.embeddings.create({ model: 'demo', input }).withResponse();
    const [first, second, third] = bought.data.data.map(({ embedding }) => embedding);
    expect(bought.data.usage).toEqual({ prompt_tokens: 6, total_tokens: 6 });
    expect(first).toHaveLength(64);
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
    expect(Number(bought.response.headers.get('x-lcp-price-msat'))).toBeGreaterThanOrEqual(1000);
    const refused = await client.embeddings.create({ model: 'demo', input: [[1, 2]] }).catch((error: unknown) => error);
    expect(String(refused)).toContain('send texts');
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const chat = await client.chat.completions.create({ model: 'demo', messages, max_tokens: 5 });
    expect(chat.usage?.completion_tokens).toBe(5);
    expect(told).toContain(`The same URL, ${base}, takes chat completions, responses and embeddings`);
    const sold = /sold another.* paid [\d,]+ msat, used [\d,]+, the rest is credit\n/g;
    while ((told.match(sold) ?? []).length < 2) await once(demo.stderr, 'data');
  }, 60_000);

  test('says how to get at the model that was asked for when no Ollama answers', async () => {
    const failed = run(process.execPath, [main, 'demo', '--once', '--model', 'nosuch'], { env });
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/The model "nosuch" is not there: .* Start Ollama, or set OLLAMA_HOST/) as string,
    });
  });
});

describe('lcp-provider', () => {
  test('ends with 2 on wrong usage, with 3 on a missing configuration, and tells the cure', async () => {
    await expect(run(process.execPath, [main, 'bogus'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown command') as string,
    });
    await expect(run(process.execPath, [main, 'serve', '--config', '/nowhere.yaml'])).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining(
        `copy ${join(import.meta.dirname, '..', '..', 'config.example.yaml')} to`,
      ) as string,
    });
  });
});
