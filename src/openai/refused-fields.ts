import type { TaskKind } from './kinds/kind.ts';
import { kinds } from './kinds/kinds.ts';

const OTHER_API = 'it belongs to another API';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Fields that make some server do more, other or lasting work, or do it elsewhere. No setting lets them pass. */
const fixed: readonly (readonly [reason: string, fields: string])[] = [
  // Other names of the output cap: llama.cpp (n_predict wins over max_tokens), Ollama, TGI, TabbyAPI, text-generation-webui.
  [
    'use the cap of the OpenAI API',
    'n_predict num_predict max_new_tokens max_length max_gen_len max_tokens_to_sample max_output_tokens max_tokens max_completion_tokens',
  ],
  // Other names of n, and searches that compute more than they return: llama.cpp (n_cmpl wins over n), vLLM, TGI, mistral.rs.
  ['use "n"', 'n n_cmpl best_of use_beam_search num_beams num_return_sequences candidate_count n_choices'],
  // Ollama's own API, and what LiteLLM and LM Studio hand on to such servers: memory, loading and unloading of models.
  [
    'it is for the owner of the server',
    `options keep_alive ttl num_ctx num_keep num_batch num_gpu num_thread context_length truncate shift raw format context _debug_render_only
    id_slot slot_id n_keep n_discard n_cache_reuse request_id rid vllm_xargs mm_processor_kwargs media_io_kwargs logits_processors
    custom_logit_processor custom_params timeout`,
  ],
  ['the provider schedules its own work', 'priority data_parallel_rank routed_dp_rank'],
  // LoRA and drafts (llama.cpp, SGLang, TGI, LM Studio), fallbacks and presets (OpenRouter, LiteLLM).
  [
    'it runs another model than the one that is priced',
    `lora lora_path adapter_id adapters draft_model speculative models fallbacks context_window_fallbacks default_fallbacks model_list route
    provider preset transforms deployment_id mock_response`,
  ],
  // Transfers between servers (vLLM, SGLang), and LiteLLM's way of naming another server.
  [
    'the backend connects to nothing for a buyer',
    `kv_transfer_params bootstrap_host bootstrap_port bootstrap_room api_base base_url api_key api_version organization
    custom_llm_provider extra_headers extra_query headers proxy_server_request plugins web_search_options mcp_servers`,
  ],
  ['write its fields into the request itself', 'extra_body allowed_openai_params'],
  [
    'nothing is kept between requests: send the whole input',
    'background previous_response_id conversation session_params prompt prompt_cache_retention cache store',
  ],
  ['the prompt is made by the template of the model', 'chat_template template system suffix input_ids prompt_embeds'],
  // Output that grows with the prompt (vLLM, SGLang, TGI), and rejected predictions, which OpenAI bills as output.
  [
    'its work is not priced',
    'prompt_logprobs decoder_input_details return_hidden_states return_routed_experts prediction n_probs num_retries echo',
  ],
  ['only text is sold', 'audio images image_config'],
  [OTHER_API, 'input messages'],
];
const reasons = new Map(fixed.flatMap(([reason, fields]) => words(fields).map((field) => [field, reason])));

const allKinds = Object.values(kinds).flatMap(({ fields }) => Object.keys(fields));
const spellings = new Map([...reasons.keys(), ...allKinds].map((field) => [foldKey(field), field]));

/** True for a field of this very spelling that is refused whoever asks: some clients send it as null, which asks for nothing. */
export const isFixedField = (field: string): boolean => reasons.has(field);

/** True for a field that the owner of a provider may let pass: it is neither known here nor a spelling of one that is. */
export const isOpenField = (field: string): boolean => !spellings.has(foldKey(field));

/** Why a field does not pass; to be asked of fields that have no rule. */
export function whyRefused(taskKind: TaskKind, field: string): string {
  const known = spellings.get(foldKey(field));
  if (known === undefined)
    return 'it is not known here. The owner of the provider can allow it: llm.allowed_request_fields';
  if (known !== field)
    return `it is spelled almost like "${known}", which servers read differently: spell it exactly so, or leave it out`;
  const isElsewhere = !Object.hasOwn(kinds[taskKind].fields, field) && allKinds.includes(field);
  return isElsewhere ? OTHER_API : (reasons.get(field) ?? 'it is not priced');
}

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
