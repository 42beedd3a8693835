import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Programs and threads that tests start compile the same files again and again: half of their time.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'lcp-provider-compile-cache');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/rig/**'],
    maxWorkers: '100%', // most of them wait for disks and for programs that they started
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
