// Writes config.schema.json, which editors read. Run it after every change of the schema:
//   node scripts/run.mjs src/config/print-schema.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema } from './json-schema.ts';

writeFileSync(fileURLToPath(new URL('../../config.schema.json', import.meta.url)), configJsonSchema());
