import { anyText, anything, flag, oneOf, text, word } from './rule.ts';
import type { Rule } from './rule.ts';
import { byType, either, list, record } from './shape.ts';

const MAX_TOOLS = 1024;
const ITSELF = 'only functions that the client runs itself';
const SEARCH = `${ITSELF}; codex leaves it out with web_search = "disabled" in its config.toml`;

/** Run by the server during the call, at its owner's cost, or fetching what the buyer names. */
const hosted = {
  web_search: SEARCH,
  web_search_preview: SEARCH,
  mcp: ITSELF,
  file_search: ITSELF,
  code_interpreter: ITSELF,
  image_generation: ITSELF,
  computer_use_preview: ITSELF,
  computer: ITSELF,
  custom: 'only functions with a JSON schema',
};

const cacheControl = record({ type: word, ttl: word });
const definition = { name: text(512), description: anyText, parameters: anything, strict: flag };
export const functionDefinitions = list(record(definition), MAX_TOOLS);

/** Types that the owner allows pass as they are: his backend runs nothing for them. */
const toolsOf =
  (known: Rule): Rule =>
  (value, context) =>
    context.allowedToolTypes.includes((value as { type?: string } | null)?.type ?? '')
      ? undefined
      : known(value, context);

const chatTool = record({ type: word, function: record(definition), cache_control: cacheControl });
export const chatTools = list(toolsOf(byType({ function: chatTool }, hosted)), MAX_TOOLS);

const responsesFunction = record({ type: word, ...definition, defer_loading: flag });
/** codex groups functions in namespaces. */
const namespace = record({
  type: word,
  name: text(512),
  description: anyText,
  tools: list(byType({ function: responsesFunction }, hosted), MAX_TOOLS),
});
export const responsesTools = list(toolsOf(byType({ function: responsesFunction, namespace }, hosted)), MAX_TOOLS);

const named = record({ type: oneOf('function'), name: text(512), function: record({ name: text(512) }) });
const allowed = { mode: word, tools: list(named, MAX_TOOLS) };
export const toolChoice = either(
  oneOf('none', 'auto', 'required'),
  byType(
    { function: named, allowed_tools: record({ type: word, ...allowed, allowed_tools: record(allowed) }) },
    hosted,
  ),
);
/** The old form of `tool_choice`. */
export const functionChoice = either(oneOf('none', 'auto'), record({ name: text(512) }));

const schema = { name: text(512), description: anyText, schema: anything, strict: flag };
/** One for chats, where the schema has an object of its own, and responses, where it has not. */
export const format = byType(
  {
    text: record({ type: word }),
    json_object: record({ type: word }),
    json_schema: record({ type: word, ...schema, json_schema: record(schema) }),
  },
  { grammar: 'use json_schema', regex: 'use json_schema', structural_tag: 'use json_schema' },
);
