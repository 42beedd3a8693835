import { imageTypes } from '../../openai/message-rules.ts';
import { CannotCount } from '../estimator.ts';
import { argumentsOf, object, thinkOf, written } from './messages.ts';
import type { OllamaChat, OllamaMessage } from './messages.ts';

type Content = string | readonly { readonly type: string; readonly text?: string }[] | null;

interface Item {
  readonly type?: string;
  readonly role?: string;
  readonly content?: Content;
  readonly call_id?: string;
  readonly name?: string;
  readonly arguments?: string;
  readonly output?: Content;
  readonly encrypted_content?: string | null;
}

interface Tool {
  readonly type: string;
  readonly name?: string;
  readonly description?: string | null;
  readonly parameters?: unknown;
  readonly tools?: readonly Tool[];
}

/** What of a checked response request is read here. */
export interface ResponseBody {
  readonly input: string | readonly Item[];
  readonly instructions?: string | null;
  readonly tools?: readonly Tool[] | null;
  readonly reasoning?: { readonly effort?: string | null } | null;
  readonly text?: { readonly format?: { readonly type?: string; readonly schema?: unknown } | null } | null;
}

/** As Ollama makes a chat from it (`FromResponsesRequest`). */
export function fromResponse({ input, instructions, tools, reasoning, text }: ResponseBody): OllamaChat {
  const chat = new Conversation();
  if (instructions) chat.messages.push({ role: 'system', content: instructions });
  if (typeof input === 'string') chat.messages.push({ role: 'user', content: input });
  else input.forEach((item, index) => chat.add(item, input[index + 1]));
  chat.end();
  const format = text?.format;
  return {
    messages: chat.messages.map(written),
    tools: tools ? `[${tools.flatMap((tool) => toolsOf(tool)).join(',')}]` : undefined,
    think: thinkOf(reasoning?.effort),
    format: format?.type === 'json_schema' && format.schema ? JSON.stringify(format.schema) : undefined,
  };
}

class Conversation {
  readonly messages: OllamaMessage[] = [];
  #thinking: string | undefined;

  add(item: Item, next: Item | undefined): void {
    switch (item.type ?? 'message') {
      case 'message':
        return this.#addMessage(item, next);
      case 'function_call':
        return this.#addCall(item);
      case 'function_call_output':
        this.messages.push({ role: 'tool', content: textOf(item.output), toolCallId: item.call_id });
        return;
      case 'reasoning':
        this.#thinking = item.encrypted_content ?? undefined;
        return;
      case 'web_search_call':
        return;
      default:
        throw new CannotCount(`Ollama takes no item of type ${item.type}`);
    }
  }

  /** Thoughts that no message followed are one of their own. */
  end(): void {
    if (this.#thinking) this.messages.push({ role: 'assistant', thinking: this.#takeThinking() });
  }

  #addMessage({ role = 'user', content }: Item, next: Item | undefined): void {
    const message: OllamaMessage = { role, content: textOf(content) };
    if (role === 'assistant' && this.#thinking) message.thinking = this.#takeThinking();
    const last = this.messages.at(-1);
    const answered = next?.type === 'function_call_output' ? next.call_id : undefined;
    const isBetween = role === 'assistant' && answered && last?.toolCalls?.some(({ id }) => id === answered);
    if (!isBetween || last === undefined) return void this.messages.push(message);
    // Said between a call and its output: it goes with the call.
    last.content = [last.content, message.content].filter(Boolean).join('\n');
    if (message.thinking) last.thinking = message.thinking;
  }

  #addCall({ call_id, name = '', arguments: json }: Item): void {
    const call = { id: call_id, name, arguments: json ? argumentsOf(json) : '{}' };
    const last = this.messages.at(-1);
    const message: OllamaMessage = last?.role === 'assistant' ? last : { role: 'assistant' };
    if (message !== last) this.messages.push(message);
    (message.toolCalls ??= []).push(call);
    if (this.#thinking) message.thinking = this.#takeThinking();
  }

  #takeThinking(): string | undefined {
    const thinking = this.#thinking;
    this.#thinking = undefined;
    return thinking;
  }
}

function textOf(content: Content | undefined): string {
  if (typeof content === 'string') return content;
  const parts = (content ?? []).map(({ type, text }) => {
    if (type !== 'input_text' && type !== 'output_text' && !imageTypes.has(type))
      throw new CannotCount(`Ollama takes no part of type ${type}`);
    return text ?? '';
  });
  return parts.join('');
}

/** A namespace stands for the functions in it, whose names then begin with its own. */
function toolsOf({ type, name = '', description, parameters, tools = [] }: Tool, prefix = ''): string[] {
  if (type === 'namespace')
    return tools.flatMap((tool) => toolsOf(tool, prefixed(name === '' ? '' : `${name}.`, prefix)));
  const definition = object({
    name: JSON.stringify(prefixed(name, prefix)),
    description: JSON.stringify(description ?? ''),
    parameters: parameters ? JSON.stringify(sorted(parameters)) : undefined,
  });
  return [object({ type: JSON.stringify(type), function: definition })];
}

const prefixed = (name: string, prefix: string): string => (name.startsWith(prefix) ? name : prefix + name);

/** Ollama loses the order of their members on the way. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, inner]) => [key, sorted(inner)]));
}
