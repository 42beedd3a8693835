import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initializeWasmFromBinary } from 'lightningdevkit';

/** What this file needs of the WebAssembly global, which the installed type libraries lack. */
interface WasmGlobal {
  instantiate(
    binary: Uint8Array,
    imports: WasmImports,
  ): Promise<{ instance: { exports: { memory: { buffer: ArrayBuffer } } } }>;
  readonly RuntimeError: new () => Error;
}
interface WasmImports {
  readonly wasi_snapshot_preview1: Record<string, (...args: number[]) => number>;
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: WasmGlobal };

let loading: Promise<void> | undefined;
let panic = '';
const nodes = new Set<(reason: string) => void>();

/** Loads LDK, once per process. Every node of the process lives in the same WASM instance. */
export function loadLdk(): Promise<void> {
  return (loading ??= load());
}

async function load(): Promise<void> {
  const main = createRequire(import.meta.url).resolve('lightningdevkit');
  const binary = await readFile(main.replace(/index\.mjs$/, 'liblightningjs.wasm'));
  // The package prints a banner and its panics on stdout, which belongs to the program: keep both away from there.
  const instantiate = wasm.instantiate.bind(wasm);
  const original = Object.getOwnPropertyDescriptor(wasm, 'instantiate')!;
  const out: { log: (...args: unknown[]) => void } = console;
  const { log } = out;
  wasm.instantiate = async (bytes, imports) => {
    let memory: { buffer: ArrayBuffer };
    imports.wasi_snapshot_preview1['fd_write'] = (_fd, vectors = 0, count = 0, written = 0) => {
      const view = new DataView(memory.buffer);
      let total = 0;
      for (let index = 0; index < count; index++) {
        const length = view.getUint32(vectors + index * 8 + 4, true);
        panic += Buffer.from(memory.buffer, view.getUint32(vectors + index * 8, true), length).toString();
        total += length;
      }
      view.setUint32(written, total, true);
      return 0;
    };
    const made = await instantiate(bytes, imports);
    memory = made.instance.exports.memory;
    return made;
  };
  out.log = (...args) => {
    if (!String(args[0]).startsWith('Loaded LDK-Java Bindings')) log.apply(console, args);
  };
  try {
    const made = initializeWasmFromBinary(binary); // takes the patched function before it waits
    Object.defineProperty(wasm, 'instantiate', original);
    await made;
  } finally {
    Object.defineProperty(wasm, 'instantiate', original);
    out.log = log;
  }
}

/** Registers a node to be told when the WASM instance that it shares with others has trapped; returns the way out. */
export function onTrap(told: (reason: string) => void): () => void {
  nodes.add(told);
  return () => nodes.delete(told);
}

/** After a trap LDK's memory and locks are in an unknown state: no node of this process may go on, or be opened. */
export function trapOf(error?: unknown): string | undefined {
  if (error instanceof wasm.RuntimeError) panic ||= error.message;
  if (panic === '') return undefined;
  return `LDK panicked (${panic.trim().replaceAll(/\s+/g, ' ').slice(0, 300)}): restart the process, the state on disk is sound`;
}

/** Fails every node of the process. */
export function spreadTrap(reason: string): void {
  const all = [...nodes];
  nodes.clear();
  for (const told of all) told(reason);
}
