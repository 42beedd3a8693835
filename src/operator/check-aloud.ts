import type { Clock } from '../clock/clock.ts';
import type { Books, CheckProgress, LedgerCheck } from '../ledger/books.ts';

/** Checks the books, and tells every `everyMs` how far that is; nothing of a check that is done before. */
export async function checkAloud(
  books: Pick<Books, 'check'>,
  clock: Clock,
  everyMs: number,
  tell: (how: string) => void,
): Promise<LedgerCheck> {
  let now: CheckProgress = { checking: 'the file' };
  let stop = (): void => undefined;
  const tick = (): void => {
    stop = clock.timer(everyMs, () => {
      tell(progressText(now));
      tick();
    });
  };
  tick();
  try {
    return await books.check((progress) => (now = progress));
  } finally {
    stop();
  }
}

const progressText = ({ checking, done, of }: CheckProgress): string =>
  done === undefined || of === undefined
    ? checking
    : `${checking}, ${done.toLocaleString('en')} of ${of.toLocaleString('en')}`;
