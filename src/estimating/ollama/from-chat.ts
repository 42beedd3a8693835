import { imageTypes } from '../../openai/message-rules.ts';
import { CannotCount } from '../estimator.ts';
import { argumentsOf, thinkOf, written } from './messages.ts';
import type { OllamaChat, OllamaMessage, ToolCall } from './messages.ts';

interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[] | null;
  readonly name?: string | null;
  readonly reasoning?: string | null;
  readonly tool_calls?:
    readonly { readonly id?: string | null; readonly function?: { name?: string; arguments?: string } | null }[] | null;
  readonly tool_call_id?: string | null;
}

/** What of a checked chat is read here. */
export interface ChatBody {
  readonly messages: readonly ChatMessage[];
  readonly reasoning_effort?: string | null;
  readonly reasoning?: { readonly effort?: string | null } | null;
  readonly response_format?: { readonly type?: unknown; readonly json_schema?: { readonly schema?: unknown } } | null;
}

/** As Ollama's OpenAI-compatible API makes one of its own chats from it (`FromChatRequest`). `tools`: their bytes as the buyer wrote them. */
export function fromChat(body: ChatBody, tools: string | undefined): OllamaChat {
  const names = new Map<string, string>(); // of an id that stands twice, Ollama takes the name that was given last
  for (const { tool_calls } of body.messages.toReversed())
    for (const call of tool_calls ?? [])
      if (call.id && !names.has(call.id)) names.set(call.id, call.function?.name ?? '');
  return {
    messages: allMessages(body.messages, names).map(written),
    tools,
    think: thinkOf(body.reasoning ? body.reasoning.effort : body.reasoning_effort),
    format: formatOf(body.response_format),
  };
}

/** Each part of a message becomes one of its own; what the assistant called goes with the last before it, be that of another message. */
function allMessages(messages: readonly ChatMessage[], names: ReadonlyMap<string, string>): OllamaMessage[] {
  const all: OllamaMessage[] = [];
  for (const message of messages) {
    const { role, content, tool_calls } = message;
    const about = aboutOf(message, names);
    if (typeof content === 'string') all.push({ role, content, ...about });
    else if (content !== undefined && content !== null) {
      all.push(...content.map((part) => partOf(role, part)));
      const last = all.at(-1);
      if (last !== undefined && tool_calls && tool_calls.length > 0) all[all.length - 1] = { ...last, ...about };
    } else if (tool_calls !== undefined && tool_calls !== null) all.push({ role, ...about, toolName: undefined });
    else throw new CannotCount('Ollama takes no message without content');
  }
  return all;
}

function aboutOf({ role, tool_calls, name, reasoning, tool_call_id }: ChatMessage, names: ReadonlyMap<string, string>) {
  const toolCallId = tool_call_id ?? undefined;
  return {
    thinking: reasoning ?? undefined,
    toolCalls: tool_calls?.map((call): ToolCall => ({
      id: call.id ?? undefined,
      name: call.function?.name ?? '',
      arguments: argumentsOf(call.function?.arguments),
    })),
    toolName: role === 'tool' ? name || names.get(toolCallId ?? '') : undefined,
    toolCallId,
  };
}

/** An image is a message without words; what it takes itself has a price of its own. */
function partOf(role: string, { type, text }: { readonly type: string; readonly text?: string }): OllamaMessage {
  if (type !== 'text' && !imageTypes.has(type)) throw new CannotCount(`Ollama takes no part of type ${type}`);
  return { role, content: text ?? '' };
}

function formatOf(format: ChatBody['response_format']): string | undefined {
  if (format?.type === 'json_object') return '"json"';
  const schema = format?.type === 'json_schema' ? format.json_schema?.schema : undefined;
  return schema === undefined || schema === null ? undefined : JSON.stringify(schema);
}
