import type { BackendModel } from './backend.ts';

/** A model that a healthy backend has. */
export interface PoolModel {
  readonly id: string;
  /** Names of the healthy backends that have it. */
  readonly backends: readonly string[];
  /** The smallest that a backend tells, since any of them may serve; absent when none tells. */
  readonly contextTokens?: number;
  /** True: one has it loaded. False: all would have to load it first. Absent: unknown. */
  readonly warm?: boolean;
}

/** One list of the models of several backends, in the order in which they first appear. */
export function mergeModels(
  lists: readonly { readonly backend: string; readonly models: readonly BackendModel[] }[],
): PoolModel[] {
  const byId = new Map<string, { backends: string[]; contexts: number[]; warmths: (boolean | undefined)[] }>();
  for (const { backend, models } of lists) {
    for (const { id, contextTokens, warm } of models) {
      const merged = byId.get(id) ?? { backends: [], contexts: [], warmths: [] };
      byId.set(id, merged);
      merged.backends.push(backend);
      if (contextTokens !== undefined) merged.contexts.push(contextTokens);
      merged.warmths.push(warm);
    }
  }
  return [...byId].map(([id, { backends, contexts, warmths }]) => ({
    id,
    backends,
    ...(contexts.length === 0 ? {} : { contextTokens: Math.min(...contexts) }),
    ...warmthOf(warmths),
  }));
}

function warmthOf(warmths: readonly (boolean | undefined)[]): { warm?: boolean } {
  if (warmths.includes(true)) return { warm: true };
  return warmths.includes(undefined) ? {} : { warm: false };
}
