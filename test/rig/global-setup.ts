import type { TestProject } from 'vitest/node';
import type { RigCoordinates } from './rig.ts';
import { startRig } from './rig.ts';

declare module 'vitest' {
  interface ProvidedContext {
    rig: RigCoordinates;
  }
}

/** Starts the one rig of a test run (LCP_RIG_ONLY=lnd or =ollama: that half alone); the function it promises ends it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const only = process.env['LCP_RIG_ONLY'];
  const rig = await startRig({ lnd: only !== 'ollama', ollama: only !== 'lnd' });
  project.provide('rig', rig.coordinates);
  return () => rig.stop();
}
