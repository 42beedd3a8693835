import { BackendError } from './backend.ts';
import { BodyReader } from './body-reader.ts';
import { ended } from './call-guard.ts';
import type { CallGuard } from './call-guard.ts';
import { errorInAnswer } from './upstream-error.ts';
import { UpstreamResponse } from './upstream-fetch.ts';

/** The bytes as they come. Throws BackendError when there is no body. */
export function bytesOf(response: Response): AsyncIterator<Uint8Array> {
  if (!(response instanceof UpstreamResponse))
    throw new BackendError('the backend sent an empty answer', { retryable: true });
  return new BodyReader(response.message);
}

/**
 * An answer to its end, `first` included. Throws BackendError when it breaks off, and when nothing comes for `idleTimeoutMs`, in which the consumer's own
 * time does not count. Leaving it early ends the call.
 */
export async function* answerBody(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  guard: CallGuard,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array, void> {
  let isComplete = false;
  try {
    yield first;
    for (;;) {
      guard.limit(idleTimeoutMs, 'the backend sent nothing more', { retryable: false, missed: 'next-byte' });
      const next = await rest.next();
      guard.throwIfEnded();
      guard.relax();
      if (next.done === true) {
        isComplete = true;
        return guard.finish();
      }
      yield next.value;
    }
  } catch (error) {
    throw ended(guard, errorInAnswer(error));
  } finally {
    if (!isComplete) guard.end(new BackendError('the answer was not wanted to its end', { retryable: false }));
  }
}
