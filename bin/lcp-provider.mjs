#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must get a clear sentence, not a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `lcp-provider needs Node 24 or newer; this is ${process.version}. Install it from your package manager or with a version manager.\n`,
  );
  process.exit(1);
}
await import('../dist/main.js');
