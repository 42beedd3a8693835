/** A member of an object, in the order of the text. */
export type Members = readonly (readonly [key: string, value: Json])[];
export type Json = string | number | boolean | null | readonly Json[] | { readonly members: Members };

/**
 * The plainest reader of JSON there is, to compare others with: recursive descent by the grammar of RFC 8259, and it keeps keys that stand twice.
 * Throws SyntaxError.
 */
export function readStrictJson(text: string): Json {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`at ${at}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const token = (pattern: RegExp): string | undefined => {
    match(/[ \t\n\r]*/y);
    const found = match(pattern);
    match(/[ \t\n\r]*/y);
    return found;
  };
  const string = (): string =>
    // oxlint-disable-next-line no-control-regex -- the grammar forbids them unescaped
    JSON.parse(token(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y) ?? fail()) as string;
  const list = <T>(close: RegExp, element: () => T): T[] => {
    const elements: T[] = [];
    if (token(close) !== undefined) return elements;
    do elements.push(element());
    while (token(/,/y) !== undefined);
    return token(close) === undefined ? fail() : elements;
  };
  const value = (): Json => {
    if (token(/\{/y) !== undefined)
      return {
        members: list(/\}/y, () => {
          const key = string();
          return token(/:/y) === undefined ? fail() : ([key, value()] as const);
        }),
      };
    if (token(/\[/y) !== undefined) return list(/\]/y, value);
    const word = token(/true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    return word === undefined ? string() : (JSON.parse(word) as number | boolean | null);
  };
  const whole = value();
  return at === text.length ? whole : fail();
}

/** As JSON.parse gives it. */
export function plain(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if ('members' in json) return Object.fromEntries(json.members.map(([key, value]) => [key, plain(value)]));
  return json.map(plain);
}

/** Whether some object has a key twice. */
export function hasTwins(json: Json): boolean {
  if (typeof json !== 'object' || json === null) return false;
  if (!('members' in json)) return json.some(hasTwins);
  const keys = json.members.map(([key]) => key);
  return new Set(keys).size < keys.length || json.members.some(([, value]) => hasTwins(value));
}
