import type { z } from 'zod';
import { adapt, type Issue } from './adapt.ts';
import { reportIssue } from './issue-report.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Path, Problem } from './problem.ts';
import type { Tree } from './tree.ts';

/** A file after its check. */
export interface Checked<T> {
  /** The values with defaults; where something is wrong, as if it were not written. Undefined when nothing could be kept. */
  readonly data: T | undefined;
  readonly problems: readonly Problem[];
  /** Paths that were left out of `data`: nothing more need be said about them. */
  readonly broken: readonly Path[];
}

const MAX_ROUNDS = 50;

type Container = Record<PropertyKey, unknown>;

/** True when one path lies within the other. */
export const touches = (a: Path, b: Path): boolean => a.slice(0, b.length).every((key, index) => key === b[index]);

/** Takes the value at `path` out. Of a list all of it: its indexes must stay true. False when that would take out everything. */
function takeOut(root: unknown, path: Path, broken: Path[]): boolean {
  const list = path.findIndex((key) => typeof key === 'number');
  const target = list === -1 ? path : path.slice(0, list);
  const key = target.at(-1);
  if (key === undefined) return false;
  if (broken.some((path) => path.length <= target.length && touches(target, path))) return true;
  broken.push(target);
  let holder = root;
  for (const step of target.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return true;
    holder = (holder as Container)[step];
  }
  if (typeof holder !== 'object' || holder === null) return true;
  if (Object.hasOwn(holder, key)) delete (holder as Container)[key];
  else return takeOut(root, target.slice(0, -1), broken); // something is missing: what should hold it goes
  return true;
}

/** Checks a file against a schema. Whatever is wrong is reported and left out, so that the rest can be checked too. */
export function check<T>(tree: Tree, schema: z.ZodType<T>, json: JsonSchema): Checked<T> {
  const root: unknown = structuredClone(tree.value) ?? {};
  const problems = [...tree.problems];
  const broken: Path[] = tree.problems.map(({ path }) => path).filter((path) => path.length > 0);
  if (!tree.readable) return { data: undefined, problems, broken };
  const silent = [...broken];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = schema.safeParse(root);
    if (parsed.success) return { data: parsed.data, problems, broken };
    const issues = parsed.error.issues as unknown as Issue[];
    if (issues.filter((issue) => adapt(root, issue, tree, json)).length > 0) continue;
    const all = issues.flatMap((issue) => reportIssue(tree, root, issue, json)); // all of them before anything is taken out
    // What is said of a whole mostly follows from what is wrong within it.
    const reports = all.filter(({ at }) => !all.some((inner) => inner.at.length > at.length && touches(inner.at, at)));
    let kept = true;
    for (const { report, at } of reports) {
      if (!silent.some((path) => touches(path, at))) problems.push(report);
      kept = takeOut(root, at, broken) && kept;
    }
    silent.push(...broken.slice(silent.length));
    if (!kept) break;
  }
  return { data: undefined, problems, broken };
}
