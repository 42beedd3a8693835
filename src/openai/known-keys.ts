import type { TaskKind } from './checked-request.ts';

/** Keys that the gate reads or fills in; they decide what a request costs. */
const shared = ['model', 'stream', 'store', 'tools', 'top_logprobs', 'service_tier'];
export const readKeys: Readonly<Record<TaskKind, readonly string[]>> = {
  'openai.chat_completions.v1': [...shared, 'messages', 'max_tokens', 'max_completion_tokens', 'n', 'stream_options'],
  'openai.responses.v1': [...shared, 'input', 'max_output_tokens', 'instructions'],
};

const USE_CAP = 'use the cap of the OpenAI API';
const USE_N = 'use "n"';
const OWNER = 'it is for the owner of the server';
const SCHEDULE = 'the provider schedules its own work';
const OTHER_MODEL = 'it runs another model than the one that is priced';
const REMOTE = 'the backend connects to nothing for a buyer';
const STATE = 'nothing is kept between requests: send the whole input';
const TEMPLATE = 'the prompt is made by the template of the model';
const UNPRICED = 'its work is not priced';
const MEDIA = 'only text is sold';

const keysBecause = (reason: string, ...keys: string[]): [string, string][] => keys.map((key) => [key, reason]);

/** Refused in both kinds: some server does more work, other work or lasting work for them than the OpenAI fields say. */
const refused: readonly [string, string][] = [
  // Other names of the output cap: llama.cpp (n_predict wins over max_tokens), Ollama, TGI, TabbyAPI, text-generation-webui.
  ...keysBecause(
    USE_CAP,
    'n_predict',
    'num_predict',
    'max_new_tokens',
    'max_length',
    'max_gen_len',
    'max_tokens_to_sample',
  ),
  // Other names of n, and searches that compute more than they return: llama.cpp (n_cmpl wins over n), vLLM, TGI, mistral.rs.
  ...keysBecause(
    USE_N,
    'n_cmpl',
    'best_of',
    'use_beam_search',
    'num_beams',
    'num_return_sequences',
    'candidate_count',
    'n_choices',
  ),
  // Ollama's own API, and what LiteLLM and LM Studio hand on to such servers: memory, loading and unloading of models.
  ...keysBecause(
    OWNER,
    'options',
    'keep_alive',
    'ttl',
    'num_ctx',
    'num_keep',
    'num_batch',
    'num_gpu',
    'num_thread',
    'context_length',
  ),
  ...keysBecause(OWNER, 'truncate', 'shift', 'raw', 'format', 'context', '_debug_render_only'),
  // llama.cpp: slots of other buyers, context shifting; vLLM and SGLang: their request ids and plugins.
  ...keysBecause(
    OWNER,
    'id_slot',
    'slot_id',
    'n_keep',
    'n_discard',
    'n_cache_reuse',
    'request_id',
    'rid',
    'vllm_xargs',
  ),
  ...keysBecause(
    OWNER,
    'mm_processor_kwargs',
    'media_io_kwargs',
    'logits_processors',
    'custom_logit_processor',
    'custom_params',
  ),
  ...keysBecause(SCHEDULE, 'priority', 'data_parallel_rank', 'routed_dp_rank'),
  // LoRA and drafts (llama.cpp, SGLang, TGI, LM Studio), fallbacks (OpenRouter, LiteLLM).
  ...keysBecause(
    OTHER_MODEL,
    'lora',
    'lora_path',
    'adapter_id',
    'adapters',
    'draft_model',
    'models',
    'fallbacks',
    'route',
    'provider',
  ),
  // Transfers between servers (vLLM, SGLang), and LiteLLM's way of naming another server.
  ...keysBecause(
    REMOTE,
    'kv_transfer_params',
    'bootstrap_host',
    'bootstrap_port',
    'bootstrap_room',
    'api_base',
    'base_url',
    'api_key',
  ),
  ...keysBecause(REMOTE, 'custom_llm_provider', 'extra_headers', 'extra_query', 'plugins', 'web_search_options'),
  ...keysBecause('write its fields into the request itself', 'extra_body'),
  ...keysBecause(
    STATE,
    'background',
    'previous_response_id',
    'conversation',
    'session_params',
    'prompt',
    'prompt_cache_retention',
  ),
  ...keysBecause(TEMPLATE, 'chat_template', 'template', 'system', 'input_ids', 'prompt_embeds'),
  // Output that grows with the prompt (vLLM, SGLang, TGI), and rejected predictions, which OpenAI bills as output.
  ...keysBecause(
    UNPRICED,
    'prompt_logprobs',
    'decoder_input_details',
    'return_hidden_states',
    'return_routed_experts',
    'prediction',
  ),
  ...keysBecause(UNPRICED, 'n_probs', 'num_retries'),
  ...keysBecause(MEDIA, 'audio', 'images'),
];

/** Refused in one kind: they belong to the other, and a server that takes both would obey them. */
const misplaced: Readonly<Record<TaskKind, readonly [string, string][]>> = {
  'openai.chat_completions.v1': keysBecause('it belongs to the responses API', 'input', 'max_output_tokens'),
  'openai.responses.v1': keysBecause(
    'it belongs to the chat completions API',
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'n',
  ),
};

export interface KnownKeys {
  /** How each price-relevant key is spelled, by its folded form. */
  readonly spelling: ReadonlyMap<string, string>;
  /** Why a key is refused, by its exact spelling. */
  readonly refused: ReadonlyMap<string, string>;
}

const knownOf = (taskKind: TaskKind): KnownKeys => {
  const reasons = new Map([...refused, ...misplaced[taskKind]]);
  return {
    spelling: new Map([...readKeys[taskKind], ...reasons.keys()].map((key) => [foldKey(key), key])),
    refused: reasons,
  };
};

export const knownKeys: Readonly<Record<TaskKind, KnownKeys>> = {
  'openai.chat_completions.v1': knownOf('openai.chat_completions.v1'),
  'openai.responses.v1': knownOf('openai.responses.v1'),
};

/**
 * A key as lenient decoders see it. Go's encoding/json matches without regard to case, and takes ſ (U+017F) for s and K (U+212A) for k; others
 * take camelCase or dashes for underscores, or stop at a NUL.
 */
export function foldKey(key: string): string {
  return key
    .replaceAll('\u017f', 's')
    .replaceAll('\u212a', 'k')
    .replace(/[\s\-_.\p{Cc}]/gu, '')
    .toLowerCase();
}
