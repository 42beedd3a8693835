import { tokenType } from './vocabulary.ts';
import type { Engine, Vocabulary } from './vocabulary.ts';

/** What llama.cpp takes for a control token by its text, whatever the file says. */
const looksLikeControl = new Set(
  (
    '<|eot_id|> <|im_end|> <|end|> <|return|> <|call|> <|flush|> <|calls|> <end_of_turn> <|endoftext|> </s> <|eom_id|> <EOT> _<EOT> [EOT] [EOS] ' +
    '<|end_of_text|> <end_of_utterance> <eos> <turn|> <|tool_response> <｜end▁of▁sentence｜> [e~[ <|channel|> <|message|> <|start|> <|constrain|> ' +
    '<|fim_prefix|> <fim-prefix> <fim_prefix> <｜fim▁begin｜> <PRE> ▁<PRE> <|code_prefix|> <|prefix|> <|fim_pad|> <fim-pad> <fim_pad> <PAD> [PAD] ' +
    '<|fim_repo|> <|repo_name|> <fim-repo> <REPO> <reponame> <|file_sep|>'
  ).split(' '),
);

/** Tokens that are found in text before anything else. */
export interface SpecialTokens {
  readonly finder: Finder;
  /** White space behind one of these belongs to it. */
  readonly swallowing: ReadonlySet<string>;
}

export function specialTokensOf({ kind, tokens, types, name }: Vocabulary, engine: Engine): SpecialTokens {
  const isOllama = engine === 'ollama';
  if (isOllama && kind === 'bert') return { finder: new Finder([]), swallowing: new Set() };
  const special: readonly number[] = isOllama
    ? [tokenType.control, tokenType.userDefined]
    : [tokenType.control, tokenType.userDefined, tokenType.unknown];
  // Gemma 4 and PLaMo have "</s>" as a word.
  const hasPlainEnd = tokens.includes('<|tool_response>') || tokens.includes('<|plamo:eos|>');
  const texts = tokens.filter((token, id) => {
    if (!isOllama && token === '</s>' && hasPlainEnd) return false;
    const looksSo = looksLikeControl.has(token) && !(engine === 'older llama.cpp' && token === '</s>');
    return special.includes(types[id] ?? tokenType.normal) || (!isOllama && looksSo);
  });
  if (isOllama) return { finder: new Finder(texts), swallowing: new Set() };
  const isPhi3 = name.includes('phi-3') || name.includes('phi3');
  return {
    finder: new Finder(texts.toSorted((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a))),
    swallowing: new Set(isPhi3 ? texts.filter((text) => !['<unk>', '<s>', '<|endoftext|>'].includes(text)) : []),
  };
}

interface Node {
  readonly next: Map<number, Node>;
  text?: string;
  /** Texts below that were not seen yet: where there is none, nothing is looked for. */
  unseen: number;
}

/** Finds which of many texts occur in another one, in one walk. */
export class Finder {
  readonly #texts: readonly string[];
  readonly #root: Node = { next: new Map(), unseen: 0 };

  constructor(texts: readonly string[]) {
    this.#texts = texts;
    for (const text of new Set(texts)) this.#path(text, (node) => node.unseen++).text = text;
  }

  /** Those that occur somewhere, in the order of the list. */
  occurringIn(text: string): string[] {
    const seen = new Set<string>();
    for (let start = 0; start < text.length && this.#root.unseen > 0; start++) {
      let node: Node | undefined = this.#root;
      for (let at = start; node !== undefined && node.unseen > 0; at++) {
        if (node.text !== undefined && !seen.has(node.text)) {
          seen.add(node.text);
          this.#path(node.text, (above) => above.unseen--);
        }
        node = at < text.length ? node.next.get(text.charCodeAt(at)) : undefined;
      }
    }
    for (const special of seen) this.#path(special, (node) => node.unseen++);
    return this.#texts.filter((special) => seen.has(special));
  }

  /** Goes to the node of a text, which is made where it is missing. */
  #path(text: string, visit: (node: Node) => void): Node {
    let node = this.#root;
    visit(node);
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      let next = node.next.get(unit);
      if (next === undefined) node.next.set(unit, (next = { next: new Map(), unseen: 0 }));
      node = next;
      visit(node);
    }
    return node;
  }
}

/** A special token (undefined), or text between them. */
export type Fragment = string | undefined;

const whiteSpaceAtStart = /^[\t-\r ]+/;

/** Cuts the special tokens out of a text, each over all the text before the next. */
export function fragmentsOf(text: string, { finder, swallowing }: SpecialTokens): Fragment[] {
  let fragments: Fragment[] = [text];
  for (const special of finder.occurringIn(text)) {
    const cut: Fragment[] = [];
    for (const fragment of fragments) {
      if (fragment === undefined) {
        cut.push(undefined);
        continue;
      }
      let from = 0;
      for (let at = fragment.indexOf(special); at >= 0; at = fragment.indexOf(special, from)) {
        if (at > from) cut.push(fragment.slice(from, at));
        cut.push(undefined);
        from = at + special.length;
        if (swallowing.has(special)) from += whiteSpaceAtStart.exec(fragment.slice(from))?.[0].length ?? 0;
      }
      if (from < fragment.length) cut.push(fragment.slice(from));
    }
    fragments = cut;
  }
  return fragments.filter((fragment) => fragment !== '');
}
