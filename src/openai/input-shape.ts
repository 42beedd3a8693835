import type { Kind } from './kinds/kind.ts';

/** What a chat template is applied to: messages by role, and tools. Without a template each text of the input is one of the user's. */
export interface InputShape {
  readonly system: number;
  readonly user: number;
  readonly assistant: number;
  readonly tool: number;
  readonly tools: number;
}

const roles: Readonly<Record<string, keyof InputShape>> = {
  system: 'system',
  developer: 'system',
  assistant: 'assistant',
  function_call: 'assistant',
  custom_tool_call: 'assistant',
  reasoning: 'assistant',
  tool: 'tool',
  function: 'tool',
  function_call_output: 'tool',
  custom_tool_call_output: 'tool',
};

/** Counts a body that passed the rules. */
export function inputShapeOf({ input }: Kind, value: Readonly<Record<string, unknown>>): InputShape {
  const items = value[input];
  const shape = {
    system: 0,
    user: 0,
    assistant: 0,
    tool: 0,
    tools: lengthOf(value['tools']) + lengthOf(value['functions']),
  };
  if (typeof value['instructions'] === 'string') shape.system++;
  for (const item of Array.isArray(items) ? (items as { role?: unknown; type?: unknown }[]) : [{}])
    shape[roles[String(item.role ?? item.type)] ?? 'user']++;
  return shape;
}

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
