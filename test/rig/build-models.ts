import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { requireTools } from './build-tools.ts';
import type { Part } from './cache.ts';
import { runLogged } from './command.ts';
import { Ollama, ollamaEnvironment } from './ollama.ts';
import { modelfileOf, tinyModels } from './tiny-models.ts';
import type { TinyModel } from './tiny-models.ts';
import { versions } from './versions.ts';

const script = join(import.meta.dirname, 'models', 'write_model.py');

/** A real byte-pair vocabulary that a dependency of this project carries. */
const tokenizerEntry = createRequire(import.meta.url).resolve('gpt-tokenizer');
const ranksFile = join(dirname(tokenizerEntry), '..', 'data', 'cl100k_base.tiktoken');

/** Changes when anything that makes the models does. */
function modelsVersion(): string {
  const made = [versions, tinyModels, tinyModels.map((model) => modelfileOf(model))];
  const hash = createHash('sha256').update(JSON.stringify(made)).update(readFileSync(script));
  return hash.digest('hex').slice(0, 12);
}

const poolingOf = ({ pooling }: TinyModel): string[] => (pooling === undefined ? [] : [pooling]);

async function writeModels(work: string, logFile: string): Promise<void> {
  const venv = join(work, 'venv');
  const python = join(venv, 'bin', 'python');
  await runLogged('python3', ['-m', 'venv', venv], { logFile });
  await runLogged(python, ['-m', 'pip', 'install', '--quiet', `gguf==${versions.gguf}`], { logFile });
  for (const model of tinyModels) {
    const gguf = join(work, `${model.name}.gguf`);
    await runLogged(python, [script, ranksFile, gguf, String(model.seed), String(model.end), ...poolingOf(model)], {
      logFile,
    });
    writeFileSync(join(work, `${model.name}.Modelfile`), modelfileOf(model));
  }
}

/** The tiny models, as Ollama keeps them: a folder `models` for OLLAMA_MODELS. `ollama` is the folder of Ollama's part. */
export function modelsPart(ollama: string): Part {
  return {
    name: 'models',
    version: modelsVersion(),
    async make(directory, logFile) {
      await requireTools(['python'], logFile);
      const work = join(directory, 'work');
      mkdirSync(work);
      await writeModels(work, logFile);
      const modelsDir = join(directory, 'models');
      const server = await Ollama.serving(ollama, join(work, 'home'), modelsDir);
      await server.start();
      try {
        const env = ollamaEnvironment(join(work, 'home'), modelsDir, new URL(server.coordinates.url).host);
        for (const { name } of tinyModels) {
          const create = ['create', name, '-f', `${name}.Modelfile`];
          await runLogged(join(ollama, 'bin', 'ollama'), create, { cwd: work, logFile, env });
        }
      } finally {
        await server.stop();
      }
      rmSync(work, { recursive: true });
    },
  };
}
