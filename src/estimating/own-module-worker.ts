import { pathToFileURL } from 'node:url';
import type { CheckedRequest } from '../openai/checked-request.ts';
import { answerTasks } from './counting-worker.ts';
import { CannotCount } from './estimator.ts';

/** What the operator's module is given. */
export type OwnModuleInput = Pick<
  CheckedRequest,
  'taskKind' | 'model' | 'inputBytes' | 'promptText' | 'shape' | 'images'
>;

export interface OwnModuleTask {
  /** Absolute path of the module. */
  readonly file: string;
  /** Absent: it is only loaded. */
  readonly input?: OwnModuleInput;
}

type CountTokens = (input: OwnModuleInput) => unknown;

answerTasks(
  async ({ file }: OwnModuleTask): Promise<CountTokens> => {
    const loaded = await import(pathToFileURL(file).href).catch((error: unknown) => {
      throw new CannotCount(`${file} cannot be loaded: ${String(error)}`);
    });
    const { countTokens } = loaded as { countTokens?: unknown };
    if (typeof countTokens !== 'function') throw new CannotCount(`${file} exports no function countTokens`);
    return countTokens as CountTokens;
  },
  async (countTokens, { file, input }) => {
    if (input === undefined) return 1;
    const tokens = await (async () => countTokens(input))().catch((error: unknown) => {
      throw new CannotCount(`countTokens of ${file} failed: ${(error as Error).name}`); // its text may hold the prompt
    });
    if (typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 1) return tokens;
    throw new CannotCount(`countTokens of ${file} gave no whole number of at least 1`);
  },
);
