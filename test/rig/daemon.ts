import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { lastLines } from './command.ts';
import { guardGroup, releaseGroup, signalGroup } from './guard.ts';
import { poll } from './poll.ts';

/** How a daemon is started, and how it is known to be up. */
export type DaemonOptions = {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  logFile: string;
  /** Resolves to something true once the daemon serves; asked repeatedly. */
  ready: () => Promise<unknown>;
  /** How often `ready` is asked, where asking costs something. */
  askEveryMs?: number;
};

const readyWithinMs = 60_000;
const stopWithinMs = 30_000;

/** A process with all its descendants, in a process group of its own, that can be started again with the same arguments. */
export class Daemon {
  #options: DaemonOptions;
  #child: ChildProcess | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /** The process id, which is also the id of its process group; undefined when it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it without waiting until it serves. Does nothing when it runs already. */
  launch(): void {
    if (this.#child !== undefined) return;
    const { command, args, env, logFile } = this.#options;
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    child.unref();
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) guardGroup(pid);
    const ended = () => {
      if (this.#child === child) this.#child = undefined;
      if (pid === undefined) return;
      signalGroup(pid, 'SIGKILL'); // its descendants, which a killed daemon leaves behind
      releaseGroup(pid);
    };
    child.once('exit', ended);
    child.once('error', ended);
  }

  /** Resolves once it serves; rejects, with the end of its log, when it ends instead or takes too long. */
  async untilReady(): Promise<void> {
    const { name, ready, logFile, askEveryMs } = this.#options;
    const gone = () => (this.#child === undefined ? 'it has ended' : undefined);
    try {
      await poll(`sign of life from ${name}`, readyWithinMs, async () => Boolean(await ready()), gone, askEveryMs);
    } catch (error) {
      throw new Error(`${String(error)}\nLast lines of ${logFile}:\n${lastLines(logFile, 20)}`, { cause: error });
    }
  }

  /** Starts it and waits until it serves. */
  async start(): Promise<void> {
    this.launch();
    await this.untilReady();
  }

  /** Asks it to end (SIGTERM, which every daemon of the rig takes as an orderly stop), and kills it if it has not after 30 s. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM', stopWithinMs).catch(() => this.kill());
  }

  /** Ends it and its descendants as a power cut would: SIGKILL. Resolves when they are gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', stopWithinMs);
  }

  async #end(signal: NodeJS.Signals, withinMs: number): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#options.name} did not end on ${signal}`)), withinMs);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (signal === 'SIGKILL') signalGroup(child.pid, signal);
    else child.kill(signal);
    await exited;
  }
}
