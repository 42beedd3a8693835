/** A part that answers nothing any more once its process is dead: what was asked of it stays without an answer, as after `kill -9`. */
export interface Life {
  isOver: boolean;
}

const never = new Promise<never>(() => {});

/** Stands before a real part; after the death each call hangs. `before` may hold a call up, fail it, or end the process in its middle. */
export function mortal<T extends object>(
  part: T,
  life: Life,
  before: (method: string, args: readonly unknown[]) => unknown = () => {},
): T {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      return (...args: unknown[]): unknown => {
        if (life.isOver) return never;
        const held = before(name, args);
        const call = (): unknown => (life.isOver ? never : Reflect.apply(value, target, args));
        const result = held instanceof Promise ? held.then(call) : call();
        return result instanceof Promise ? whileAlive(result, life) : result;
      };
    },
  });
}

function whileAlive(result: Promise<unknown>, life: Life): Promise<unknown> {
  return new Promise((resolve, reject) => {
    result.then(
      (value) => {
        if (!life.isOver) resolve(isPart(value) ? mortal(value, life) : value);
      },
      (error: unknown) => {
        if (!life.isOver) reject(error as Error);
      },
    );
  });
}

/** Readers and writers of a spool die with it. */
const isPart = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && ('append' in value || 'next' in value);
