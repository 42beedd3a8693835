import type { TaskKind } from './request.ts';
import { foldKey } from './json-scan.ts';

/**
 * Fields by which one server or another does more than the OpenAI fields say, keeps something for later, or changes what was priced; each with
 * what to do instead. Ollama: options, keep_alive, num_predict · llama.cpp: n_predict, t_max_predict_ms, cache keys · vLLM: best_of,
 * use_beam_search, min_tokens, prompt_logprobs, ignore_eos is bounded by the cap · OpenAI: background, previous_response_id, conversation.
 */
const forbidden = new Map<string, string>([
  ...['n_predict', 'num_predict', 'max_new_tokens', 'max_length', 'n_probs', 't_max_predict_ms'].map(
    (key): [string, string] => [key, 'use "max_tokens"'],
  ),
  ...['best_of', 'use_beam_search', 'beam_width', 'n_cmpl', 'num_return_sequences'].map((key): [string, string] => [
    key,
    'use "n"',
  ]),
  ...[
    'options',
    'keep_alive',
    'num_ctx',
    'truncate',
    'shift',
    'id_slot',
    'slot_id',
    'cache_prompt',
    'lora',
    'prompt_logprobs',
    'priority',
    'kv_transfer_params',
    'service_tier',
  ].map((key): [string, string] => [key, 'it is for the owner of the server']),
  ...['background', 'previous_response_id', 'conversation', 'prompt', 'item_reference'].map((key): [string, string] => [
    key,
    'nothing is kept between requests; send the whole input',
  ]),
  ['prompt_cache_retention', 'nothing is kept between requests'],
  ['audio', 'audio is not for sale'],
]);
/** A field that asks for nothing is no offence. */
const isIdle = (value: unknown): boolean =>
  value === null || value === undefined || value === false || value === 'auto' || value === 'default';
/** Parts of a message that are neither counted nor priced yet. */
const unpricedParts = new Set(['image_url', 'input_image', 'input_audio', 'file', 'input_file', 'video_url']);

/** Why a body is refused for what it asks besides; undefined: it is not. */
export function refuseForbidden(taskKind: TaskKind, value: Readonly<Record<string, unknown>>): string | undefined {
  for (const [key, content] of Object.entries(value)) {
    const advice = forbidden.get(foldKey(key));
    if (advice !== undefined && !isIdle(content)) return `"${foldKey(key)}" is not allowed: ${advice}`;
  }
  if (value['store'] === true) return '"store" is not allowed: nothing is kept between requests';
  const items = taskKind === 'openai.chat_completions.v1' ? value['messages'] : value['input'];
  return hasUnpricedPart(items)
    ? 'only text is for sale: images, audio and files are neither counted nor run'
    : undefined;
}

/** Looks at the content of each message or input item; no deeper, for tool arguments are text. */
function hasUnpricedPart(items: unknown): boolean {
  if (!Array.isArray(items)) return false;
  return items.some((item: unknown) => {
    if (typeof item !== 'object' || item === null) return false;
    const { type, content, output, images } = item as {
      type?: unknown;
      content?: unknown;
      output?: unknown;
      images?: unknown;
    };
    if (images !== undefined && images !== null) return true;
    if (isUnpriced(type)) return true;
    return [content, output].some(
      (parts) =>
        Array.isArray(parts) && parts.some((part: unknown) => isUnpriced((part as { type?: unknown } | null)?.type)),
    );
  });
}

const isUnpriced = (type: unknown): boolean => typeof type === 'string' && unpricedParts.has(type);
