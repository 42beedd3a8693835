import type { Path } from './problem.ts';

/** A scalar as it stands in the file. */
export interface Written {
  /** After the variables were filled in. */
  readonly text: string;
  /** Plain or made by a variable: it may still become a number, a boolean or a text, whatever is wanted. */
  readonly loose: boolean;
  /** For messages: variables by name, never by value. */
  readonly shown: string;
}

/** Where a value stands: character offsets in the file. */
export interface Spot {
  readonly value: number;
  readonly key: number | undefined;
  readonly written?: Written;
}

/** The places of values, by path. */
export class Spots {
  readonly #spots = new Map<string, Spot>();

  set(path: Path, spot: Spot): void {
    this.#spots.set(JSON.stringify(path), spot);
  }

  get(path: Path): Spot | undefined {
    return this.#spots.get(JSON.stringify(path));
  }

  /** The value's own, else that of the nearest value around it. */
  nearest(path: Path): Spot | undefined {
    return this.get(path) ?? (path.length === 0 ? undefined : this.nearest(path.slice(0, -1)));
  }
}
