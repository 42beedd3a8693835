/** Work that stops now and then, so that others can run; this runs it to its end at once. */
export function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Runs work to its end; with pauses in which the event loop serves others. */
export async function finishWithPauses<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await new Promise(setImmediate);
  }
}
