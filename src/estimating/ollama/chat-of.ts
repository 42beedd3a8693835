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
  const { taskKind } = request;
  if (taskKind === 'openai.embeddings.v1') throw new CannotCount('Ollama renders chats only');
  const bytes = request.upstreamBody({ cap: 'max_tokens', usage: false });
  const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (taskKind === 'openai.responses.v1') return fromResponse(body as ResponseBody);
  const { tools } = body as { tools?: unknown };
  const member = Array.isArray(tools) && tools.length > 0 && scanObject(bytes).find(({ key }) => key === 'tools');
  const asWritten = member ? new TextDecoder().decode(bytes.subarray(member.valueStart, member.valueEnd)) : undefined;
  return fromChat(body as ChatBody, asWritten);
}
