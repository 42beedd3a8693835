import { callsOf, roleOf } from './input-shape.ts';
import type { Role } from './input-shape.ts';

/**
 * What a text is in a chat. Chat templates write each in their own way, or leave it out.
 *
 * `earlier-system`: of a system message that another follows. `beside-call`: the assistant's words in a message that calls tools; `call-beside`: the
 * calls in a message with words. `thoughts`: those between tags in the assistant's words. `tool`: what a tool answered. `tools`: their definitions.
 * `format`: the form of the answer. `beside`: names, ids and annotations. `role`: words that say what something is. `field`: a field that the owner
 * allows.
 */
export type PromptPart =
  | Role
  | 'earlier-system'
  | 'beside-call'
  | 'reasoning'
  | 'thoughts'
  | 'call'
  | 'call-beside'
  | 'tools'
  | 'format'
  | 'beside'
  | 'role'
  | 'field';

/** Tokens of the texts, by part; absent: none. */
export type PartTokens = Readonly<Partial<Record<PromptPart, number>>>;

/** Adds up what single texts have. */
export function partTokens(parts: readonly PromptPart[], counts: readonly number[]): PartTokens {
  const sums: Partial<Record<PromptPart, number>> = {};
  for (const [at, part] of parts.entries()) if (counts[at]) sums[part] = (sums[part] ?? 0) + counts[at];
  return sums;
}

const fields: Readonly<Record<string, PromptPart>> = {
  instructions: 'system',
  tools: 'tools',
  functions: 'tools',
  response_format: 'format',
  text: 'format',
};

/** What the text of a field beside the input is. */
export const partOfField = (key: string): PromptPart => fields[key] ?? 'field';

/** What the text of a member of a message or an item is. */
export function partOfMember(item: Readonly<Record<string, unknown>>, key: string, isLastSystem: boolean): PromptPart {
  const role = roleOf(item);
  const hasCalls = callsOf(item) > 0;
  switch (key) {
    case 'role':
    case 'type':
      return 'role';
    case 'content':
      if (role === 'system' && !isLastSystem) return 'earlier-system';
      return role === 'assistant' && hasCalls ? 'beside-call' : item['type'] === 'reasoning' ? 'reasoning' : role;
    case 'output':
      return 'tool';
    case 'tool_calls':
    case 'function_call':
      return item['content'] ? 'call-beside' : 'call';
    case 'name':
    case 'arguments':
    case 'input':
      return hasCalls ? 'call' : 'beside';
    case 'reasoning':
    case 'reasoning_content':
    case 'reasoning_details':
    case 'thinking_blocks':
    case 'encrypted_content':
    case 'summary':
      return 'reasoning';
    case 'refusal':
      return role;
    default:
      return 'beside';
  }
}

/** In a call of a tool, what is no part of the call itself. */
export const asideKeys: ReadonlySet<string> = new Set(['id', 'type', 'index', 'extra_content']);
