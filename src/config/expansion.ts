/** The environment: names and values. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `text` with its variables filled in, or what is wrong with it. */
export type Expansion =
  | { readonly kind: 'expanded'; readonly text: string; readonly variables: readonly string[] }
  | { readonly kind: 'missing'; readonly variable: string }
  | { readonly kind: 'malformed' };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const MAX_DEPTH = 10;

class Missing extends Error {
  readonly variable: string;
  constructor(variable: string) {
    super();
    this.variable = variable;
  }
}
class Malformed extends Error {}

/** Reads until the end, or inside a default until its closing brace. `wanted` is false in a default that is not used: nothing may be missing there. */
function read(
  source: string,
  from: number,
  depth: number,
  wanted: boolean,
  env: Environment,
  names: Set<string>,
): { text: string; next: number } {
  let text = '';
  let at = from;
  while (at < source.length) {
    if (depth > 0 && source[at] === '}') return { text, next: at };
    if (source.startsWith('$${', at)) {
      text += '${';
      at += 3;
    } else if (source.startsWith('${', at)) {
      const name = NAME.exec(source.slice(at + 2))?.[0];
      if (name === undefined || depth >= MAX_DEPTH) throw new Malformed();
      at += 2 + name.length;
      names.add(name);
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      const hasDefault = source.startsWith(':-', at);
      if (hasDefault) {
        const unused = value !== undefined && value !== '';
        const inner = read(source, at + 2, depth + 1, wanted && !unused, env, names);
        text += unused ? value : inner.text;
        at = inner.next;
      } else {
        if (source[at] !== '}') throw new Malformed();
        if (value === undefined && wanted) throw new Missing(name);
        text += value ?? '';
      }
      if (source[at] !== '}') throw new Malformed();
      at += 1;
    } else {
      text += source[at];
      at += 1;
    }
  }
  if (depth > 0) throw new Malformed();
  return { text, next: at };
}

/**
 * Fills in `${VAR}` and `${VAR:-default}`: the default counts when VAR is unset or empty, and may hold variables itself.
 * `$${` stands for a plain `${`. Values are not expanded again.
 */
export function expand(source: string, env: Environment): Expansion {
  if (!source.includes('${')) return { kind: 'expanded', text: source, variables: [] };
  const names = new Set<string>();
  try {
    return { kind: 'expanded', text: read(source, 0, 0, true, env, names).text, variables: [...names] };
  } catch (error) {
    if (error instanceof Missing) return { kind: 'missing', variable: error.variable };
    if (error instanceof Malformed) return { kind: 'malformed' };
    throw error;
  }
}
