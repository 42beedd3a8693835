import { z } from 'zod';
import { DECIMAL_FORMAT } from './amount.ts';
import { configSchema } from './schema.ts';

/** The parts of a JSON schema that are read here. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

/** A zod schema of what is written in a file, as JSON schema. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;

/** The text of config.schema.json, for editors. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === DECIMAL_FORMAT) {
        const { description } = jsonSchema;
        for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
        Object.assign(jsonSchema, { description, anyOf: [{ type: 'number', minimum: 0 }, { type: 'string' }] });
      }
      if (jsonSchema.type !== 'integer' && jsonSchema.type !== 'boolean') return;
      // A variable may stand for any number; an editor need not complain.
      const { type, minimum, maximum, ...rest } = jsonSchema;
      const bounds = {
        ...(minimum !== undefined && { minimum }),
        ...(maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && { maximum }),
      };
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
      Object.assign(jsonSchema, {
        ...rest,
        anyOf: [
          { type, ...bounds },
          { type: 'string', pattern: '\\$\\{' },
        ],
      });
    },
  });
  return `${JSON.stringify({ title: 'lcp-provider', ...schema }, null, 2)}\n`;
}

/** The schema of the value at `path`; `value` is the whole file and tells which alternative of a union is meant. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema | undefined {
  const here = alternative(schema, value);
  const [key, ...rest] = path;
  if (key === undefined) return here;
  const inner = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  const properties = here.properties ?? {};
  const next =
    typeof key === 'number'
      ? (here.items ?? here.anyOf?.find(({ items }) => items)?.items)
      : typeof key === 'string' && Object.hasOwn(properties, key)
        ? properties[key]
        : typeof here.additionalProperties === 'object'
          ? here.additionalProperties
          : undefined;
  return next && schemaAt(next, rest, inner);
}

function alternative(schema: JsonSchema, value: unknown): JsonSchema {
  const { oneOf } = schema;
  if (!oneOf) return schema;
  const driver = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['driver'] : undefined;
  return (
    oneOf.find(({ properties }) => properties?.['driver']?.const === driver) ?? {
      ...schema,
      properties: oneOf[0]?.properties ?? {},
    }
  );
}
