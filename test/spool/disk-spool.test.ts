import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemDisk } from '../../src/spool/disk.ts';
import { openDiskSpool } from '../../src/spool/disk-spool.ts';
import { LiveSpool } from '../../src/spool/live-spool.ts';
import { spoolPaths } from '../../src/spool/spool-files.ts';
import { readerOf } from '../../src/spool/spool-reader.ts';
import type { SpoolError } from '../../src/spool/spool.ts';
import { Usage } from '../../src/spool/usage.ts';
import { bytesOf, CHUNK, chunkFrom, isSettled, KEY, readAll, readerIn, ROOMY } from './spool-fixture.ts';
import { sha256, temporaryDirectory, temporarySpool, textOf } from './spool-fixture.ts';

describe('a reader', () => {
  test('gets what was appended as soon as it is there, numbered from 0, and then the end', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const reader = await readerIn(spool);
    const reading = readAll(reader);
    await writer.append(bytesOf('hello '));
    await writer.append(bytesOf('world'));
    expect(await writer.end('note')).toEqual({ bytes: 11, sha256: sha256(bytesOf('hello world')) });
    const { chunks, outcome } = await reading;
    expect(textOf(chunks)).toBe('hello world');
    expect(outcome).toBe('end');
  });

  test('gets all there is in one chunk, but no more than it takes', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    for (const part of ['abc', 'def', 'ghi']) await writer.append(bytesOf(part));
    const { chunks } = await (async () => {
      await writer.end('');
      return readAll(await readerIn(spool, { maxChunkBytes: 8 }));
    })();
    expect(chunks.map((chunk) => textOf([chunk]))).toEqual(['abcdefgh', 'i']);
  });

  test('that comes after another one sees the same chunks, with any chunk size, while the writer goes on', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const first = await readerIn(spool, { maxChunkBytes: 5 });
    await writer.append(bytesOf('abc'));
    const seen = [await chunkFrom(first)];
    await writer.append(bytesOf('defghijkl'));
    seen.push(await chunkFrom(first), await chunkFrom(first));
    await first.close();
    await writer.append(bytesOf('mn'));

    const second = await readerIn(spool, { maxChunkBytes: 100 });
    const again = [await chunkFrom(second), await chunkFrom(second), await chunkFrom(second)];
    expect(again).toEqual(seen);
    expect(textOf([await chunkFrom(second)])).toBe('mn');
    await writer.append(bytesOf('op'));
    expect(textOf([await chunkFrom(second)])).toBe('op');
    await second.close();
  });

  test('that lags behind the memory gets every byte, from the file and then from memory, in memory that is used again', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const parts = Array.from({ length: 12 }, (_, index) => new Uint8Array(60_000).map((_, at) => at * 7 + index));
    for (const part of parts) await writer.append(part);
    const reader = await readerIn(spool, { maxChunkBytes: 60_000 });
    const memories = new Set<ArrayBufferLike>();
    for (const part of parts) {
      const read = await reader.next(new AbortController().signal);
      if (read.kind !== 'chunk') throw new Error(read.kind);
      expect(Buffer.from(read.data).equals(part)).toBe(true);
      memories.add(read.data.buffer);
    }
    expect(memories.size).toBe(1);
  });

  test('that waits is let go by its signal, and loses nothing', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const reader = await readerIn(spool);
    const control = new AbortController();
    const waiting = reader.next(control.signal);
    control.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(reader.next(AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    await writer.append(bytesOf('later'));
    expect(textOf([await chunkFrom(reader)])).toBe('later');
  });

  test('is refused after its close', async () => {
    const { spool } = await temporarySpool();
    await spool.create(KEY, ROOMY);
    const reader = await readerIn(spool);
    await reader.close();
    await reader.close();
    await expect(chunkFrom(reader)).rejects.toMatchObject({ code: 'failed' });
  });

  test('of a job without a spool is none', async () => {
    const { spool } = await temporarySpool();
    expect(await spool.read('none', CHUNK)).toBeUndefined();
    expect(await spool.finished('none')).toBeUndefined();
  });
});

