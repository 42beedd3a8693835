import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/** From the ground up. A file may import its own room and rooms of lower floors. */
const floors = [
  ['money', 'clock', 'turns', 'program', 'types'],
  ['protocol', 'openai'],
  ['pricing'],
  ['job'],
  ['lightning', 'backend', 'ledger', 'spool', 'estimating', 'rates'],
  ['config'],
  ['session'],
  ['engine'],
  ['storefront', 'buyer'],
  ['operator'],
  ['node'],
  ['cli'],
  ['main.ts'],
];
const pureRooms = ['money', 'protocol', 'openai', 'pricing', 'job', 'estimating/tokenizer'];
/** Of what is not of this program, they may use these. */
const pureModules = ['node:crypto', 'zod'];
/** All that rooms above the ports may know of them. */
const portFiles = [
  'lightning/lightning.ts',
  'lightning/bolt11.ts',
  'lightning/lnd/credentials.ts', // what the configuration says of lnd
  'backend/backend.ts',
  'backend/pool.ts',
  'ledger/ledger.ts',
  'ledger/books.ts',
  'spool/spool.ts',
  'estimating/estimator.ts',
  'rates/rate-source.ts',
  'estimating/counting.ts',
];

const source = join(import.meta.dirname, '..', 'src');
const roomOf = (path: string): string => path.split('/')[0] ?? path;
const isPure = (path: string): boolean => pureRooms.some((room) => path.startsWith(`${room}/`));
const floorOf = (path: string): number => floors.findIndex((rooms) => rooms.includes(roomOf(path)));

const arrows = globSync('**/*.ts', { cwd: source }).flatMap((file) => {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import|import\(|new URL\()\s*'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) => ({
    file,
    specifier,
    target: specifier.startsWith('.') ? relative(source, join(source, dirname(file), specifier)) : undefined,
  }));
});
const inside = arrows.flatMap(({ file, target }) =>
  target === undefined || target.startsWith('..') ? [] : [{ file, target }],
);

describe('the import graph', () => {
  test('every file lives in a room that has a floor', () => {
    expect(globSync('**/*.ts', { cwd: source }).filter((file) => floorOf(file) < 0)).toEqual([]);
    expect(inside.length).toBeGreaterThan(100);
  });

  test('imports run downwards only', () => {
    const upwards = inside.filter(
      ({ file, target }) => roomOf(file) !== roomOf(target) && floorOf(target) >= floorOf(file),
    );
    expect(upwards).toEqual([]);
  });

  test('no file leads back to itself', () => {
    const targetsOf = Map.groupBy(inside, ({ file }) => file);
    const done = new Set<string>();
    const circles: string[][] = [];
    const follow = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file]);
      if (way.includes(file) || done.has(file)) return;
      for (const { target } of targetsOf.get(file) ?? []) follow(target, [...way, file]);
      done.add(file);
    };
    for (const { file } of inside) follow(file, []);
    expect(circles).toEqual([]);
  });

  test('pure rooms import nothing that does input or output', () => {
    const impure = arrows.filter(
      ({ file, specifier }) => isPure(file) && !specifier.startsWith('.') && !pureModules.includes(specifier),
    );
    expect(impure).toEqual([]);
  });

  test('pure rooms ask neither clock nor network nor environment', () => {
    const asking = globSync(`{${pureRooms.join()}}/**/*.ts`, { cwd: source }).filter((file) =>
      /\b(?:Date\.now|new Date|performance\.now|set(?:Timeout|Interval|Immediate)|fetch|process\.|Math\.random)\b/.test(
        readFileSync(join(source, file), 'utf8'),
      ),
    );
    expect(asking).toEqual([]);
  });

  test('only the room that puts the parts together names drivers', () => {
    const ports = floors[4] ?? [];
    const named = inside.filter(
      ({ file, target }) =>
        ports.includes(roomOf(target)) &&
        roomOf(file) !== roomOf(target) &&
        floorOf(file) < floorOf('node/') &&
        !portFiles.includes(target),
    );
    expect(named).toEqual([]);
  });
});
