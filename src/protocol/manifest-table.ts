import type { Coder } from './coder.ts';
import type { Body, Task } from './messages.ts';

type FlatManifest = Omit<Body<'manifest'>, 'tasks'> & { readonly tasks?: readonly Task[] };

/** No list of tasks reads as an empty one, and an empty one is not written. */
export function manifestTable(table: Coder<FlatManifest>): Coder<Body<'manifest'>> {
  return {
    decode: (payload) => ({ tasks: [], ...table.decode(payload) }),
    encode: ({ tasks, ...rest }) => table.encode(tasks.length === 0 ? rest : { ...rest, tasks }),
  };
}
