import type { CheckedRequest } from '../../openai/checked-request.ts';

type Value = Readonly<Record<string, unknown>>;

/**
 * The text of a request as Ollama's templates get it: of tools what Ollama keeps of them, and calls written anew. How a template writes a tool around
 * its words and properties, as JSON or otherwise, is the template's.
 */
export const textOf = ({ promptText, promptParts }: Pick<CheckedRequest, 'promptText' | 'promptParts'>): string[] =>
  promptText.map((text, at) => {
    const part = promptParts[at];
    if (part === 'tools') return (JSON.parse(text) as unknown[]).map((tool) => toolOf(tool)).join('\n');
    return (part === 'call' || part === 'call-beside') && text.startsWith('{') ? rewritten(text) : text;
  });

/** As Go's `json.Marshal` writes it. */
function rewritten(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json)).replaceAll(
      /[<>&\u2028\u2029]/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  } catch {
    return json;
  }
}

/** Chats have functions in an object of their own; responses have not, and may group them. */
function toolOf(tool: unknown): string {
  const { function: inner, tools: grouped, ...flat } = asObject(tool);
  if (Array.isArray(grouped)) return grouped.map((one) => toolOf(one)).join('\n');
  const { name, description, parameters } = asObject(inner ?? flat);
  const { $defs, items, required, properties } = asObject(parameters);
  const words = [name, description, ...(Array.isArray(required) ? (required as unknown[]) : [])];
  const schemas = [propertiesOf(properties), $defs, items].filter((schema) => schema !== undefined);
  return [...words.filter((word) => typeof word === 'string'), ...schemas.map((schema) => JSON.stringify(schema))].join(
    ' ',
  );
}

const propertiesOf = (properties: unknown): Value =>
  Object.fromEntries(Object.entries(asObject(properties)).map(([name, property]) => [name, propertyOf(property)]));

function propertyOf(property: unknown): Value {
  const { anyOf, type, items, description, enum: values, properties, required } = asObject(property);
  return {
    anyOf: Array.isArray(anyOf) ? anyOf.map((one) => propertyOf(one)) : undefined,
    type,
    items,
    description,
    enum: filled(values),
    properties: properties === undefined ? undefined : propertiesOf(properties),
    required: filled(required),
  };
}

const filled = (list: unknown): unknown => (Array.isArray(list) && list.length > 0 ? list : undefined);

const asObject = (value: unknown): Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Value) : {};
