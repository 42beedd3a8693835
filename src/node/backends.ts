import type { Clock } from '../clock/clock.ts';
import type { Config } from '../config/config.ts';
import type { Backend } from '../backend/backend.ts';
import { createDemoBackend } from '../backend/demo.ts';
import { createOllamaBackend } from '../backend/ollama.ts';
import { createOpenAiBackend } from '../backend/openai-compatible.ts';
import type { PoolMember } from '../backend/pool.ts';

/** The configured backends as members of the pool. Nothing is connected yet. */
export function openBackends(config: Config, clock: Clock): PoolMember[] {
  const { firstByteSeconds, idleSeconds, totalSeconds } = config.deadlines;
  const limits = {
    clock,
    firstByteTimeoutMs: firstByteSeconds * 1000,
    idleTimeoutMs: idleSeconds * 1000,
    wholeAnswerTimeoutMs: totalSeconds * 1000,
  };
  return config.backends.map((entry) => {
    const { name, slots } = entry;
    let backend: Backend;
    if (entry.driver === 'demo') backend = createDemoBackend({ name, clock, tokenDelayMs: entry.tokenDelayMs });
    else if (entry.driver === 'ollama') backend = createOllamaBackend({ name, url: entry.url, ...limits });
    else
      backend = createOpenAiBackend({
        name,
        url: entry.url,
        outputCapField: entry.outputCapField,
        ...(entry.apiKey === undefined ? {} : { apiKey: entry.apiKey }),
        ...limits,
      });
    const models = 'models' in entry ? entry.models : undefined;
    return { backend, slots, ...(models === undefined ? {} : { models }) };
  });
}
