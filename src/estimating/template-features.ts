import type { InputShape } from '../openai/input-shape.ts';
import type { PartTokens, PromptPart } from '../openai/prompt-part.ts';

/** The text of a request and what a template is applied to. */
export interface TemplateInput {
  readonly partTokens: PartTokens;
  readonly shape: InputShape;
}

/** Something that a template may write for, and how many tokens each of it costs: as one knows it of common templates before the first job, and how unsure that is. */
export interface Feature {
  readonly of: (input: TemplateInput) => number;
  readonly mean: number;
  readonly deviation: number;
  /** Of each token of this part, which costs something or nothing: more of it makes no input smaller. */
  readonly part?: PromptPart;
  /** The model may get it, or not. */
  readonly isOptional?: true;
  /** Of tokens of this part too, on top of what they cost, or taken from that. */
  readonly differsFrom?: PromptPart;
}

const shape = (of: (shape: InputShape) => number | boolean, mean: number, deviation: number): Feature => ({
  of: (input) => Number(of(input.shape)),
  mean,
  deviation,
});

const text = (part: PromptPart, deviation: number): Feature => ({
  of: ({ partTokens }) => partTokens[part] ?? 0,
  mean: 1,
  deviation,
  part,
});

/** Templates may write it, or not. */
const optional = (part: PromptPart, mean: number): Feature => ({
  of: ({ partTokens }) => partTokens[part] ?? 0,
  mean,
  deviation: 0.5,
  part,
  isOptional: true,
});

/** What stands around it when it is written, or what is left out with it. */
const present = (part: PromptPart): Feature => ({
  of: ({ partTokens }) => (partTokens[part] === undefined ? 0 : 1),
  mean: 0,
  deviation: 6,
});

const systems = ({ system, developer }: InputShape): number => system - developer;
/** Some templates write tools into the last message, when it is the user's. */
const isAnswer = ({ last }: InputShape): boolean => last !== 'user';

export const templateFeatures: readonly Feature[] = [
  shape(() => 1, 3, 30), // what opens prompt and answer; with a system prompt of the template's own, when the request has none
  { of: ({ partTokens }) => (partTokens.system === undefined ? 0 : 1), mean: 5, deviation: 30 },
  shape((all) => Math.max(0, systems(all) - 1), 2, 3),
  shape(({ developer }) => developer, 4, 6),
  shape(({ user }) => user, 5, 6),
  shape(({ assistant }) => assistant, 5, 6),
  shape(({ tool }) => tool, 6, 6),
  shape(({ joined }) => joined, -3, 3),
  shape(({ pieces }) => pieces, 1, 3),
  shape(({ calls }) => calls, 8, 8),
  shape(({ tools }) => tools > 0, 20, 100), // what introduces tools
  shape((all) => all.tools > 0 && systems(all) > 0, -2, 4), // in the system's message, or in one of their own
  shape(({ tools }) => tools, 10, 15),
  shape((all) => all.tools > 0 && isAnswer(all), 0, 30),
  shape((all) => (isAnswer(all) ? all.tools : 0), 0, 15),
  shape(({ last }) => last === 'assistant', -4, 4), // it goes on, or is answered
  shape(({ last }) => last === 'system', -2, 4),
  shape(({ last }) => last === 'tool', 0, 4),
  shape(({ thinking }) => thinking === 'on', 0, 5),
  shape(({ thinking }) => thinking === 'off', 1, 5),
  text('user', 0.01),
  text('assistant', 0.03),
  text('system', 0.3),
  text('earlier-system', 0.5),
  text('developer', 0.5),
  text('tool', 0.5),
  text('call', 0.5),
  text('tools', 0.5),
  {
    of: ({ partTokens, shape: all }) => (isAnswer(all) ? (partTokens.tools ?? 0) : 0),
    mean: 0,
    deviation: 0.5,
    isOptional: true,
    differsFrom: 'tools',
  },
  optional('field', 1),
  optional('call-beside', 0.7),
  optional('beside-call', 0.7),
  optional('reasoning', 0),
  optional('thoughts', 0.7),
  present('reasoning'),
  present('call-beside'),
  optional('format', 0), // servers obey it without telling the model
  optional('beside', 0),
];

/** Tokens of all texts. */
export const textTokensOf = ({ partTokens }: Pick<TemplateInput, 'partTokens'>): number =>
  Object.values(partTokens).reduce((sum, tokens) => sum + tokens, 0);

/** Words that say what something is; a template has its own. */
const NEVER_WRITTEN: PromptPart = 'role';
/** Where these stand decides whether they are written, so that a trial says nothing of another place: so many tokens are free. */
const SELDOM_WRITTEN: ReadonlySet<PromptPart> = new Set(['beside', 'reasoning', 'thoughts']);
const FREE_TOKENS = 400;

/** What trials have told of a part: the share of its tokens that is written. Tools may be left out where the user has not the last word. */
export type TriedPart = PromptPart | 'tools-before-answer';

/** Tokens of the texts that the model gets, as far as trials have not told otherwise. */
export function writtenTokensOf(
  { partTokens, shape: all }: TemplateInput,
  tried: ReadonlyMap<TriedPart, number>,
): number {
  let [written, seldom] = [0, 0];
  for (const [part, tokens] of Object.entries(partTokens) as [PromptPart, number][]) {
    if (part === NEVER_WRITTEN) continue;
    const share = tried.get(part === 'tools' && isAnswer(all) ? 'tools-before-answer' : part);
    if (SELDOM_WRITTEN.has(part) || (part === 'format' && share === undefined)) seldom += tokens;
    else written += (share ?? 1) * tokens;
  }
  return written + Math.max(0, seldom - FREE_TOKENS);
}

/** The parts that an input has, as trials tell of them. */
export const triedPartsOf = ({ partTokens, shape: all }: TemplateInput): TriedPart[] =>
  (Object.keys(partTokens) as PromptPart[]).map((part) =>
    part === 'tools' && isAnswer(all) ? 'tools-before-answer' : part,
  );
