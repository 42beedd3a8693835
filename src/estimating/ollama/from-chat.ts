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
  const names = new Map<string, string>();
  for (const { tool_calls } of body.messages)
    for (const call of tool_calls ?? [])
      if (call.id && !names.has(call.id)) names.set(call.id, call.function?.name ?? '');
  return {
    messages: body.messages.flatMap((message) => messagesOf(message, names).map(written)),
    tools,
    think: thinkOf(body.reasoning ? body.reasoning.effort : body.reasoning_effort),
    format: formatOf(body.response_format),
  };
}

/** Each part of a message becomes one of its own; what the assistant called goes with the last. */
function messagesOf(message: ChatMessage, names: ReadonlyMap<string, string>): OllamaMessage[] {
  const { role, content, tool_calls, name, reasoning, tool_call_id } = message;
  const calls = tool_calls?.map((call): ToolCall => ({
    id: call.id ?? undefined,
    name: call.function?.name ?? '',
    arguments: argumentsOf(call.function?.arguments),
  }));
  const toolCallId = tool_call_id ?? undefined;
  const toolName = role === 'tool' ? name || names.get(toolCallId ?? '') : undefined;
  const about = { thinking: reasoning ?? undefined, toolCalls: calls, toolCallId };
  if (typeof content === 'string') return [{ role, content, toolName, ...about }];
  if (content === undefined || content === null) {
    if (tool_calls === undefined || tool_calls === null)
      throw new CannotCount('Ollama takes no message without content');
    return [{ role, ...about }];
  }
  const parts = content.map(({ type, text }): OllamaMessage => {
    if (type !== 'text') throw new CannotCount(`Ollama takes no part of type ${type}`);
    return { role, content: text ?? '' };
  });
  const last = parts.at(-1);
  return last === undefined || calls === undefined || calls.length === 0
    ? parts
    : [...parts.slice(0, -1), { ...last, toolName, ...about }];
}

function formatOf(format: ChatBody['response_format']): string | undefined {
  if (format?.type === 'json_object') return '"json"';
  const schema = format?.type === 'json_schema' ? format.json_schema?.schema : undefined;
  return schema === undefined || schema === null ? undefined : JSON.stringify(schema);
}
