import { accessSync, constants, statSync } from 'node:fs';
import type { Breach } from './problem.ts';
import { estimatorChoices } from './estimator-schema.ts';
import type { WrittenEstimator } from './estimator-schema.ts';
import type { Path } from './problem.ts';
import type { WrittenConfig } from './schema.ts';

/** Estimators of the configuration itself whose files can not be read, each with its place. Files are looked for from `directory`. */
export function* estimatorBreaches({ llm }: WrittenConfig, directory: string): Generator<Breach> {
  yield* fileBreaches(llm.estimator, ['llm', 'estimator'], directory);
  for (const key of ['models', 'chat_profiles'] as const)
    for (const [model, { estimator }] of Object.entries(llm[key] ?? {}))
      yield* fileBreaches(estimator, ['llm', key, model, 'estimator'], directory);
}

/** Those of one `estimator` key, which stands at `path`. What is in a file is for the estimator to judge. */
export function* fileBreaches(written: WrittenEstimator | undefined, path: Path, directory: string): Generator<Breach> {
  if (written === undefined) return;
  for (const [index, choice] of estimatorChoices(written, directory).entries()) {
    const message = 'file' in choice ? whyUnreadable(choice.file) : undefined;
    if (message === undefined) continue;
    const cure = 'put the file there, where this program may read it; its name is relative to this file';
    yield { path: [...path, ...(Array.isArray(written) ? [index] : []), choice.name], message, cure };
  }
}

function whyUnreadable(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return 'this is no file';
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no such file' : `this file can not be read (${code})`;
  }
}
