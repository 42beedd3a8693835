import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LND_SELLER_METHODS } from '../src/lightning/lnd/methods.ts';
import { guardGroup, releaseGroup, removeDirectory, temporaryDirectory } from '../test/rig/guard.ts';
import type { LndHandle } from '../test/rig/rig.ts';
import { poll } from '../test/rig/poll.ts';
import { models } from './backend.ts';
import type { Mark } from './marks.ts';
import { MARKS_VARIABLE } from './observe-provider.ts';
import type { Question, Reply, Vitals } from './observe-provider.ts';

const program = join(import.meta.dirname, '..', 'src', 'main.ts');
const observer = new URL('observe-provider.ts', import.meta.url).href;
const MEGABYTE = 1024 * 1024;
const READY_WITHIN_MS = 30_000;

export interface SellerOptions {
  readonly lnd: LndHandle;
  readonly backendUrl: string;
  /** Marks the moments of each sale. */
  readonly withMarks?: boolean;
  /** Where a CPU profile is left when it stops. */
  readonly profileDirectory?: string | undefined;
}

function configOf({ lnd, backendUrl }: SellerOptions): object {
  const price = { input_msat_per_mtok: 1_000_000, output_msat_per_mtok: 3_000_000, request_msat: 1_000 };
  return {
    enabled: true,
    data_directory: './data',
    lightning: {
      driver: 'lnd',
      lnd: { socket: lnd.grpcSocket, cert_path: lnd.certPath, macaroon_hex: '${SELLER_MACAROON}' },
    },
    backends: [{ name: 'stand-in', driver: 'openai', url: backendUrl, slots: 256 }],
    llm: { models: Object.fromEntries(models.map((model) => [model, { price, estimator: 'bytes' }])) },
    // What is measured is the work, not what is declined: nothing here may stand in the way of one buyer.
    limits: {
      max_output_bytes: 64 * MEGABYTE,
      max_inflight_jobs: 1024,
      kept_for_trusted_percent: 0,
      requests_per_minute_per_peer: 1_000_000,
      requests_per_minute: 1_000_000,
      open_inputs_per_peer: 1024,
      open_inputs: 1024,
      input_memory_bytes_per_peer: 256 * MEGABYTE,
      open_quotes_per_peer: 1024,
      open_quotes: 1024,
      longest_wait_seconds: 3600,
    },
    deadlines: { queue_seconds: 3600 },
    spool: { max_backlog_bytes: 64 * MEGABYTE, max_bytes: 1024 * 1024 * MEGABYTE },
    health: { listen: '127.0.0.1:0' },
    log: { level: 'info', pretty: false },
  };
}

/** `lcp-provider serve` as its operator runs it: a process of its own upon the seller's lnd, with an empty ledger. */
export class Seller implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #exited: Promise<void>;
  #errors = '';

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors = (this.#errors + text).slice(-5000)));
    const { pid } = child;
    if (pid !== undefined) guardGroup(pid);
    this.#exited = new Promise((resolve) => {
      child.once('close', () => {
        if (pid !== undefined) releaseGroup(pid);
        resolve();
      });
    });
  }

  /** Resolves when it serves. */
  static async start(options: SellerOptions): Promise<Seller> {
    const { lnd, withMarks = false, profileDirectory } = options;
    const macaroon = String(await lnd.lncli('bakemacaroon', ...LND_SELLER_METHODS.map((method) => `uri:${method}`)));
    const directory = temporaryDirectory('lcp-bench-');
    writeFileSync(join(directory, 'config.yaml'), JSON.stringify(configOf(options))); // JSON is YAML
    const { PATH = '', HOME = '' } = process.env; // none of the user's own settings
    const child = fork(program, ['serve', '--config', join(directory, 'config.yaml')], {
      execArgv: [
        `--import=${observer}`,
        ...(profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`]),
      ],
      env: { PATH, HOME, SELLER_MACAROON: macaroon, ...(withMarks ? { [MARKS_VARIABLE]: '1' } : {}) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    const seller = new Seller(child, directory);
    let isReady = false;
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', () => (isReady = true));
    const gone = () => (child.exitCode === null ? undefined : `it has ended:\n${seller.#errors}`);
    await poll('ready line of the provider', READY_WITHIN_MS, () => Promise.resolve(isReady), gone);
    return seller;
  }

  async marks(): Promise<readonly Mark[]> {
    const reply = await this.#ask('marks');
    return 'marks' in reply ? reply.marks : [];
  }

  /** `rest`: after a garbage collection. */
  async vitals(when: 'vitals' | 'rest' = 'vitals'): Promise<Vitals> {
    const reply = await this.#ask(when);
    if ('vitals' in reply) return reply.vitals;
    throw new Error('the provider told something else than its vitals');
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last that it logged. */
  get errors(): string {
    return this.#errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM'); // it drains; a profile is written at an orderly end only
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await this.#exited;
    clearTimeout(late);
    removeDirectory(this.#directory);
  }

  async #ask(question: Question): Promise<Reply> {
    const replied = once(this.#child, 'message') as Promise<[Reply]>;
    this.#child.send(question);
    const [reply] = await replied;
    return reply;
  }
}
