import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** An absolute path: `~` is the home directory, all else is relative to `directory`. */
export const pathFrom = (directory: string, path: string): string =>
  resolve(directory, path === '~' || path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path);
