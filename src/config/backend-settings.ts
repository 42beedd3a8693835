import type { BackendConfig } from './config.ts';
import type { Environment } from './expansion.ts';
import type { WrittenConfig } from './schema.ts';
import { LOCAL_OLLAMA, httpUrl, ollamaUrl } from './url.ts';

const OPENAI_URL = 'https://api.openai.com/v1';

const value = (env: Environment, ...names: readonly string[]): string | undefined =>
  names.map((name) => env[name]?.trim()).find((text) => text !== undefined && text !== '');

const ollamaInEnvironment = (env: Environment): string => ollamaUrl(value(env, 'OLLAMA_HOST') ?? '') ?? LOCAL_OLLAMA;

/** Backends that the file does not name: what go-lcpd's variables say, else the Ollama of this machine. */
function fromEnvironment(env: Environment): BackendConfig[] {
  if (value(env, 'LCPD_BACKEND') !== 'openai')
    return [{ name: 'ollama', driver: 'ollama', url: ollamaInEnvironment(env), slots: 1, loadedModels: 1 }];
  const apiKey = value(env, 'LCPD_OPENAI_API_KEY', 'OPENAI_API_KEY');
  return [
    {
      name: 'openai',
      driver: 'openai',
      url: httpUrl(value(env, 'LCPD_OPENAI_BASE_URL') ?? OPENAI_URL) ?? OPENAI_URL,
      slots: 8,
      outputCapField: 'max_tokens',
      ...(apiKey !== undefined && { apiKey }),
    },
  ];
}

/** The backends, with URLs made whole. */
export function backendSettings(written: WrittenConfig, env: Environment): BackendConfig[] {
  return (
    written.backends?.map((backend): BackendConfig => {
      const { name, slots } = backend;
      if (backend.driver === 'demo') return { name, driver: 'demo', slots, tokenDelayMs: backend.token_delay_ms };
      const models = backend.models && { models: backend.models };
      if (backend.driver === 'ollama')
        return {
          name,
          driver: 'ollama',
          slots,
          url: ollamaUrl(backend.url ?? '') ?? ollamaInEnvironment(env),
          loadedModels: backend.loaded_models,
          ...models,
        };
      return {
        name,
        driver: 'openai',
        slots,
        url: httpUrl(backend.url) ?? backend.url,
        outputCapField: backend.output_cap_field,
        ...(backend.task_kinds && { taskKinds: backend.task_kinds }),
        ...(backend.api_key && { apiKey: backend.api_key }),
        ...models,
      };
    }) ?? fromEnvironment(env)
  );
}
