import { accessSync, constants, statSync } from 'node:fs';
import { estimatorChoices } from './estimator-schema.ts';
import type { WrittenEstimator } from './estimator-schema.ts';
import type { Breach, Path } from './problem.ts';
import type { WrittenConfig } from './schema.ts';
import { codeOf, unreadable } from './unreadable.ts';

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
    const fault = 'file' in choice ? faultOf(choice.file) : undefined;
    if (fault === undefined) continue;
    yield { path: [...path, ...(Array.isArray(written) ? [index] : []), choice.name], ...fault };
  }
}

function faultOf(file: string): { readonly message: string; readonly cure: string } | undefined {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile() ? undefined : unreadable(file, 'EISDIR');
  } catch (error) {
    return unreadable(file, codeOf(error));
  }
}
