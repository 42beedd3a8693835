/** What the rig is made of. A new version here builds a new folder in the cache; the old one may be deleted. */
export const versions = {
  lnd: '0.20.1-beta',
  btcd: '0.26.2',
  ollama: '0.33.2',
  /** The last kind that runs models itself: see build-ollama.ts. */
  olderOllama: '0.17.4',
  /** The PyPI source package that carries the llama.cpp source near the one Ollama 0.33 pins. */
  llamaCppPython: '0.3.36',
  gguf: '0.17.1',
} as const;
