// Outlives its parent by a moment, to clean up after it. Started by guard.ts with a pipe as its standard input, which the
// system closes when the parent ends, whatever ended it. Lines: "+group 123", "-group 123", "+dir /x", "-dir /x".
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const groups = new Set<number>();
const directories = new Set<string>();

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [, sign, kind, value] = /^([+-])(group|dir) (.+)$/.exec(line) ?? [];
  if (value === undefined) return;
  if (kind === 'group') {
    if (sign === '+') groups.add(Number(value));
    else groups.delete(Number(value));
  } else if (sign === '+') directories.add(value);
  else directories.delete(value);
});
lines.on('close', () => {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // ended by itself in the meantime
    }
  }
  for (const directory of directories) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
});
