import type { Kind } from './kinds/kind.ts';

/** What a chat template is applied to: messages by role, tools, and what else it may look at. Without a template each text of the input is one of the user's. */
export interface InputShape {
  /** Those of the developer are among them. */
  readonly system: number;
  readonly user: number;
  readonly assistant: number;
  readonly tool: number;
  readonly tools: number;
  readonly developer: number;
  /** Messages of user or assistant that follow one of the same role: some servers make one of them. */
  readonly joined: number;
  /** Pieces of text beyond the first of each message: some servers put something between them. */
  readonly pieces: number;
  /** Calls of tools in the messages. */
  readonly calls: number;
  /** Who has the last word: after the assistant's, some templates open no answer. */
  readonly last: Role;
  /** Whether the model shall think, where the request says so. */
  readonly thinking?: 'on' | 'off';
}

export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool';
type Value = Readonly<Record<string, unknown>>;

const roles: Readonly<Record<string, Role>> = {
  system: 'system',
  developer: 'developer',
  assistant: 'assistant',
  function_call: 'assistant',
  custom_tool_call: 'assistant',
  reasoning: 'assistant',
  tool: 'tool',
  function: 'tool',
  function_call_output: 'tool',
  custom_tool_call_output: 'tool',
};

/** Whose an item of the input is. */
export const roleOf = (item: unknown): Role => {
  const { role, type } = (item ?? {}) as { role?: unknown; type?: unknown };
  return roles[String(role ?? type)] ?? 'user';
};

/** How many calls of tools an item of the input has. */
export const callsOf = (item: unknown): number => {
  const { type, tool_calls: calls, function_call: call } = (item ?? {}) as Value;
  const isCall = type === 'function_call' || type === 'custom_tool_call' || (call !== undefined && call !== null);
  return lengthOf(calls) + (isCall ? 1 : 0);
};

/** Counts a body that passed the rules. */
export function inputShapeOf({ input }: Kind, value: Value): InputShape {
  const given = value[input];
  const items: readonly unknown[] = Array.isArray(given) ? given : [given];
  const counts = { system: 0, developer: 0, user: 0, assistant: 0, tool: 0, joined: 0, pieces: 0, calls: 0 };
  let last: Role | undefined;
  if (typeof value['instructions'] === 'string') counts[(last = 'system')]++;
  for (const item of items) {
    const role = roleOf(item);
    counts[role]++;
    counts.calls += callsOf(item);
    counts.pieces += Math.max(0, lengthOf((item as Value | null)?.['content']) - 1);
    if (role === last && (role === 'user' || role === 'assistant')) counts.joined++;
    last = role;
  }
  counts.system += counts.developer;
  const thinking = thinkingOf(value);
  const tools = lengthOf(value['tools']) + lengthOf(value['functions']);
  return { ...counts, tools, last: last ?? 'user', ...(thinking && { thinking }) };
}

function thinkingOf({
  reasoning_effort,
  reasoning,
  think,
  chat_template_kwargs: own,
}: Value): 'on' | 'off' | undefined {
  const { effort } = (reasoning ?? {}) as Value;
  const { enable_thinking, thinking } = (own ?? {}) as Value;
  const told = [reasoning_effort, effort, think, enable_thinking, thinking].find(
    (one) => one !== undefined && one !== null,
  );
  if (told === undefined) return undefined;
  return told === false || told === 'none' ? 'off' : 'on';
}

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
