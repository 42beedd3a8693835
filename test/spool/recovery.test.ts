import { appendFile, cp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { bytesOf, chunkFrom, KEY, readAll, readerIn, ROOMY, sha256 } from './spool-fixture.ts';
import { temporaryDirectory, temporarySpool, textOf } from './spool-fixture.ts';

/** What a crash now would leave: a copy of the files, opened by a new process. */
async function afterCrash(
  directory: string,
  damage?: (fileOf: (end: string) => string) => Promise<void>,
): Promise<Spool> {
  const copy = join(await temporaryDirectory(), 'copy');
  await cp(directory, copy, { recursive: true });
  const files = await readdir(copy);
  await damage?.((end) => join(copy, files.find((file) => file.endsWith(end)) ?? end));
  return openDiskSpool({ directory: copy, maxBytes: 1 << 30 });
}

/** 'abc' and 'de' were handed out, 'fgh' was not yet cut. */
async function written(end: boolean): Promise<string> {
  const { spool, directory } = await temporarySpool();
  const writer = await spool.create(KEY, ROOMY);
  const reader = await readerIn(spool);
  for (const part of ['abc', 'de']) {
    await writer.append(bytesOf(part));
    await chunkFrom(reader);
  }
  await writer.append(bytesOf('fgh'));
  if (end) await writer.end('200 text/plain');
  else await writer.abort(); // Only to have the bytes in the file: it leaves no mark.
  return directory;
}

describe('after a crash', () => {
  test('a finished spool has the same chunks, then the rest, then its end', async () => {
    const spool = await afterCrash(await written(true));
    expect(await spool.finished(KEY)).toEqual({
      bytes: 8,
      sha256: sha256(bytesOf('abcdefgh')),
      note: '200 text/plain',
    });
    const reader = await readerIn(spool);
    const { chunks, outcome } = await readAll(reader);
    expect(chunks.map((chunk) => textOf([chunk]))).toEqual(['abc', 'de', 'fgh']);
    expect(outcome).toBe('end');
    await reader.close();
    expect(await readAll(await readerIn(spool)), 'and once more').toEqual({ chunks, outcome });
    await spool.close();
  });

  test('a spool whose writer never ended has the chunks that were handed out, and is aborted', async () => {
    const spool = await afterCrash(await written(false));
    expect(await spool.finished(KEY)).toBeUndefined();
    const { chunks, outcome } = await readAll(await readerIn(spool));
    expect(chunks.map((chunk) => textOf([chunk]))).toEqual(['abc', 'de']);
    expect(outcome).toBe('aborted');
    await spool.close();
  });

  test('full chunks that were cut together, though only one was handed out, come back as they were cut', async () => {
    const { spool, directory } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    await writer.append(bytesOf('abcdefghij'));
    expect(textOf([await chunkFrom(await readerIn(spool, { maxChunkBytes: 3 }))])).toBe('abc');
    await writer.abort();
    const after = await afterCrash(directory);
    const { chunks, outcome } = await readAll(await readerIn(after, { maxChunkBytes: 5 }));
    expect([chunks.map((chunk) => textOf([chunk])), outcome]).toEqual([['abc', 'def', 'ghi'], 'aborted']);
    await after.close();
  });

  test('a boundary beyond the data that survived ends what can be read', async () => {
    const spool = await afterCrash(await written(false), (fileOf) => truncate(fileOf('.data'), 4));
    const { chunks, outcome } = await readAll(await readerIn(spool));
    expect([chunks.map((chunk) => textOf([chunk])), outcome]).toEqual([['abc'], 'aborted']);
    await spool.close();
  });

  test('an end whose data did not survive is none', async () => {
    const spool = await afterCrash(await written(true), (fileOf) => truncate(fileOf('.data'), 7));
    expect(await spool.finished(KEY)).toBeUndefined();
    expect((await readAll(await readerIn(spool))).outcome).toBe('aborted');
    await spool.close();
  });

  test.each(['', '{"bytes":8,"sha', 'null', '{}'])('an end record of %j is none', async (text) => {
    const spool = await afterCrash(await written(true), (fileOf) => writeFile(fileOf('.end'), text));
    expect(await spool.finished(KEY)).toBeUndefined();
    await spool.close();
  });

  test('a boundary that was torn was never handed out, and is cut anew', async () => {
    const directory = await written(true);
    const spool = await afterCrash(directory, (fileOf) => appendFile(fileOf('.boundaries'), new Uint8Array([9, 9])));
    const { chunks, outcome } = await readAll(await readerIn(spool));
    expect([chunks.map((chunk) => textOf([chunk])), outcome]).toEqual([['abc', 'de', 'fgh'], 'end']);
    await spool.close();
  });

  test('what was left is counted, is removed by name, and makes room for a new attempt', async () => {
    const directory = await written(false);
    await writeFile(join(directory, 'not-ours.txt'), 'x');
    const spool = await afterCrash(directory);
    expect(spool.usedBytes()).toBe(8 + 2 * 4);
    const writer = await spool.create(KEY, ROOMY);
    expect(spool.usedBytes()).toBe(0);
    await writer.append(bytesOf('new'));
    await writer.end('');
    expect(textOf((await readAll(await readerIn(spool))).chunks)).toBe('new');
    await spool.remove(KEY);
    expect(spool.usedBytes()).toBe(0);
    await spool.close();
  });

  test('data that went away under the reader is an error, not bytes', async () => {
    const directory = await written(true);
    const spool = await openDiskSpool({ directory, maxBytes: 1 << 30 });
    const reader = await readerIn(spool);
    const data = (await readdir(directory)).find((file) => file.endsWith('.data')) ?? '';
    expect((await stat(join(directory, data))).size).toBe(8);
    await rm(join(directory, data));
    await expect(chunkFrom(reader)).rejects.toMatchObject({ name: 'SpoolError', code: 'failed' });
    await spool.close();
  });
});