describe('a writer', () => {
  test('that gives up lets readers have what was written, and then tells them', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const reader = await readerIn(spool);
    await writer.append(bytesOf('part'));
    await writer.abort();
    await writer.abort();
    const { chunks, outcome } = await readAll(reader);
    expect([textOf(chunks), outcome]).toEqual(['part', 'aborted']);
    await expect(writer.append(bytesOf('x'))).rejects.toMatchObject({ code: 'failed' });
    await expect(writer.end('')).rejects.toMatchObject({ code: 'failed' });
    expect(await spool.finished(KEY)).toBeUndefined();
  });

  test('waits while too much is unread, until it was read', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, { maxBytes: 1_000, maxBacklogBytes: 10 });
    await writer.append(new Uint8Array(9));
    const waiting = writer.append(new Uint8Array(20));
    expect(await isSettled(waiting)).toBe(false);
    const reader = await readerIn(spool, { maxChunkBytes: 19 });
    await chunkFrom(reader);
    expect(await isSettled(waiting), '10 are unread').toBe(false);
    await chunkFrom(reader);
    await waiting;
  });

  test('that waits for a reader is let go by its signal, and its bytes are taken all the same', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, { maxBytes: 1_000, maxBacklogBytes: 10 });
    const abort = new AbortController();
    const waiting = writer.append(bytesOf('more than ten bytes'), abort.signal);
    expect(await isSettled(waiting)).toBe(false);
    abort.abort();
    await waiting;
    await writer.append(bytesOf(', and an end'), abort.signal);
    await writer.end('');
    expect(textOf((await readAll(await readerIn(spool))).chunks)).toBe('more than ten bytes, and an end');
  });

  test('that waits for a reader is told when the spool is removed', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, { maxBytes: 1_000, maxBacklogBytes: 10 });
    const reader = await readerIn(spool);
    const waiting = expect(writer.append(new Uint8Array(20))).rejects.toMatchObject({ code: 'failed' });
    await spool.remove(KEY);
    await waiting;
    expect((await readAll(reader)).outcome).toBe('aborted');
  });

  test('may not write more than its job may, and what fits is kept', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, { maxBytes: 10, maxBacklogBytes: 100 });
    await writer.append(new Uint8Array(8));
    await expect(writer.append(new Uint8Array(3))).rejects.toMatchObject({ code: 'too-large' });
    await writer.append(new Uint8Array(2));
    expect(await writer.end('')).toMatchObject({ bytes: 10 });
  });

  test('may not fill the disk beyond what all jobs have, until another one is removed', async () => {
    const { spool } = await temporarySpool(1_000);
    const one = await spool.create('one', ROOMY);
    await one.append(new Uint8Array(900));
    const two = await spool.create('two', ROOMY);
    await expect(two.append(new Uint8Array(200))).rejects.toMatchObject({ code: 'disk-full' });
    await spool.remove('one');
    await two.append(new Uint8Array(200));
  });

  test('that starts again finds nothing of the attempt before, and the old reader is told', async () => {
    const { spool } = await temporarySpool();
    const old = await spool.create(KEY, ROOMY);
    await old.append(bytesOf('old'));
    const oldReader = await readerIn(spool);
    await chunkFrom(oldReader);
    const writer = await spool.create(KEY, ROOMY);
    expect((await readAll(oldReader)).outcome).toBe('aborted');
    await expect(old.append(bytesOf('x'))).rejects.toMatchObject({ code: 'failed' });
    await writer.append(bytesOf('new'));
    await writer.end('');
    expect(textOf((await readAll(await readerIn(spool))).chunks)).toBe('new');
  });

  test('may use its buffer again at once', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const buffer = bytesOf('one');
    const appending = writer.append(buffer);
    buffer.fill(0);
    await appending;
    await writer.end('');
    expect(textOf((await readAll(await readerIn(spool))).chunks)).toBe('one');
  });

  test('that wrote nothing leaves an empty, finished spool', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    await writer.end('empty');
    expect(await readAll(await readerIn(spool))).toEqual({ chunks: [], outcome: 'end' });
    expect(await spool.finished(KEY)).toEqual({ bytes: 0, sha256: sha256(new Uint8Array()), note: 'empty' });
  });
});

