/** Where something stands in a file; line and column count from 1. */
export interface Position {
  /** As the operator named the file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Keys and list indexes from the top of a file down to a value. */
export type Path = readonly (string | number)[];

/** A rule that is broken, by which value, and how to mend it. Holds no secret. */
export interface Breach {
  readonly path: Path;
  /** What is wrong, without a full stop. */
  readonly message: string;
  /** How to mend it, without a full stop. */
  readonly cure: string;
}

/** One thing that is wrong with a file. */
export interface Problem extends Breach {
  readonly position: Position;
  /** Further entries with this very problem: aliases of one anchor. */
  readonly sharedBy?: number;
}

/** A path as people write it: `backends[1].url`, `llm.models["gpt-5.2"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    if (key.length > 80 || /^(0x)?[0-9a-f]{24,}$/i.test(key)) return `${text}[…]`; // may be a secret that lost its key
    if (!/^[\w-]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** One block: `file:line:column: path: what is wrong. Cure: what to do.` */
export function problemText({ position, path, message, cure, sharedBy = 0 }: Problem): string {
  const place = `${position.file}:${position.line}:${position.column}`;
  const name = path.length === 0 ? '' : `${pathText(path)}: `;
  const shared = sharedBy === 0 ? '' : ` (and ${sharedBy} ${sharedBy === 1 ? 'entry shares' : 'entries share'} it)`;
  return `${place}: ${name}${message}${shared}. Cure: ${cure}${cure.endsWith('?') ? '' : '.'}`;
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = toldOnce(problems).toSorted(
      (a, b) =>
        // The configuration comes first, its price lists in the order in which they were read.
        (a.position.file === b.position.file ? 0 : order(problems, a) - order(problems, b)) ||
        a.position.line - b.position.line ||
        a.position.column - b.position.column,
    );
    super(sorted.map(problemText).join('\n'));
    this.name = 'ConfigError';
    this.problems = sorted;
  }
}

const order = (problems: readonly Problem[], { position }: Problem): number =>
  problems.findIndex((other) => other.position.file === position.file);

/** A slip under an anchor is told once, for the first entry, however many aliases share it. */
function toldOnce(problems: readonly Problem[]): Problem[] {
  const told = new Map<string, Problem>();
  for (const problem of problems) {
    const { position, message, cure } = problem;
    const key = JSON.stringify([position, message, cure]);
    const first = told.get(key);
    told.set(key, first === undefined ? problem : { ...first, sharedBy: (first.sharedBy ?? 0) + 1 });
  }
  return [...told.values()];
}
