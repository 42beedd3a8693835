import type { WriteStream } from 'node:tty';

/** Tells what happens with the time since the start: lines on a terminal; in a pipe only the result, as one line of JSON, and the steps on standard error. */
export class Story {
  readonly #startMs = performance.now();
  readonly #steps: { step: string; ms: number }[] = [];
  readonly #isTerminal: boolean;

  constructor(out: WriteStream | NodeJS.WriteStream) {
    this.#isTerminal = out.isTTY === true;
  }

  title(text: string): void {
    this.#say(`${this.#bold(text)}\n`);
  }

  step(name: string, detail: string): void {
    const ms = Math.round(performance.now() - this.#startMs);
    this.#steps.push({ step: name, ms });
    this.#say(`${(ms / 1000).toFixed(2).padStart(7)} s  ${this.#bold(name.padEnd(20))} ${detail}`);
  }

  answer(text: string): void {
    this.#say(`\n${text.trim()}\n`);
  }

  note(text: string): void {
    this.#say(text);
  }

  result(facts: Record<string, string | number | boolean>): void {
    if (!this.#isTerminal) process.stdout.write(`${JSON.stringify({ ...facts, steps: this.#steps })}\n`);
  }

  #say(text: string): void {
    (this.#isTerminal ? process.stdout : process.stderr).write(`${text}\n`);
  }

  #bold(text: string): string {
    return this.#isTerminal && process.env['NO_COLOR'] === undefined ? `\u001b[1m${text}\u001b[0m` : text;
  }
}
