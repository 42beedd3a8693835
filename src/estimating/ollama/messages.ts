import { CannotCount } from '../estimator.ts';

/** What Ollama's own chat API is given: JSON texts, so that what the buyer wrote stays as it is. */
export interface OllamaChat {
  readonly messages: readonly string[];
  readonly tools: string | undefined;
  readonly think: string | undefined;
  readonly format: string | undefined;
}

/** A message before it is written; `arguments` is JSON text. */
export interface OllamaMessage {
  readonly role: string;
  content?: string | undefined;
  thinking?: string | undefined;
  toolCalls?: ToolCall[] | undefined;
  readonly toolName?: string | undefined;
  readonly toolCallId?: string | undefined;
}

export interface ToolCall {
  readonly id: string | undefined;
  readonly name: string;
  readonly arguments: string;
}

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? JSON.stringify(value) : undefined;

/** An object of members that are JSON texts already. */
export const object = (members: Readonly<Record<string, string | undefined>>): string => {
  const written = Object.entries(members).flatMap(([key, json]) => (json === undefined ? [] : [`"${key}":${json}`]));
  return `{${written.join(',')}}`;
};

export const written = ({ role, content, thinking, toolCalls, toolName, toolCallId }: OllamaMessage): string =>
  object({
    role: JSON.stringify(role),
    content: JSON.stringify(content ?? ''),
    thinking: text(thinking),
    tool_calls:
      toolCalls &&
      `[${toolCalls
        .map(({ id, name, arguments: json }) =>
          object({ id: text(id), function: object({ name: JSON.stringify(name), arguments: json }) }),
        )
        .join(',')}]`,
    tool_name: text(toolName),
    tool_call_id: text(toolCallId),
  });

/** As Ollama reads them; it refuses others, and so does the count. */
export function argumentsOf(json: unknown): string {
  try {
    if (typeof json === 'string' && typeof JSON.parse(json) === 'object') return json;
  } catch {
    // told below
  }
  throw new CannotCount('Ollama does not take the arguments of a tool call that are no JSON object');
}

const efforts: Readonly<Record<string, string>> = {
  none: 'false',
  minimal: '"low"',
  low: '"low"',
  medium: '"medium"',
  high: '"high"',
  max: '"max"',
  xhigh: '"max"',
  ultra: '"max"',
};

/** How much Ollama makes a model think; undefined: as is usual for the model. */
export function thinkOf(effort: string | null | undefined): string | undefined {
  if (effort === undefined || effort === null || effort === '') return undefined;
  const think = efforts[effort];
  if (think === undefined) throw new CannotCount('Ollama does not take this effort of reasoning');
  return think;
}
