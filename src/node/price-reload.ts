import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import type { PriceSettings } from './offer.ts';
import { restartKeys, withPrices } from './running-config.ts';

export interface PriceReloadOptions {
  /** What the program started with. */
  readonly loaded: LoadedConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Logger;
  /** Prices that passed every check, and differ from those before. */
  readonly onPrices: (settings: PriceSettings) => void;
}

/** Editors write a file in several steps. */
const SETTLE_MS = 200;

/** Takes new prices from the configuration and its price lists while the program runs; everything else in them needs a restart. */
export class PriceReload {
  readonly #options: PriceReloadOptions;
  readonly #watchers: FSWatcher[] = [];
  #current: Config;
  #stopTimer: (() => void) | undefined;
  /** The files were broken when they were last read. */
  #isBroken = false;

  constructor(options: PriceReloadOptions) {
    this.#options = options;
    this.#current = options.loaded.config;
  }

  /** Watches the files themselves: a change of the configuration or of a price list is taken at once. */
  start(): void {
    this.#stopWatching();
    const names = new Map<string, Set<string>>();
    const { path } = this.#options.loaded;
    for (const file of [path, ...this.#current.pricing.lists.map((list) => list.file)])
      names.set(dirname(file), (names.get(dirname(file)) ?? new Set()).add(basename(file)));
    for (const [directory, files] of names) {
      // The folder, not the file: editors and orchestrators put a new file in the place of the old one.
      const watcher = watch(directory, (_event, name) => {
        if (name === null || files.has(name) || name.startsWith('..')) this.#soon();
      });
      watcher.on('error', (error) => this.#options.log.warn({ reason: String(error) }, WATCH_LOST));
      this.#watchers.push(watcher);
    }
  }

  /** Reads the files anew. What is wrong in them is told with file, line and column, and the old prices stay. */
  reload(): void {
    const { loaded, env, log, onPrices } = this.#options;
    let next: Config;
    try {
      next = loadConfig({ path: loaded.path, env }).config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#isBroken = true;
      log.error({ problems: error.message.split('\n') }, 'the new prices are not taken, the old ones stay');
      return;
    }
    const wasBroken = this.#isBroken;
    this.#isBroken = false;
    const restart = restartKeys(this.#current, next);
    if (restart.length > 0) log.warn({ keys: restart }, 'these changes count after a restart only');
    const priced = withPrices(this.#current, next);
    if (isDeepStrictEqual(this.#current, priced)) {
      if (wasBroken) log.info('the configuration and its price lists are in order again; the prices stay as they are');
      return;
    }
    this.#current = priced;
    this.start(); // the lists may be others
    onPrices(priced);
    log.info({ lists: next.pricing.lists.map(({ file }) => file) }, 'new prices are taken; quotes that went out stay');
  }

  close(): void {
    this.#stopTimer?.();
    this.#stopWatching();
  }

  #soon(): void {
    this.#stopTimer?.();
    this.#stopTimer = this.#options.clock.timer(SETTLE_MS, () => this.reload());
  }

  #stopWatching(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}

const WATCH_LOST =
  'changes of the prices are not noticed any more: send SIGHUP after a change, or restart where the program runs on a terminal (there SIGHUP stops it)';
