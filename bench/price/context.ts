import { z } from 'zod';
import type { TaskKind } from '../../src/openai/checked-request.ts';
import type { Shop } from './shop.ts';

const rendered = z.object({ _debug_info: z.object({ rendered_template: z.string() }) });

const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });

/**
 * Whether the server takes the prompt whole: on its OpenAI-compatible endpoint Ollama cuts one that is too long in silence, and no count can be
 * compared with that. True where it can't be found out.
 */
export async function fitsContext(
  shop: Shop,
  url: string,
  taskKind: TaskKind,
  body: Uint8Array,
  outputTokens: number,
): Promise<boolean> {
  const contextTokens = await shop.contextTokens();
  // No token has less than one byte, and what a template adds to a short text is little.
  if (contextTokens === undefined || body.length * 2 < contextTokens) return true;
  if (taskKind !== 'openai.chat_completions.v1') return true; // responses can not be rendered
  const request = JSON.parse(Buffer.from(body).toString()) as object;
  const answer = await post(url, '/v1/chat/completions', { ...request, _debug_render_only: true });
  const prompt = rendered.safeParse(await answer.json());
  if (!prompt.success) return true;
  const options = { num_predict: 1, num_ctx: contextTokens };
  const raw = { model: shop.model, raw: true, stream: false, truncate: false, options };
  const generated = await post(url, '/api/generate', { ...raw, prompt: prompt.data._debug_info.rendered_template });
  if (generated.status === 400) return false;
  const { prompt_eval_count: tokens } = (await generated.json()) as { prompt_eval_count?: number };
  return tokens === undefined || tokens + outputTokens <= contextTokens;
}
