import { join } from 'node:path';
import { buildLightning, buildOllama, reportToStderr } from './build.ts';
import type { Report } from './cache.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import type { LightningPair } from './lightning-pair.ts';
import { startPair } from './lightning-pair.ts';
import { Ollama } from './ollama.ts';
import type { Control, PartName, Rig, RigCoordinates } from './rig-handles.ts';
import { rigHandles } from './rig-handles.ts';
import { serveControl } from './rig-control.ts';

export { attachRig } from './rig-control.ts';
export type { LndHandle, PartHandle, Rig, RigCoordinates } from './rig-handles.ts';

/** Which halves to start (both by default), and who is told of the progress (standard error by default). */
export type RigOptions = { lnd?: boolean; ollama?: boolean; report?: Report };

/** A rig that this process started. It ends with this process at the latest, however that ends. */
export type OwnRig = Rig &
  AsyncDisposable & {
    /** Kills every part and deletes all their data. */
    stop(): Promise<void>;
  };

type Startable = { pid: number | undefined; start(): Promise<void>; stop(): Promise<void>; kill(): Promise<void> };

function startables(pair: LightningPair | undefined, ollama: Ollama | undefined): Partial<Record<PartName, Startable>> {
  return { ...pair, ...(ollama && { ollama }) };
}

function controlOver(parts: Partial<Record<PartName, Startable>>): Control {
  return async (name, action) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`This rig was started without ${name}`);
    if (action === 'kill') await part.kill();
    if (action === 'stop' || action === 'restart') await part.stop();
    if (action === 'restart') await part.start();
    return part.pid;
  };
}

async function startOllama(dir: string, report: Report): Promise<Ollama> {
  const ollama = await Ollama.at(await buildOllama(report), dir);
  try {
    await ollama.start();
    return ollama;
  } catch (error) {
    await ollama.kill();
    throw error;
  }
}

/** Promises both halves when both are up; when one fails, nothing of either is left running. */
async function startHalves(options: RigOptions, dir: string, report: Report) {
  const parts = options.lnd === false ? undefined : await buildLightning(report);
  const [pair, ollama] = await Promise.allSettled([
    parts && startPair(parts, dir, report),
    options.ollama === false ? undefined : startOllama(join(dir, 'ollama'), report),
  ]);
  if (pair.status === 'fulfilled' && ollama.status === 'fulfilled') return { pair: pair.value, ollama: ollama.value };
  const started = startables(
    pair.status === 'fulfilled' ? pair.value : undefined,
    ollama.status === 'fulfilled' ? ollama.value : undefined,
  );
  await Promise.all(Object.values(started).map((part) => part.kill()));
  throw pair.status === 'rejected' ? pair.reason : (ollama as PromiseRejectedResult).reason;
}

/**
 * Starts real nodes upon 127.0.0.1, on free ports: btcd (simnet), two lnd with an active channel, and Ollama with the tiny
 * models. Builds first what the cache lacks. Rejects, leaving nothing behind, when a part cannot be built or started.
 */
export async function startRig(options: RigOptions = {}): Promise<OwnRig> {
  const report = options.report ?? reportToStderr;
  const dir = temporaryDirectory();
  let parts: Partial<Record<PartName, Startable>> = {};
  const stop = async () => {
    await Promise.all(Object.values(parts).map((part) => part.kill()));
    removeDirectory(dir);
  };
  try {
    const { pair, ollama } = await startHalves(options, dir, report);
    parts = startables(pair, ollama);
    const control = controlOver(parts);
    const coordinates: RigCoordinates = { dir, controlSocket: join(dir, 'control') };
    if (pair !== undefined) {
      const [seller, buyer] = [pair.seller.coordinates, pair.buyer.coordinates];
      coordinates.lightning = { btcd: pair.btcd.coordinates, seller, buyer };
    }
    if (ollama !== undefined) coordinates.ollama = ollama.coordinates;
    const server = await serveControl(coordinates.controlSocket, control);
    const stopAll = async () => {
      server.close();
      await stop();
    };
    const own = { stop: stopAll, [Symbol.asyncDispose]: stopAll };
    return Object.defineProperties(rigHandles(coordinates, control), Object.getOwnPropertyDescriptors(own)) as OwnRig;
  } catch (error) {
    await stop();
    throw error;
  }
}
