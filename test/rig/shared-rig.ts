import { beforeAll, inject } from 'vitest';
import type { Rig } from './rig.ts';
import { attachRig } from './rig.ts';
import type {} from './global-setup.ts';

/** The rig that all test files share; call it once at the top of a file. Before the file's tests, it puts right what an earlier file left stopped. */
export function sharedRig(): Rig {
  const rig = attachRig(inject('rig'));
  beforeAll(() => rig.heal());
  return rig;
}
