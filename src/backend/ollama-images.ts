import type { ImageTokens } from '../openai/image.ts';

type Info = Readonly<Record<string, unknown>>;

/** A number that a model file says, by the end of its name, since the architecture is before it. Undefined: not told. */
export function numberIn(info: Info, name: string): number | undefined {
  const value = Object.entries(info).find(([key]) => key.endsWith(`.${name}`))?.[1];
  return typeof value === 'number' ? value : undefined;
}

/** What a model file, or the file of the projector beside it, says of how it sees. */
class Facts {
  readonly #info: Info;

  constructor(info: Info) {
    this.#info = info;
  }

  number(name: string): number | undefined {
    const value = numberIn(this.#info, name);
    return value !== undefined && value > 0 ? value : undefined;
  }

  /** Squares along a side of the image that the model is made for, each of so many of its patches. Undefined: not told. */
  side(patchesPerSquare = 1): number | undefined {
    const [image, patch] = [this.number('vision.image_size'), this.number('vision.patch_size')];
    return image === undefined || patch === undefined ? undefined : Math.floor(image / (patch * patchesPerSquare));
  }

  /** Its long lists are told as null, or as an empty one. */
  list(name: string): readonly unknown[] | undefined {
    const value = this.#info[name];
    return value === undefined ? undefined : Array.isArray(value) ? value : [];
  }
}

/** Llama 3.2 Vision looks at images beside the text: in the prompt is a mark. */
const MARK: ImageTokens = { most: 1 };
/** llama.cpp's `max_slice_nums` and the whole image, each of 96 tokens between two; a row ends with one. MiniCPM-V. */
const SLICED: ImageTokens = { most: 10 * (96 + 2) + 10 };
/** Qwen-VL in llama.cpp: `set_limit_image_tokens(8, 4096)`; Ollama raises the least (`qwenVLServerArgs`). Its own engine stays below unless the file tells more. */
const [QWEN_LEAST, QWEN_MOST] = [1024, 4096];
/** Gemma 4: at most 1120 in llama.cpp; Ollama's own engine makes each image as large as its most, 280. */
const [GEMMA4_LEAST, GEMMA4_MOST] = [280, 1120];
/** Pixtral in llama.cpp: from 8 to 1024 and one for each row, which are no more than this where an image is no thread. */
const [PIXTRAL_LEAST, PIXTRAL_MOST] = [8, 1500];
/** LLaVA 1.6 has grids of up to 2 × 2 tiles of 336 pixels, Granite Vision, which has the most that is known, of 10. */
const [LLAVA_PIXELS, LLAVA_TILES, MOST_TILES] = [336, 4, 10];

/** A tile for each part of the largest grid, and one for the whole image: llama.cpp's `mtmd_image_preprocessor_llava_uhd`. Without grids the latter alone. */
function tiled(facts: Facts): ImageTokens | undefined {
  const [side, pixels] = [facts.side(), facts.number('vision.image_size')];
  if (side === undefined || pixels === undefined) return undefined;
  const grids = facts.list('clip.vision.image_grid_pinpoints');
  return { most: side * side * (1 + (grids === undefined ? 0 : tilesOf(grids, pixels))) };
}

function tilesOf(grids: readonly unknown[], pixels: number): number {
  if (grids.length === 0) return pixels === LLAVA_PIXELS ? LLAVA_TILES : MOST_TILES;
  const sides = grids.map((side) => Math.ceil(Number(side) / pixels));
  return sides.reduce((most, side, at) => (at % 2 === 0 ? most : Math.max(most, side * (sides[at - 1] ?? 1))), 0);
}

/** `clip_n_output_tokens`: 4 × 4 patches are one token, and the image has one size. */
function pooled(facts: Facts): ImageTokens | undefined {
  const side = facts.side(4);
  return side === undefined ? undefined : { most: side * side };
}

function bySize(squarePixels: number | undefined, least: number, most: number): ImageTokens | undefined {
  return squarePixels === undefined ? undefined : { most, bySize: { squarePixels, least } };
}

function squareOf(facts: Facts, name: string, usual: number): number | undefined {
  const patch = facts.number('vision.patch_size');
  return patch === undefined ? undefined : patch * (facts.number(name) ?? usual);
}

function qwen(facts: Facts): ImageTokens | undefined {
  const square = squareOf(facts, 'vision.spatial_merge_size', 2);
  const told = (facts.number('vision.max_pixels') ?? 0) / (square ?? 1) ** 2;
  return bySize(square, QWEN_LEAST, Math.max(QWEN_MOST, Math.ceil(told)));
}

/** Ollama's own engine has images of any size up to the model's, with a token behind each row: its `mistral3/imageproc.go`. */
function pixtral(facts: Facts, merged: number): ImageTokens | undefined {
  const square = squareOf(facts, 'spatial_merge_size', merged);
  const side = Math.ceil(
    (facts.number('vision.longest_edge') ?? facts.number('vision.image_size') ?? 0) / (square ?? 1),
  );
  return bySize(square, PIXTRAL_LEAST, Math.max(PIXTRAL_MOST, side * (side + 1)));
}

const gemma4 = (facts: Facts): ImageTokens | undefined =>
  bySize(squareOf(facts, 'vision.projector.scale_factor', 3), GEMMA4_LEAST, GEMMA4_MOST);

const byArchitecture: Readonly<Record<string, (facts: Facts) => ImageTokens | undefined>> = {
  gemma3: pooled,
  gemma4,
  mistral3: (facts) => pixtral(facts, 2),
  mllama: () => MARK,
  qwen25vl: qwen,
  qwen3vl: qwen,
  qwen3vlmoe: qwen,
  qwen35: qwen,
  qwen35moe: qwen,
};

/** In llama.cpp's names. */
const byProjector: typeof byArchitecture = {
  gemma3: pooled,
  gemma4v: gemma4,
  mlp: tiled,
  mlp_norm: tiled,
  pixtral: (facts) => pixtral(facts, 1),
  qwen2vl_merger: qwen,
  'qwen2.5vl_merger': qwen,
  qwen3vl_merger: qwen,
  resampler: () => SLICED,
};

/** Files from before projectors had names. */
const projectorOf = (info: Info): unknown =>
  info['clip.projector_type'] ??
  info['clip.vision.projector_type'] ??
  (info['clip.has_minicpmv_projector'] === true ? 'resampler' : info['clip.has_llava_projector'] === true && 'mlp');

/**
 * Tokens that an image takes of a model's context, by what `/api/show` says of it (`model_info`, and `projector_info` where another file sees
 * for it). Undefined: that tells nothing. The numbers are those of Ollama's own engine (`model/models/` in its source up to 0.29) and of
 * llama.cpp (`tools/mtmd/clip.cpp` and `mtmd-image.cpp`), whichever is more, since it is not told which one runs the model.
 */
export function ollamaImageTokens(model: Info, projector: Info | undefined): ImageTokens | undefined {
  const told = new Facts(model).number('mm.tokens_per_image');
  if (told !== undefined) return { most: told };
  if (projector === undefined) return byArchitecture[String(model['general.architecture'])]?.(new Facts(model));
  return byProjector[String(projectorOf(projector))]?.(new Facts(projector));
}
