import type { ImageSize } from './image.ts';

/** What the owner of the provider decides, and what is found on the way. */
export interface RuleContext {
  /** Takes the size of each image that passes, by its URL. */
  readonly imageSizes: Map<string, ImageSize>;
  readonly allowImages: boolean;
  /** Told where they are not allowed. */
  readonly whyNoImages?: string;
  /** Types of tools beside functions. */
  readonly allowedToolTypes: readonly string[];
}

/** What is wrong: where in the value, and what it must be or why it is not sold. Never holds a text of the value but a key. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** What a value may be. Undefined: it passes. */
export type Rule = (value: unknown, context: RuleContext) => Fault | undefined;

/** The keys that an object may have. A null asks for nothing, so it passes under any of them. */
export type Fields = Readonly<Record<string, Rule>>;

const MAX_TOLD_KEY_CHARACTERS = 40;

export const toldKey = (key: string): string => JSON.stringify(key.slice(0, MAX_TOLD_KEY_CHARACTERS)).slice(1, -1);

export const faulty = (message: string): Fault => ({ path: '', message });

export const expect = (expected: string, accepts: (value: unknown) => boolean): Rule => {
  const fault = faulty(`must be ${expected}`);
  return (value) => (accepts(value) ? undefined : fault);
};

/** Any JSON: it reaches the model as text at most. */
export const anything: Rule = () => undefined;

export const flag = expect('true or false', (value) => typeof value === 'boolean');

export const anyText = expect('a text', (value) => typeof value === 'string');

export const text = (most: number): Rule =>
  expect(`a text of at most ${most} characters`, (value) => typeof value === 'string' && value.length <= most);

/** A name that the API gives: an effort, a status. */
export const word = expect(
  'a short lower-case word',
  (value) => typeof value === 'string' && /^[a-z0-9_-]{1,32}$/.test(value),
);

export const number = (least: number, most: number): Rule =>
  expect(`a number from ${least} to ${most}`, (value) => typeof value === 'number' && value >= least && value <= most);

export const whole = (least: number, most: number): Rule =>
  expect(`a whole number from ${least} to ${most}`, (value) => Number.isInteger(value) && within(value, least, most));

const within = (value: unknown, least: number, most: number): boolean =>
  (value as number) >= least && (value as number) <= most;

export const oneOf = (...values: readonly (string | number)[]): Rule =>
  expect(values.map((value) => JSON.stringify(value)).join(' or '), (value) => values.includes(value as string));

/** A key that may stand there only to say that nothing is wanted. */
export const only = (value: unknown, reason: string): Rule => {
  const fault = faulty(`is not sold here: ${reason}`);
  return (given) => (given === value ? undefined : fault);
};
