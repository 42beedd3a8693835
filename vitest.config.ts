import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Programs and threads that tests start compile the same files again and again: half of their time.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'lcp-provider-compile-cache');

/** Rooms whose tests touch nothing but what they made: one process runs many of their files, and loads the code once. */
const inside = 'backend,buyer,clock,config,engine,job,money,openai,pricing,protocol,rates,session,spool,storefront';
const insideFiles = `test/{${inside}}/**/*.test.ts`;
const shared = { testTimeout: 20_000, hookTimeout: 20_000 };

export default defineConfig({
  test: {
    maxWorkers: '100%', // most of them wait for disks and for programs that they started
    projects: [
      { test: { ...shared, name: 'inside', include: [insideFiles], isolate: false } },
      {
        test: { ...shared, name: 'outside', include: ['test/**/*.test.ts'], exclude: ['test/rig/**', insideFiles] },
      },
    ],
  },
});
