import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { readIfThere, removeFile, unlessMissing, writeAll } from './spool-disk.ts';

/** What the writer left when it ended: without it, a spool was cut short. */
export interface EndRecord {
  readonly bytes: number;
  readonly sha256: string;
  /** The caller's. */
  readonly note: string;
}

/** The files of one job. */
export interface SpoolPaths {
  readonly disk: Disk;
  readonly directory: string;
  readonly name: string;
  readonly data: string;
  readonly boundaries: string;
  readonly end: string;
}

/** The name of a job's files: its key holds slashes, and comes from a stranger. */
export const spoolName = (jobKey: string): string => createHash('sha256').update(jobKey).digest('hex');

export function spoolPaths(disk: Disk, directory: string, name: string): SpoolPaths {
  const path = join(directory, name);
  return { disk, directory, name, data: `${path}.data`, boundaries: `${path}.boundaries`, end: `${path}.end` };
}

/** The name that a file in the directory belongs to; undefined for a file that is not ours. */
export const nameOf = (file: string): string | undefined => /^([0-9a-f]{64})\.(?:data|boundaries|end)$/.exec(file)?.[1];

/** The end record first: what is left of a spool after a crash in here is never taken for a whole one. */
export async function removeFiles(paths: SpoolPaths): Promise<void> {
  await removeFile(paths.disk, paths.end);
  await Promise.all([removeFile(paths.disk, paths.data), removeFile(paths.disk, paths.boundaries)]);
}

/** Bytes of the data file; undefined when there is none. */
export async function dataBytes(paths: SpoolPaths): Promise<number | undefined> {
  return (await unlessMissing(paths.disk.stat(paths.data)))?.size;
}

/** Durable when it resolves, with the names of all three files. Returns the record's own size in bytes. */
export async function writeEndRecord(paths: SpoolPaths, record: EndRecord): Promise<number> {
  const bytes = Buffer.from(JSON.stringify(record));
  const file = await paths.disk.open(paths.end, 'w', 0o600);
  // The names are there by now: they become durable meanwhile.
  await Promise.all([writeDurably(file, bytes), paths.disk.syncDirectory(paths.directory)]);
  return bytes.length;
}

async function writeDurably(file: DiskFile, bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(file, [bytes], 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** What a process that was killed wrote may be in the page cache alone: this makes it survive a power cut too. */
export async function syncFiles(paths: SpoolPaths): Promise<void> {
  for (const path of [paths.data, paths.boundaries, paths.end]) {
    const file = await unlessMissing(paths.disk.open(path, 'r+'));
    try {
      await file?.datasync();
    } finally {
      await file?.close();
    }
  }
  await paths.disk.syncDirectory(paths.directory);
}

/** Undefined when there is none, or only a part of one. */
export async function readEndRecord(paths: SpoolPaths): Promise<EndRecord | undefined> {
  const file = await readIfThere(paths.disk, paths.end);
  if (file === undefined) return undefined;
  try {
    const record = JSON.parse(Buffer.from(file).toString('utf8')) as Partial<EndRecord> | null;
    const { bytes, sha256, note } = record ?? {};
    if (typeof bytes !== 'number' || typeof sha256 !== 'string' || typeof note !== 'string') return undefined;
    return { bytes, sha256, note };
  } catch {
    return undefined;
  }
}
