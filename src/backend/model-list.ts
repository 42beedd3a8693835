import type { ImageTokens } from '../openai/image.ts';
import type { BackendModel, Capability } from './backend.ts';

/** A model that a healthy backend has. */
export interface PoolModel {
  readonly id: string;
  /** Names of the healthy backends that have it. */
  readonly backends: readonly string[];
  /** What it can do at each of them that tells; absent when none tells. */
  readonly capabilities?: readonly Capability[];
  /** The smallest that a backend tells, since any of them may serve; absent when none tells. */
  readonly contextTokens?: number;
  /** The most that a backend tells; absent when one does not tell. */
  readonly imageTokens?: ImageTokens;
  /** True: one has it loaded. False: all would have to load it first. Absent: unknown. */
  readonly warm?: boolean;
}

interface Merged {
  readonly backends: string[];
  readonly capabilities: (readonly Capability[])[];
  readonly contexts: number[];
  readonly imageTokens: (ImageTokens | undefined)[];
  readonly warmths: (boolean | undefined)[];
}

/** One list of the models of several backends, in the order in which they first appear. */
export function mergeModels(
  lists: readonly { readonly backend: string; readonly models: readonly BackendModel[] }[],
): PoolModel[] {
  const byId = new Map<string, Merged>();
  for (const { backend, models } of lists) {
    for (const { id, capabilities, contextTokens, imageTokens, warm } of models) {
      const merged = byId.get(id) ?? { backends: [], capabilities: [], contexts: [], imageTokens: [], warmths: [] };
      byId.set(id, merged);
      merged.backends.push(backend);
      if (capabilities !== undefined) merged.capabilities.push(capabilities);
      if (contextTokens !== undefined) merged.contexts.push(contextTokens);
      merged.imageTokens.push(imageTokens);
      merged.warmths.push(warm);
    }
  }
  return [...byId].map(
    ([
      id,
      {
        backends,
        capabilities: [told, ...others],
        contexts,
        imageTokens,
        warmths,
      },
    ]) => ({
      id,
      backends,
      ...(told && { capabilities: told.filter((capability) => others.every((list) => list.includes(capability))) }),
      ...(contexts.length === 0 ? {} : { contextTokens: Math.min(...contexts) }),
      ...(imageTokens.every((tokens) => tokens !== undefined) && { imageTokens: largest(imageTokens) }),
      ...warmthOf(warmths),
    }),
  );
}

/** Those that tell the size differently may have the most of each, whatever it is. */
function largest(tokens: readonly ImageTokens[]): ImageTokens {
  const most = Math.max(...tokens.map((one) => one.most));
  const alike = tokens.find((one) => one.most === most);
  const isAlike = tokens.every(({ bySize }) => JSON.stringify(bySize) === JSON.stringify(alike?.bySize));
  return alike !== undefined && isAlike ? alike : { most };
}

function warmthOf(warmths: readonly (boolean | undefined)[]): { warm?: boolean } {
  if (warmths.includes(true)) return { warm: true };
  return warmths.includes(undefined) ? {} : { warm: false };
}
