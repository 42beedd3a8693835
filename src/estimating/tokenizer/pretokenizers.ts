import { classPattern } from './character-classes.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

/** One cut through the text, each piece by itself: its matches and what is between them are the new pieces. */
export interface Cut {
  /** classes: the pattern is for text in classes. text: for the text itself. */
  readonly on: 'classes' | 'text';
  readonly pattern: RegExp;
}

/** How a vocabulary of merged pairs treats text before it merges. */
export interface Pretokenizer {
  readonly cuts: readonly Cut[];
  /** A whole piece that is a token is one, whatever its merges would make of it. */
  readonly takesWholePieces: boolean;
}

const byClass = (source: string): Cut => ({ on: 'classes', pattern: classPattern(source) });
const byText = (source: string): Cut => ({ on: 'text', pattern: new RegExp(source, 'gu') });

const shortening = `'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])`;
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const word = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const signs = String.raw` ?[^\s\p{L}\p{N}]+`;
const gpt2 = String.raw`'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+|${signs}|\s+(?!\S)|\s+`;
const llama3 = String.raw`${shortening}|${word}|\p{N}{1,3}|${signs}[\r\n]*|${spaces}`;
const qwen2 = String.raw`${shortening}|${word}|\p{N}|${signs}[\r\n]*|${spaces}`;
const casedWords = (upper: string, lower: string, end: string): string =>
  String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${end}|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${end}`;
const tekken = (upper: string, lower: string): string =>
  String.raw`${casedWords(upper, lower, '')}|\p{N}|${signs}[\r\n/]*|${spaces}`;
const gpt4o = (upper: string, lower: string): string =>
  String.raw`${casedWords(upper, lower, `(?:${shortening})?`)}|\p{N}{1,3}|${signs}[\r\n/]*|${spaces}`;
const cased = [String.raw`\p{Upper}`, String.raw`\p{Lower}`] as const;
const casedOrMarked = [String.raw`[\p{Upper}\p{M}]`, String.raw`[\p{Lower}\p{M}]`] as const;
const lines = String.raw`[^\n]+|\n+`;
const deepseek3 = String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_{|}~${'`'}][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${spaces}`;

/** llama.cpp's pre-tokenizers, by the names that GGUF files give them: those whose patterns this program can follow exactly. */
const ofLlamaCpp: readonly (readonly [names: string, cuts: () => Cut[], takesWholePieces?: boolean])[] = [
  ['llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 glm4 glm5', () => [byClass(llama3)], true],
  ['dbrx smaug-bpe chatglm-bpe', () => [byClass(llama3)]],
  ['qwen2 deepseek-r1-qwen kormo megrez stablelm2 hunyuan solar-open grok-2', () => [byClass(qwen2)]],
  [
    'qwen35',
    () => [
      byClass(String.raw`${shortening}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${spaces}`),
    ],
  ],
  ['gpt-2 phi-2 gigachat a.x-4.0 mellum exaone4 mpt olmo jais trillion granite-docling', () => [byClass(gpt2)]],
  [
    'starcoder refact command-r smollm codeshell exaone minerva-7b mellum2',
    () => [byClass(String.raw`\p{N}`), byClass(gpt2)],
  ],
  [
    'default',
    () => [
      byClass(String.raw`[\p{P}$+<=>^~|]+`),
      byClass(gpt2),
      byClass(String.raw`\p{N}+`),
      byClass('[0-9][0-9][0-9]'),
    ],
  ],
  ['falcon', () => [byClass('[\\p{P}$+<=>^~|`]+'), byClass(gpt2), byClass('[0-9][0-9][0-9]')]],
  ['tekken', () => [byClass(tekken(...cased))], true],
  ['gpt-4o llama4 kanana2 minimax-m2', () => [byClass(gpt4o(...cased))]],
  [
    'deepseek-coder',
    () => [
      byClass(String.raw`[\r\n]`),
      byClass(String.raw`\s?\p{L}+`),
      byClass(String.raw`\s?\p{P}+`),
      byText(String.raw`[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+`),
      byClass(String.raw`\p{N}`),
    ],
  ],
  [
    'deepseek-v3 hunyuan-dense joyai-llm',
    () => [
      byClass(String.raw`\p{N}{1,3}`),
      byText(String.raw`[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+`),
      byClass(deepseek3),
    ],
  ],
  [
    'minicpm5',
    () => [
      byClass(String.raw`\p{N}{1,3}`),
      byClass(String.raw`${shortening}|${word}|\p{N}+|${signs}[\r\n]*|${spaces}`),
    ],
    true,
  ],
  [
    'bailingmoe bailingmoe2 llada-moe',
    () => [byClass(String.raw`${shortening}|${word}|\p{N}|${signs}[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`)],
  ],
  [
    'seed-coder',
    () => [byClass(String.raw`${shortening}|${word}|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`)],
  ],
  ['ufakzeka', () => [byClass(String.raw`${word}|\p{N}|${signs}[\r\n]*|${spaces}`)]],
  ['laguna', () => [byClass(lines), byClass(qwen2)]],
];

/** Those of Ollama's own engine; it has fewer, and always takes whole pieces. */
const ofOllama: readonly (readonly [names: string, cuts: () => Cut[]])[] = [
  ['default gpt-2', () => [byClass(gpt2)]],
  ['qwen2 deepseek-r1-qwen', () => [byClass(qwen2)]],
  ['tekken', () => [byClass(tekken(...casedOrMarked))]],
  ['gpt-4o llama4', () => [byClass(gpt4o(...casedOrMarked))]],
  ['llama3 llama-v3 llama-bpe lfm2 smaug-bpe dbrx', () => [byClass(llama3)]],
];

/** Undefined: its pattern is not among those that this program follows exactly. */
export function pretokenizerOf({ pre }: Vocabulary, engine: Engine): Pretokenizer | undefined {
  const isNamed = ([names]: readonly [string, ...unknown[]]): boolean => names.split(' ').includes(pre);
  if (engine === 'ollama') {
    const found = ofOllama.find(isNamed);
    return found && { cuts: found[1](), takesWholePieces: true };
  }
  const found = ofLlamaCpp.find(isNamed);
  return found && { cuts: found[1](), takesWholePieces: found[2] ?? false };
}
