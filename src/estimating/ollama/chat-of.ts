import type { CheckedRequest } from '../../openai/checked-request.ts';
import { scanObject } from '../../openai/json-scan.ts';
import { CannotCount } from '../estimator.ts';
import { fromChat } from './from-chat.ts';
import type { ChatBody } from './from-chat.ts';
import { fromResponse } from './from-response.ts';
import type { ResponseBody } from './from-response.ts';
import type { OllamaChat } from './messages.ts';

/** The chat that Ollama makes of a request. Throws CannotCount for what it refuses, and for work that is no chat. */
export function chatOf(request: CheckedRequest): OllamaChat {
  switch (request.taskKind) {
    case 'openai.chat_completions.v1':
      return chatOfChat(upstreamBytes(request));
    case 'openai.responses.v1':
      return fromResponse(parsed(upstreamBytes(request)) as ResponseBody);
    case 'openai.embeddings.v1':
      throw new CannotCount('Ollama renders chats only');
  }
}

/** The texts that it embeds one by one. */
export function textsOf(request: CheckedRequest): readonly string[] {
  const { input } = parsed(upstreamBytes(request)) as { readonly input: string | readonly string[] };
  return [input].flat();
}

function chatOfChat(bytes: Uint8Array): OllamaChat {
  const body = parsed(bytes) as ChatBody & { tools?: unknown };
  const { tools } = body;
  const member = Array.isArray(tools) && tools.length > 0 && scanObject(bytes).find(({ key }) => key === 'tools');
  const asWritten = member ? new TextDecoder().decode(bytes.subarray(member.valueStart, member.valueEnd)) : undefined;
  return fromChat(body, asWritten);
}

const upstreamBytes = (request: CheckedRequest): Uint8Array =>
  request.upstreamBody({ cap: 'max_tokens', usage: false });

const parsed = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
