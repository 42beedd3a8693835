import type { Clock } from '../clock/clock.ts';
import type { BackendConfig, Config } from '../config/config.ts';
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
  const open = (entry: BackendConfig): Backend => {
    const { name } = entry;
    switch (entry.driver) {
      case 'demo':
        return createDemoBackend({ name, clock, tokenDelayMs: entry.tokenDelayMs });
      case 'ollama':
        return createOllamaBackend({ name, url: entry.url, ...limits });
      case 'openai': {
        const { url, outputCapField, taskKinds, apiKey } = entry;
        return createOpenAiBackend({
          name,
          url,
          outputCapField,
          ...(taskKinds && { taskKinds }),
          ...(apiKey === undefined ? {} : { apiKey }),
          ...limits,
        });
      }
    }
  };
  return config.backends.map((entry) => {
    const { slots } = entry;
    const models = 'models' in entry ? entry.models : undefined;
    const loadedModels = 'loadedModels' in entry ? { loadedModels: entry.loadedModels } : {};
    return { backend: open(entry), slots, ...loadedModels, ...(models === undefined ? {} : { models }) };
  });
}
