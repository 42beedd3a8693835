import { chatCompletions } from './chat-completions.ts';
import { embeddings } from './embeddings.ts';
import type { Kind, TaskKind } from './kind.ts';
import { responses } from './responses.ts';

/** What is sold. */
export const kinds: Readonly<Record<TaskKind, Kind>> = {
  'openai.chat_completions.v1': chatCompletions,
  'openai.responses.v1': responses,
  'openai.embeddings.v1': embeddings,
};

export const taskKinds = Object.keys(kinds) as readonly TaskKind[];

export const isTaskKind = (name: string): name is TaskKind => Object.hasOwn(kinds, name);

/** True when its answers have output tokens. */
export const hasOutput = (taskKind: TaskKind): boolean => kinds[taskKind].caps.length > 0;
