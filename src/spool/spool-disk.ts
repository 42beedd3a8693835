import type { Disk, DiskFile } from './disk.ts';
import { SpoolError } from './spool.ts';

/** Turns whatever the file system threw into a SpoolError. */
export function spoolError(error: unknown): SpoolError {
  if (error instanceof SpoolError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SpoolError('disk-full', `the disk that holds the spool is full: ${message}`, { cause: error });
  }
  return new SpoolError('failed', `the spool's files failed: ${message}`, { cause: error });
}

/** Writes all of it at a position of the file. */
export async function writeAll(file: DiskFile, views: readonly Uint8Array[], position: number): Promise<void> {
  for (let rest = views; rest.length > 0;) {
    const { bytesWritten } = await file.writev(rest, position);
    position += bytesWritten;
    rest = after(rest, bytesWritten);
  }
}

/** Fills `target` from a position of the file on. Throws SpoolError when the file is shorter. */
export async function readExactly(file: DiskFile, position: number, target: Uint8Array): Promise<void> {
  for (let at = 0; at < target.length;) {
    const { bytesRead } = await file.read(target, at, target.length - at, position + at);
    if (bytesRead === 0) throw new SpoolError('failed', `the spool's file ends at ${position + at}, too early`);
    at += bytesRead;
  }
}

/** The whole file, or undefined when there is none. */
export function readIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  return unlessMissing(disk.readFile(path));
}

/** Repeatable. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await unlessMissing(disk.unlink(path));
}

/** The value, or undefined when the file is not there. */
export async function unlessMissing<Value>(pending: Promise<Value>): Promise<Value | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function after(views: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  return views.flatMap((view) => {
    const skipped = Math.min(left, view.length);
    left -= skipped;
    return skipped === view.length ? [] : [view.subarray(skipped)];
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
