import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { BodyReader } from '../../src/backend/body-reader.ts';

const reading = () => {
  const source = new PassThrough({ highWaterMark: 1 << 20 });
  return { source, reader: new BodyReader(source) };
};
const textOf = (value: Uint8Array | undefined) => Buffer.from(value ?? []).toString();
const turn = () => new Promise(setImmediate);

it('hands on a piece as soon as it is there', async () => {
  const { source, reader } = reading();
  const first = reader.next();
  source.write('first');
  expect(textOf((await first).value)).toBe('first');
  const second = reader.next();
  source.write('second');
  expect(textOf((await second).value)).toBe('second');
});

it('joins small pieces that wait, and leaves large ones as they are', async () => {
  const { source, reader } = reading();
  const large = Buffer.alloc(40_000, 'l');
  for (const piece of ['a', 'b', large, 'c', 'd']) source.write(piece);
  await turn();
  expect(textOf((await reader.next()).value)).toBe('ab');
  const whole = (await reader.next()).value;
  expect(whole?.buffer).toBe(large.buffer);
  expect(whole).toHaveLength(40_000);
  expect(textOf((await reader.next()).value)).toBe('cd');
});

it('keeps a sender waiting while what came before has not been taken', async () => {
  const { source, reader } = reading();
  for (let count = 0; count < 4; count++) source.write(Buffer.alloc(32_000, count));
  await turn();
  expect(source.isPaused()).toBe(true);
  let bytes = 0;
  while (bytes < 4 * 32_000) bytes += (await reader.next()).value?.length ?? 0;
  expect(source.isPaused()).toBe(false);
});

it('ends after all bytes, and again when asked again', async () => {
  const { source, reader } = reading();
  source.end('all');
  await turn();
  expect(textOf((await reader.next()).value)).toBe('all');
  expect(await reader.next()).toEqual({ done: true, value: undefined });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

it('tells what broke the body after the bytes that came before', async () => {
  const { source, reader } = reading();
  source.write('half');
  await turn();
  source.destroy(new Error('connection lost'));
  await turn();
  expect(textOf((await reader.next()).value)).toBe('half');
  await expect(reader.next()).rejects.toThrow('connection lost');
});

it('rejects when the body is closed before its end', async () => {
  const { source, reader } = reading();
  const next = reader.next();
  source.destroy();
  await expect(next).rejects.toThrow('Premature close');
});
