import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Scalar,
} from 'yaml';
import { expand, type Environment } from './expansion.ts';
import type { Path, Position, Problem } from './problem.ts';
import { Spots, type Written } from './spots.ts';
import { bareStars, isHarmless, syntaxText } from './syntax.ts';

const MAX_NODES = 100_000; // aliases of aliases grow without end
const MAX_DEPTH = 50;
const MAX_CHARACTERS = 4_000_000;

/** A YAML file as plain values, each with its place: aliases and merge keys followed, variables filled in. */
export class Tree {
  readonly file: string;
  /** Maps, lists, texts, numbers, booleans, null. */
  readonly value: unknown;
  /** False: this is not YAML, and `value` says nothing. */
  readable = true;
  /** What the file itself has wrong. */
  readonly problems: readonly Problem[];
  readonly #lines = new LineCounter();
  readonly #spots = new Spots();
  readonly #found: Problem[] = [];
  readonly #env: Environment;
  #document: Document | undefined;
  #nodes = 0;

  constructor(file: string, text: string, env: Environment) {
    this.file = file;
    this.#env = env;
    this.problems = this.#found;
    this.value = text.length > MAX_CHARACTERS ? this.#tooLarge([], 0) : this.#parse(text);
  }

  #parse(text: string): unknown {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false, // they quote the file
      stringKeys: true,
      resolveKnownTags: false,
    });
    this.#document = document;
    const faults = [...document.errors, ...document.warnings];
    const stars = bareStars(text, faults);
    for (const { offset, ...star } of stars) this.#problem([], offset, star.message, star.cure);
    const told = new Set<number>(); // one slip makes several errors on its line
    for (const error of stars.length > 0 ? [] : faults) {
      const { line } = this.#at(error.pos[0]);
      if (told.has(line)) continue;
      told.add(line);
      this.#found.push({ position: this.#at(error.pos[0]), path: [], ...syntaxText(error) });
    }
    this.readable = document.errors.every(isHarmless);
    return this.readable && document.contents ? this.#read(document.contents, [], undefined, 0) : null;
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  #problem(path: Path, offset: number, message: string, cure: string): null {
    this.#found.push({ position: this.#at(offset), path, message, cure });
    return null;
  }

  #tooLarge(path: Path, offset: number): null {
    if (this.#nodes === Infinity) return null;
    this.#nodes = Infinity; // once is enough
    return this.#problem(
      path,
      offset,
      'this file is too large, or its aliases grow without end',
      'remove what is not needed',
    );
  }

  #read(node: Node | null, path: Path, key: number | undefined, depth: number): unknown {
    const offset = node?.range?.[0] ?? key ?? 0;
    if (++this.#nodes > MAX_NODES) return this.#tooLarge(path, offset);
    if (depth > MAX_DEPTH)
      return this.#problem(path.slice(0, 3), offset, 'nested too deeply, or an alias holds itself', 'remove levels');
    if (isAlias(node)) {
      const target = this.#document && node.resolve(this.#document);
      if (!target)
        return this.#problem(
          path,
          offset,
          'this alias has no anchor',
          'put & and the same name before the first use; where * stands for any characters, put the text in quotes',
        );
      return this.#read(target, path, key, depth + 1);
    }
    if (isScalar(node)) return this.#scalar(node, path, offset, key);
    this.#spots.set(path, { value: offset, key });
    if (isSeq(node))
      return node.items.map((item, index) => this.#read(item as Node, [...path, index], undefined, depth + 1));
    if (isMap(node)) return this.#map(node.items, path, depth);
    return null;
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path, depth: number): Record<string, unknown> {
    const values = new Map<string, unknown>();
    const pairs = items.flatMap(({ key, value }) => {
      if (!isScalar(key)) return []; // told by the parser
      const name = String(key.value);
      return [
        {
          name,
          offset: key.range?.[0] ?? 0,
          value: value as Node | null,
          merge: name === '<<' && key.type === 'PLAIN',
        },
      ];
    });
    // Merged keys first: keys of the mapping itself win, and so must their places.
    for (const { value, offset, merge } of pairs) if (merge) this.#merge(value, values, path, offset, depth);
    for (const { name, value, offset, merge } of pairs) {
      if (merge) continue;
      if (name === '__proto__') this.#problem(path, offset, 'a key can not have this name', 'choose another name');
      else values.set(name, this.#read(value, [...path, name], offset, depth + 1));
    }
    return Object.fromEntries(values);
  }

  #merge(node: Node | null, into: Map<string, unknown>, path: Path, offset: number, depth: number): void {
    const target = isAlias(node) && this.#document ? node.resolve(this.#document) : node;
    const sources = isSeq(target) ? (target.items as Node[]) : [target ?? null];
    // The first to name a key wins; read it last, so that its places win too.
    for (const source of sources.toReversed()) {
      const spot = this.#spots.get(path);
      const value = this.#read(source, path, offset, depth + 1);
      if (spot) this.#spots.set(path, spot);
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        for (const [name, entry] of Object.entries(value)) into.set(name, entry);
      else
        this.#problem(
          [...path, '<<'],
          offset,
          'only a mapping can be merged',
          'write <<: *name with the anchor of a mapping',
        );
    }
  }

  #scalar(node: Scalar, path: Path, offset: number, key: number | undefined): unknown {
    const source = typeof node.value === 'string' ? node.value : (node.source ?? '');
    const shown = typeof node.value === 'string' ? JSON.stringify(source) : source;
    const plain = node.type === 'PLAIN' && node.tag === undefined;
    const expansion = expand(source, this.#env);
    if (expansion.kind !== 'expanded') {
      this.#spots.set(path, { value: offset, key });
      return expansion.kind === 'missing'
        ? this.#problem(
            path,
            offset,
            `the environment variable ${expansion.variable} is not set`,
            `set it, or give a default: \${${expansion.variable}:-default}`,
          )
        : this.#problem(
            path,
            offset,
            'a variable is not written as ${NAME} or ${NAME:-default}',
            'mend it, or write $${ where a plain ${ is meant',
          );
    }
    const { text, variables } = expansion;
    this.#spots.set(path, { value: offset, key, written: { text, loose: plain || variables.length > 0, shown } });
    if (variables.length === 0) return typeof node.value === 'string' ? text : node.value;
    return text === '' ? null : text; // what expands to nothing counts as left out
  }

  /** The place of a value; of what encloses it when there is none. */
  position(path: Path): Position {
    return this.#at(this.#spots.nearest(path)?.value ?? 0);
  }

  /** The place of a key; of its value when it has none. */
  keyPosition(path: Path): Position {
    const key = this.#spots.get(path)?.key;
    return key === undefined ? this.position(path) : this.#at(key);
  }

  /** The scalar at `path`; undefined when there is none. */
  written(path: Path): Written | undefined {
    return this.#spots.get(path)?.written;
  }
}
