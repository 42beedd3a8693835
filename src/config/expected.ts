import type { JsonSchema } from './json-schema.ts';
import { DECIMAL_FORMAT } from './amount.ts';
import { SECRET_KEYS } from './fields.ts';
import type { Path } from './problem.ts';
import type { Tree } from './tree.ts';

const words = (values: readonly unknown[]): string =>
  values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`;

function bounds(min: number | undefined, max: number | undefined): string {
  const least = min !== undefined && min > Number.MIN_SAFE_INTEGER ? min : undefined;
  const most = max !== undefined && max < Number.MAX_SAFE_INTEGER ? max : undefined;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most === undefined ? '' : ` of at most ${most}`;
}

/** What a value should be, in words: "a whole number from 1 to 600". Undefined when the schema does not tell. */
export function expectedText(schema: JsonSchema): string | undefined {
  if (schema.const !== undefined) return words([schema.const]);
  if (schema.enum) return words(schema.enum);
  const driver = schema.oneOf?.[0]?.properties?.['driver'];
  if (driver) return 'a mapping';
  if (schema.format === DECIMAL_FORMAT) return 'an amount like 0.15';
  switch (schema.type) {
    case 'integer':
      return `a whole number${bounds(schema.minimum, schema.maximum)}`;
    case 'number':
      return `a number${bounds(schema.minimum, schema.maximum)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema.maxLength === undefined
        ? 'a text that is not empty'
        : `a text of ${schema.minLength ?? 0} to ${schema.maxLength} characters`;
    case 'array':
      return schema.minItems ? 'a list with at least one entry' : 'a list';
    case 'object':
      return 'a mapping';
    default:
      return undefined;
  }
}

/** Long, or of a shape in which keys and macaroons come: it may stand in the wrong place. */
const mayBeSecret = (text: string): boolean =>
  text.length > 40 ||
  /^"?(0x)?[0-9a-f]{24,}"?$/i.test(text) ||
  /^"?\w{2,6}[-_][\w-]{16,}"?$/.test(text) ||
  text.includes('@');

/** What stands there instead, in words; secrets are not shown, variables by name only. */
export function gotText(tree: Tree, path: Path, value: unknown, scalarWanted: boolean): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const shown = tree.written(path)?.shown ?? '';
  const hidden = !scalarWanted || path.some((key) => SECRET_KEYS.has(String(key))) || mayBeSecret(shown);
  if (!hidden) return shown;
  return typeof value === 'string' ? 'a text (not shown)' : 'something else';
}
