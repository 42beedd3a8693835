/** An error of LCP has no field for the moment to come back, so its message says it; ours in these words. */
export const retryHint = (afterMs: number): string => `try again in about ${seconds(afterMs)} s`;

/** When the message of an error says to come back; undefined: it does not. */
export function readRetryHintMs(message: string): number | undefined {
  const said = /\btry again in about (\d{1,6}) s\b/.exec(message)?.[1];
  return said === undefined ? undefined : Number(said) * 1000;
}

export const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
