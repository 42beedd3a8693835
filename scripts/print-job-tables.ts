import { writeFileSync } from 'node:fs';
import { describeTables } from '../src/job/describe.ts';

writeFileSync(new URL('../docs/job-tables.md', import.meta.url), describeTables());
