import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Logger } from 'pino';

export const silentLog: Logger = pino({ level: 'silent' });

/** A log that keeps all it is told, down to the finest level, for tests of what must never be in it. */
export function collectingLog(): { readonly log: Logger; readonly text: () => string } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: pino({ level: 'trace', base: null }, sink), text: () => lines.join('') };
}
