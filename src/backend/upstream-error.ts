import { APIError } from 'openai';
import { BackendError } from './backend.ts';

/** What an upstream may name its error; anything else could be text of a prompt. */
const ERROR_CODE = /^[A-Za-z][\w.-]{0,63}$/;

/** Rejected requests that may pass later or elsewhere: time-out, too many, and whatever is the server's own fault. */
const isRetryableStatus = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** An answer with a status other than 2xx. `codes`: what the body calls the error; the first that looks like a code is kept. */
export function statusError(status: number, codes: readonly unknown[]): BackendError {
  const code = codes.find((value) => typeof value === 'string' && ERROR_CODE.test(value));
  const named = typeof code === 'string' ? ` (${code})` : '';
  return new BackendError(`the backend answered with status ${status}${named}`, {
    retryable: isRetryableStatus(status),
    status,
  });
}

/** The innermost error that has a code, like ECONNREFUSED: libraries wrap it. */
function networkError(error: unknown): (Error & { code: string }) | undefined {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth += 1) {
    if ('code' in inner && typeof inner.code === 'string') return inner as Error & { code: string };
  }
  return undefined;
}

/**
 * What went wrong before the first byte of an answer, as a BackendError.
 * Neither message nor cause holds text of the upstream: servers repeat prompts in their errors, and errors are logged.
 */
export function errorBeforeAnswer(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  if (error instanceof APIError && typeof error.status === 'number') {
    return statusError(error.status, [error.code, error.type]);
  }
  const cause = networkError(error);
  const reason = cause === undefined ? '' : ` (${cause.code})`;
  return new BackendError(`the backend cannot be reached${reason}`, { retryable: true, cause });
}

/** An answer that broke after its first byte: never to be run again. */
export function errorInAnswer(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const cause = networkError(error);
  const reason = cause === undefined ? '' : ` (${cause.code})`;
  return new BackendError(`the backend broke off in the middle of its answer${reason}`, { retryable: false, cause });
}
