import type { TaskKind } from './checked-request.ts';

/** What a chat template is applied to: messages by role, and tools. */
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
export function inputShapeOf(taskKind: TaskKind, value: Readonly<Record<string, unknown>>): InputShape {
  const isChat = taskKind === 'openai.chat_completions.v1';
  const items = value[isChat ? 'messages' : 'input'];
  const shape = {
    system: 0,
    user: 0,
    assistant: 0,
    tool: 0,
    tools: lengthOf(value['tools']) + lengthOf(value['functions']),
  };
  if (!isChat && typeof value['instructions'] === 'string') shape.system++;
  for (const item of Array.isArray(items) ? (items as { role?: unknown; type?: unknown }[]) : [{}])
    shape[roles[String(item.role ?? item.type)] ?? 'user']++;
  return shape;
}

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
