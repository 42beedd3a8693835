import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { goBuild } from './build-go.ts';
import { requireTools } from './build-tools.ts';
import type { Part } from './cache.ts';
import { runLogged } from './command.ts';
import { versions } from './versions.ts';

const cmakeOptions = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DGGML_NATIVE=OFF', // a cache may be carried to another machine
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_UI=OFF',
  '-DLLAMA_USE_PREBUILT_UI=OFF',
  '-DLLAMA_CURL=OFF',
  '-DLLAMA_OPENSSL=OFF',
];

/** Promises the folder of llama.cpp's source code, unpacked below `source` in `directory`. */
export async function llamaSource(directory: string, logFile: string): Promise<string> {
  const source = join(directory, 'source');
  mkdirSync(source);
  const wanted = `llama-cpp-python==${versions.llamaCppPython}`;
  const pip = ['-m', 'pip', 'download', '--no-deps', '--no-binary', 'llama-cpp-python', '-d', source, wanted];
  await runLogged('python3', pip, { logFile });
  const archive = readdirSync(source).find((file) => file.endsWith('.tar.gz'));
  if (archive === undefined) throw new Error(`pip left no source archive of ${wanted}`);
  await runLogged('tar', ['-xzf', archive, '--strip-components=1'], { cwd: source, logFile });
  return join(source, 'vendor', 'llama.cpp');
}

/** llama.cpp's llama-server and llama-quantize, which run Ollama's models; CPU only. */
export const llamaPart: Part = {
  name: 'llama',
  version: versions.llamaCppPython,
  async make(directory, logFile) {
    await requireTools(['gcc', 'gxx', 'make', 'cmake', 'python'], logFile);
    const source = await llamaSource(directory, logFile);
    const build = join(source, 'build');
    await runLogged('cmake', ['-S', source, '-B', build, ...cmakeOptions], { logFile });
    const jobs = String(availableParallelism());
    const programs = ['llama-server', 'llama-quantize'];
    await runLogged('cmake', ['--build', build, '-j', jobs, '--target', ...programs], { logFile });
    mkdirSync(join(directory, 'bin'));
    for (const program of programs) copyFileSync(join(build, 'bin', program), join(directory, 'bin', program));
    rmSync(join(directory, 'source'), { recursive: true });
  },
};

/** Ollama itself; finds llama-server in lib/ollama beside bin. `llama` is the folder of `llamaPart`. */
export function ollamaPart(llama: string): Part {
  return {
    name: 'ollama',
    version: `${versions.ollama}-llama-${versions.llamaCppPython}`,
    async make(directory, logFile) {
      await goBuild({
        module: 'github.com/ollama/ollama',
        version: `v${versions.ollama}`,
        packages: ['.'],
        ldflags: `-X=github.com/ollama/ollama/version.Version=${versions.ollama}`,
        into: join(directory, 'bin'),
        logFile,
      });
      const beside = join(directory, 'lib', 'ollama');
      mkdirSync(beside, { recursive: true });
      for (const file of readdirSync(join(llama, 'bin'))) copyFileSync(join(llama, 'bin', file), join(beside, file));
    },
  };
}

/**
 * An Ollama from before 0.30, which runs models itself: some by llama.cpp inside, others (qwen3, gemma3, …) by an engine of its own in Go, whose
 * tokenizer is another one. Headers that its Go module lacks are in llama.cpp's source.
 */
export const olderOllamaPart: Part = {
  name: 'ollama',
  version: versions.olderOllama,
  async make(directory, logFile) {
    await requireTools(['gcc', 'gxx', 'python'], logFile);
    const headers = join(await llamaSource(directory, logFile), 'vendor');
    const flags = `-O2 -I${headers}`;
    await goBuild({
      module: 'github.com/ollama/ollama',
      version: `v${versions.olderOllama}`,
      packages: ['.'],
      ldflags: `-X=github.com/ollama/ollama/version.Version=${versions.olderOllama}`,
      env: { CGO_ENABLED: '1', CGO_CFLAGS: flags, CGO_CXXFLAGS: flags },
      into: join(directory, 'bin'),
      logFile,
    });
    rmSync(join(directory, 'source'), { recursive: true });
  },
};
