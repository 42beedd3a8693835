import { z } from 'zod';
import type { TaskKind } from '../../src/openai/request.ts';
import type { Shop } from './shop.ts';

const rendered = z.object({ _debug_info: z.object({ rendered_template: z.string() }) });
const generated = z.object({ prompt_eval_count: z.number() });

/**
 * Whether the server takes the prompt whole: on its OpenAI-compatible endpoint Ollama cuts one that is too long in silence, and no count can be
 * compared with that. True where it can't be found out.
 */
export async function fitsContext(
  shop: Shop,
  taskKind: TaskKind,
  body: Uint8Array,
  outputTokens: number,
): Promise<boolean> {
  const { driver, url, model } = shop.upstream;
  if (driver !== 'ollama' || taskKind !== 'openai.chat_completions.v1') return true; // the others can not be rendered
  const contextTokens = await shop.contextTokens();
  // No token has less than one byte, and what a template adds to a short text is little.
  if (contextTokens === undefined || body.length * 2 < contextTokens) return true;
  const post = async (path: string, question: object): Promise<Response> =>
    fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(question) });
  const request = JSON.parse(Buffer.from(body).toString()) as object;
  const answer = await post('/v1/chat/completions', { ...request, _debug_render_only: true });
  const prompt = rendered.safeParse(await answer.json());
  if (!prompt.success) return true;
  const { rendered_template: text } = prompt.data._debug_info;
  const options = { num_predict: 1, num_ctx: contextTokens };
  const run = await post('/api/generate', { model, prompt: text, raw: true, stream: false, truncate: false, options });
  if (run.status === 400) return false;
  const count = generated.safeParse(await run.json());
  return !count.success || count.data.prompt_eval_count + outputTokens <= contextTokens;
}