describe('the spool', () => {
  test('counts what is on disk, and nothing is left after removal', async () => {
    const { spool, directory } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    await writer.append(new Uint8Array(5_000));
    await writer.end('x');
    await readAll(await readerIn(spool));
    const files = await readdir(directory);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(directory, file))).size));
    expect(spool.usedBytes()).toBe(sizes.reduce((sum, size) => sum + size, 0));
    await spool.remove(KEY);
    await spool.remove(KEY);
    expect(spool.usedBytes()).toBe(0);
    expect(await readdir(directory)).toEqual([]);
  });

  test('can be read by nobody else on the machine, and its names tell nothing', async () => {
    const { spool, directory } = await temporarySpool();
    const writer = await spool.create('../../etc/passwd', ROOMY);
    await writer.end('');
    const files = await readdir(directory);
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(file).toMatch(/^[0-9a-f]{64}\.[a-z]+$/);
      expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('serves 200 jobs at once', async () => {
    const { spool } = await temporarySpool();
    const keys = Array.from({ length: 200 }, (_, index) => `job ${index}`);
    const texts = await Promise.all(
      keys.map(async (key) => {
        const writer = await spool.create(key, ROOMY);
        const reading = readAll(await readerIn(spool, CHUNK, key));
        for (let round = 0; round < 5; round++) await writer.append(bytesOf(`${key} ${round} `));
        await writer.end('');
        return textOf((await reading).chunks);
      }),
    );
    expect(texts).toEqual(keys.map((key) => [0, 1, 2, 3, 4].map((round) => `${key} ${round} `).join('')));
  });

  test('refuses everything once it is closed, and readers and writers are told', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create(KEY, ROOMY);
    const reading = readAll(await readerIn(spool));
    await spool.close();
    expect((await reading).outcome).toBe('aborted');
    await expect(writer.append(bytesOf('x'))).rejects.toMatchObject({ code: 'failed' });
    await expect(spool.create(KEY, ROOMY)).rejects.toMatchObject({ code: 'failed' });
  });

  test('tells writer, readers and log of a full disk, and rejects nothing that nobody waits for', async () => {
    const paths = { ...spoolPaths(systemDisk, await temporaryDirectory(), 'f'), data: '/dev/full' };
    const troubles: SpoolError[] = [];
    const spool = await LiveSpool.create(
      paths,
      {
        usage: new Usage(1_000),
        inSyncTurn: (work) => work(),
        onRelease: () => undefined,
        onTrouble: (error) => troubles.push(error),
      },
      ROOMY,
    );
    const reader = readerOf(spool, 100);
    await spool.append(bytesOf('x'));
    await expect(spool.end('')).rejects.toMatchObject({ name: 'SpoolError', code: 'disk-full' });
    await expect(spool.append(bytesOf('y'))).rejects.toMatchObject({ code: 'disk-full' });
    const { chunks, outcome } = await readAll(reader);
    expect([textOf(chunks), outcome]).toEqual(['x', 'aborted']);
    expect(troubles).toHaveLength(1);
    await reader.close();
  });

  test('refuses a directory that cannot be one', async () => {
    const directory = join(await temporaryDirectory(), 'x');
    await openDiskSpool({ directory, maxBytes: 1 }).then((spool) => spool.close());
    await expect(openDiskSpool({ directory: '/dev/null/spool', maxBytes: 1 })).rejects.toMatchObject({
      code: 'failed',
    });
  });
});

describe('reading ahead', () => {
  test('cuts only full chunks, so that a trickle still gathers, and changes neither bytes nor boundaries', async () => {
    const { spool } = await temporarySpool();
    const writer = await spool.create('ahead', ROOMY);
    const { signal } = new AbortController();
    const reader = await spool.read('ahead', { maxChunkBytes: 4 });
    if (reader === undefined) throw new Error('no reader');
    const next = async () => {
      const read = await reader.next(signal);
      return read.kind === 'chunk' ? [read.seq, textOf([read.data])] : read.kind;
    };
    await writer.append(Buffer.from('ab'));
    expect(await next()).toEqual([0, 'ab']);
    await writer.append(Buffer.from('c'));
    reader.readAhead(signal);
    await writer.append(Buffer.from('d'));
    expect(await next()).toEqual([1, 'cd']);
    await writer.append(Buffer.from('efghijkl'));
    reader.readAhead(signal);
    reader.readAhead(signal);
    await writer.append(Buffer.from('m'));
    expect(await next()).toEqual([2, 'efgh']);
    expect(await next()).toEqual([3, 'ijkl']);
    await writer.end('');
    expect(await next()).toEqual([4, 'm']);
    expect(await next()).toBe('end');
    await reader.close();
  });
});
