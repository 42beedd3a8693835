import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { bakeMacaroon } from '../../src/lightning/lnd/bake.ts';
import { LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';
import type { Health } from '../../src/operator/health.ts';
import { guardGroup, releaseGroup, removeDirectory, temporaryDirectory } from './guard.ts';
import type { LndHandle } from './rig.ts';
import type { ProbeAnswer, ProbeQuestion } from './seller-probe.ts';
import { SellerBooks } from './seller-books.ts';
import { poll } from './poll.ts';

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const probe = fileURLToPath(new URL('seller-probe.ts', import.meta.url));
const readyWithinMs = 30_000;

/** What every model costs at a seller of the rig: figures that make each kind of token visible in a charge. */
export const price = { input_msat_per_mtok: 1_000_000, output_msat_per_mtok: 3_000_000, request_msat: 700 };
export const chargeOf = (inputTokens: number, outputTokens: number): bigint =>
  BigInt(inputTokens + 3 * outputTokens + 700);

/** As written in the configuration file. */
export type BackendEntry = { driver: 'ollama' | 'openai'; url: string };

export type SellerOptions = {
  lnd: LndHandle;
  backend: BackendEntry;
  /** The models that have a price. */
  models: readonly string[];
  /** More of the configuration file; `limits` and the like as a whole. */
  config?: Record<string, unknown>;
  /** In hex. Default: one that is baked as `lcp-provider macaroon bake` does it. */
  macaroon?: string;
  /** More of `lightning.lnd`. */
  lndConfig?: Record<string, unknown>;
  /** Its clock can be set, and its memory be asked for. Default: false. */
  isProbed?: boolean;
};

/** What the program says on its standard output when it serves. */
type Ready = { event: 'ready'; node_id: string; health: string; models: string[] };

async function sellerMacaroon(lnd: LndHandle): Promise<string> {
  const macaroon = readFileSync(lnd.macaroonPath).toString('hex');
  const admin = { socket: lnd.grpcSocket, cert: readFileSync(lnd.certPath, 'utf8'), macaroon };
  return (await bakeMacaroon(admin, LND_SELLER_METHODS)).toString('hex');
}

/** `lcp-provider serve` as its operator runs it: a process of its own on the seller's lnd, with a macaroon that may not pay. */
export class SellerProcess implements AsyncDisposable {
  readonly nodeId: string;
  readonly books: SellerBooks;
  readonly #directory: string;
  readonly #macaroon: string;
  readonly #isProbed: boolean;
  #child: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);
  #ready: Ready | undefined;
  #log = '';

  private constructor(lnd: LndHandle, directory: string, macaroon: string, isProbed: boolean) {
    this.nodeId = lnd.nodeId;
    this.#isProbed = isProbed;
    this.#directory = directory;
    this.#macaroon = macaroon;
    this.books = new SellerBooks(join(directory, 'data'));
  }

  /** Resolves when it serves. */
  static async start({ lnd, backend, models, config = {}, ...more }: SellerOptions): Promise<SellerProcess> {
    const macaroon = more.macaroon ?? (await sellerMacaroon(lnd));
    const directory = temporaryDirectory('lcp-seller-');
    const written = {
      enabled: true,
      data_directory: './data',
      lightning: {
        driver: 'lnd',
        lnd: {
          socket: lnd.grpcSocket,
          cert_path: lnd.certPath,
          macaroon_hex: '${SELLER_MACAROON}',
          ...more.lndConfig,
        },
      },
      backends: [{ name: 'only', slots: 4, ...backend }],
      llm: {
        max_output_tokens: 8000,
        estimator: 'bytes',
        models: Object.fromEntries(models.map((model) => [model, { price }])),
      },
      health: { listen: '127.0.0.1:0' },
      log: { level: 'trace', pretty: false },
      ...config,
    };
    writeFileSync(join(directory, 'config.yaml'), JSON.stringify(written, null, 2)); // JSON is YAML
    const seller = new SellerProcess(lnd, directory, macaroon, more.isProbed === true);
    await seller.start();
    return seller;
  }

  /** Starts it again upon what the last run left. */
  async start(): Promise<void> {
    const { child, exit } = this.#spawn();
    this.#child = child;
    this.#ready = undefined;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    createInterface({ input: child.stdout }).once('line', (line) => (this.#ready = JSON.parse(line) as Ready));
    this.#exit = exit.finally(() => {
      if (this.#child === child) this.#child = undefined;
    });
    let code: number | null = null;
    void exit.then((ended) => (code = ended));
    const gone = () =>
      this.#child === child ? undefined : `it has ended with exit code ${code}:\n${this.#log.slice(-3000)}`;
    await poll('ready line of the seller', readyWithinMs, async () => this.#ready !== undefined, gone);
  }

  /** Starts the same program with the same data beside it; promises 'serving' when it serves (then it is killed), else its exit code. */
  async startSecondCopy(): Promise<'serving' | number | null> {
    const { child, exit } = this.#spawn();
    child.stderr.resume();
    const serving = new Promise<'serving'>((resolve) => {
      createInterface({ input: child.stdout }).once('line', () => resolve('serving'));
    });
    const outcome = await Promise.race([serving, exit]);
    child.kill('SIGKILL');
    await exit;
    return outcome;
  }

  #spawn(): { child: ChildProcessByStdio<null, Readable, Readable>; exit: Promise<number | null> } {
    const { PATH = '', HOME = '' } = process.env; // none of the tester's own settings
    const flags = this.#isProbed ? ['--expose-gc', '--import', probe] : [];
    const command = [...flags, program, 'serve', '--config', join(this.#directory, 'config.yaml')];
    const child = spawn(process.execPath, command, {
      env: { PATH, HOME, SELLER_MACAROON: this.#macaroon },
      stdio: ['ignore', 'pipe', 'pipe', ...(this.#isProbed ? ['ipc' as const] : [])],
      detached: true,
    }) as ChildProcessByStdio<null, Readable, Readable>;
    const { pid } = child;
    if (pid === undefined) throw new Error('the program could not be started');
    guardGroup(pid);
    const exit = new Promise<number | null>((resolve) => {
      child.once('close', (code) => {
        releaseGroup(pid);
        resolve(code);
      });
    });
    return { child, exit };
  }

  /** As a power cut would: SIGKILL. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exit;
  }

  /** SIGTERM; promises the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    return this.#exit;
  }

  /** kill -9, and the next start. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  get healthUrl(): string {
    return `${this.#ready?.health}/healthz`;
  }

  async health(): Promise<Health> {
    const response = await fetch(this.healthUrl);
    return (await response.json()) as Health;
  }

  /** Sets its clock, and nobody else's, this far ahead of the true time, or behind. It must be probed. */
  async setClock(aheadMs: number): Promise<void> {
    await this.#ask({ kind: 'clock', aheadMs });
  }

  /** What its heap and its buffers hold after a collection. It must be probed. */
  async usedBytes(): Promise<number> {
    return (await this.#ask({ kind: 'memory' })).usedBytes;
  }

  async #ask(question: ProbeQuestion): Promise<ProbeAnswer> {
    const child = this.#child;
    if (child === undefined) throw new Error('the provider does not run');
    const answer = once(child, 'message');
    child.send(question);
    const [message] = (await answer) as [ProbeAnswer];
    return message;
  }

  /** All that every run has logged so far. */
  get log(): string {
    return this.#log;
  }

  /** Neither the log nor what the configuration holds gives anything away: no keys, preimages, invoices, and none of `texts`. */
  expectNoSecretLogged(texts: readonly string[] = []): void {
    expect(this.#log).not.toBe('');
    for (const line of this.#log.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
    const jobs = this.books.read().jobs.flatMap((job) => [job.preimage, job.paymentRequest ?? job.preimage]);
    for (const secret of [this.#macaroon, ...jobs, ...texts]) expect(this.#log.includes(secret), secret).toBe(false);
    expect(readFileSync(join(this.#directory, 'config.yaml'), 'utf8')).not.toContain(this.#macaroon);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    removeDirectory(this.#directory);
  }
}
