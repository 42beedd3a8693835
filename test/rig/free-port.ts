import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Port ranges below the ones that systems hand to outgoing connections, so that nothing takes a node's port
 * while a test has that node stopped. A set-up that is kept for later has a range of its own: its nodes remember each
 * other's old address, and must never reach another rig's node of the same identity there.
 */
export const portRanges = { running: [12_000, 30_000], settingUp: [10_000, 12_000] } as const;

/** Which rig a port is for. */
export type PortRange = keyof typeof portRanges;

const handedOut = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Promises a TCP port on 127.0.0.1 that nothing listens on, never the same one twice in a process. */
export async function freePort(range: PortRange): Promise<number> {
  const [low, high] = portRanges[range];
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(low, high);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free TCP port on 127.0.0.1 between ${low} and ${high}`);
}
