import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import type { Spool, SpoolReader } from '../../src/spool/spool.ts';

/** No limit that a test would meet. */
export const ROOMY = { maxBytes: 1 << 30, maxBacklogBytes: 1 << 30 };
export const KEY = '02ab/3/job';
export const CHUNK = { maxChunkBytes: 16_384 };

const NEVER = new AbortController().signal;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (chunks: readonly Uint8Array[]): string => Buffer.concat(chunks).toString();
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A directory that goes away with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lcp-spool-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A spool in a directory of its own, closed with the test. */
export async function temporarySpool(maxBytes = 1 << 30): Promise<{ spool: Spool; directory: string }> {
  const directory = join(await temporaryDirectory(), 'spool');
  const spool = await openDiskSpool({ directory, maxBytes });
  onTestFinished(() => spool.close());
  return { spool, directory };
}

/** A reader of a spool that must be there. */
export async function readerIn(spool: Spool, options = CHUNK, key = KEY): Promise<SpoolReader> {
  const reader = await spool.read(key, options);
  if (reader === undefined) throw new Error(`no spool for ${key}`);
  return reader;
}

/** The next chunk's bytes; throws when there is none. */
export async function chunkFrom(reader: SpoolReader, signal = NEVER): Promise<Uint8Array> {
  const read = await reader.next(signal);
  if (read.kind !== 'chunk') throw new Error(`no chunk: ${read.kind}`);
  return read.data.slice(); // its memory is used again
}

/** Everything up to the end, or to where it was given up. */
export async function readAll(reader: SpoolReader): Promise<{ chunks: Uint8Array[]; outcome: 'end' | 'aborted' }> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const read = await reader.next(NEVER);
    if (read.kind !== 'chunk') return { chunks, outcome: read.kind };
    if (read.seq !== chunks.length) throw new Error(`chunk ${read.seq} instead of ${chunks.length}`);
    chunks.push(read.data.slice());
  }
}

/** Whether a promise has settled once everything that was ready has run. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}
