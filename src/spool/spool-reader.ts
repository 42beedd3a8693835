import type { LiveSpool } from './live-spool.ts';
import { spoolError } from './spool-disk.ts';
import { SpoolError, type SpoolRead, type SpoolReader } from './spool.ts';

/** A reader from the first chunk on. */
export function readerOf(spool: LiveSpool, maxChunkBytes: number): SpoolReader {
  if (!(maxChunkBytes >= 1 && maxChunkBytes < 2 ** 32)) throw new RangeError(`no chunk size: ${maxChunkBytes}`);
  const place = spool.enter();
  let seq = 0;
  let closed = false;

  const next = async (signal: AbortSignal): Promise<SpoolRead> => {
    for (;;) {
      signal.throwIfAborted();
      if (closed) throw new SpoolError('failed', 'the reader is closed');
      if (spool.isDiscarded) return { kind: 'aborted' };
      // Taken before the look: a change in between must not be slept through.
      const { changed } = spool;
      if (seq < spool.chunkCount) {
        const data = await spool.chunk(seq, place).catch(asSpoolError);
        return { kind: 'chunk', seq: seq++, data };
      }
      if (spool.hasUncut) await spool.cut(maxChunkBytes).catch(asSpoolError);
      else if (spool.outcome !== undefined) return { kind: spool.outcome };
      else await unlessAborted(changed, signal);
    }
  };

  let ahead: Promise<SpoolRead> | undefined;
  return {
    next: (signal) => {
      const taken = ahead ?? next(signal);
      ahead = undefined;
      return taken;
    },
    readAhead: (signal) => {
      if (ahead !== undefined || closed || (seq > 0 && seq >= spool.chunkCount && spool.uncutBytes < maxChunkBytes))
        return;
      ahead = next(signal);
      ahead.catch(() => {}); // whoever asks for it hears of it
    },
    close: async () => {
      if (closed) return;
      closed = true;
      spool.leave(place);
    },
  };
}

function asSpoolError(error: unknown): never {
  throw spoolError(error);
}

/** Waits, but rejects with the signal's reason when it fires first; leaves no listener behind. */
async function unlessAborted(pending: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([pending, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
