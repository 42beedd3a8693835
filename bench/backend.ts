import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Mark } from './marks.ts';

/** What the stand-in sells; see backend-worker.ts. */
export const models = ['brief', 'large', 'trickle'] as const;
export type Model = (typeof models)[number];

/** The size of a large answer. */
export const LARGE_BYTES = 32 * 1024 * 1024;
/** A trickle: so many events, one at a time. */
export const TRICKLE = { events: 100, everyMs: 10 } as const;

/** An OpenAI-compatible server that answers at once, in a thread of its own. */
export interface StandIn extends AsyncDisposable {
  /** The base URL, with /v1. */
  readonly url: string;
  /** Since the last call: "asked" when a request was complete, "answered" just before the first byte was written. */
  marks(): Promise<readonly Mark[]>;
}

export async function startStandIn(): Promise<StandIn> {
  const worker = new Worker(new URL('backend-worker.ts', import.meta.url));
  const [url] = (await once(worker, 'message')) as [string];
  return {
    url,
    marks: async () => {
      const replied = once(worker, 'message') as Promise<[readonly Mark[]]>;
      worker.postMessage('marks');
      return (await replied)[0];
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}
