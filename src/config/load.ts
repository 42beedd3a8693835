import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LndCredentialSource } from '../lightning/lnd/credentials.ts';
import { breaches } from './breaches.ts';
import { check, touches } from './check.ts';
import type { Config } from './config.ts';
import { estimatorBreaches } from './estimator-files.ts';
import type { Environment } from './expansion.ts';
import { deprecations } from './go-lcpd.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { lndSource } from './lightning-settings.ts';
import { pathFrom } from './path-from.ts';
import { readPriceBook } from './price-book.ts';
import { ConfigError, problemText, type Breach, type Problem } from './problem.ts';
import { configSchema } from './schema.ts';
import { settings } from './settings.ts';
import { suggestion } from './suggestion.ts';
import { Tree } from './tree.ts';

/** A configuration that passed every check. */
export interface LoadedConfig {
  readonly config: Config;
  /** The file it came from, absolute. */
  readonly path: string;
  /** What still works but should be changed: one text each, with file:line:column. */
  readonly warnings: readonly string[];
}

/** A configuration as text, and where it stands: its paths are relative to there. */
export interface ConfigSource {
  readonly path: string;
  readonly text: string;
}

const json = jsonSchemaOf(configSchema);

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

/** Checks a configuration and reads its price lists. Throws ConfigError with everything that is wrong. */
export function parseConfig({ path, text }: ConfigSource, env: Environment): LoadedConfig {
  const tree = new Tree(path, text, env);
  const { data, problems, broken } = check(tree, configSchema, json);
  const place = (breach: Breach): Problem => ({ ...breach, position: tree.position(breach.path) });
  if (!data) throw new ConfigError(problems);

  const directory = dirname(resolve(path));
  const book = readPriceBook(tree, data, env);
  const unrelated = ({ path: at }: Breach): boolean => !broken.some((gone) => touches(gone, at) || touches(at, gone));
  const broke = [...breaches(data, env), ...estimatorBreaches(data, directory), ...book.breaches]
    .filter(unrelated)
    .map(place);
  const all = [...problems, ...broke, ...book.problems];
  if (all.length > 0) throw new ConfigError(all);
  return {
    config: freeze(settings(data, env, directory, book.lists)),
    path: resolve(path),
    warnings: [...deprecations(data)].map((breach) => problemText(place(breach))),
  };
}

/** Two folders up from src/ and from dist/ alike. */
const EXAMPLE = fileURLToPath(new URL('../../config.example.yaml', import.meta.url));

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ConfigError([
      {
        position: { file: path, line: 1, column: 1 },
        path: [],
        message: code === 'ENOENT' ? 'there is no such file' : `can not be read (${code ?? 'unknown'})`,
        cure:
          code === 'ENOENT'
            ? `copy ${EXAMPLE} to this place, with the folder pricing beside it, and edit it`
            : 'check its rights',
      },
    ]);
  }
}

/**
 * Reads the configuration file and the price lists that it names. The result is deeply frozen.
 * Throws ConfigError with everything that is wrong, each with file, line, column and cure; it holds no secret.
 */
export function loadConfig({ path, env }: { readonly path: string; readonly env: Environment }): LoadedConfig {
  return parseConfig({ path, text: readText(path) }, env);
}

/**
 * Where lnd is, by the configuration and the environment, or without `path` by the environment alone. For the time before there is a
 * macaroon: everything else in the file may be unfinished. Throws ConfigError when what it says of lnd's place is wrong.
 */
export function loadLndSource(path: string | undefined, env: Environment): LndCredentialSource {
  if (path === undefined) return lndSource(undefined, env, process.cwd());
  const tree = new Tree(path, readText(path), env);
  const { data, problems } = check(tree, configSchema, json);
  const wrong = problems.filter((problem) => {
    const [room, driver, key = ''] = problem.path;
    return room === 'lightning' && driver !== 'embedded' && !['macaroon_path', 'macaroon_hex'].includes(String(key));
  });
  if (!data || wrong.length > 0) throw new ConfigError(data ? wrong : problems);
  return lndSource(data.lightning, env, dirname(resolve(path)));
}

/**
 * Where the books are, absolute. Everything else in the file may be wrong, and its price lists too: who looks into the books needs none of it.
 * Throws ConfigError when the file can not be read, or data_directory is wrong.
 */
export function loadDataDirectory(path: string, env: Environment): string {
  const tree = new Tree(path, readText(path), env);
  const { data, problems } = check(tree, configSchema, json);
  const wrong = problems.filter(({ path: [key] }) => suggestion(String(key), ['data_directory']) !== undefined); // a slip in its name, too
  if (!data || wrong.length > 0) throw new ConfigError(data ? wrong : problems);
  return pathFrom(dirname(resolve(path)), data.data_directory);
}
