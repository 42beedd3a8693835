import { createServer, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Action, Control, PartName, Rig, RigCoordinates } from './rig-handles.ts';
import { partNames, rigHandles } from './rig-handles.ts';

const actions: readonly Action[] = ['stop', 'kill', 'restart', 'pid'];

async function perform(control: Control, path: string): Promise<string> {
  const [, partText, actionText] = path.split('/');
  const part = partNames.find((name) => name === partText);
  const action = actions.find((name) => name === actionText);
  if (part === undefined || action === undefined) throw new Error(`No such command: ${path}`);
  return JSON.stringify({ pid: await control(part, action) });
}

/** Takes commands upon a Unix socket, so that a process which did not start the rig (a test worker) can stop and start its parts. */
export async function serveControl(socket: string, control: Control): Promise<{ close: () => void }> {
  const server = createServer((incoming, outgoing) => {
    perform(control, incoming.url ?? '').then(
      (answer) => outgoing.end(answer),
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  server.unref();
  return { close: () => server.close() };
}

function command(socketPath: string, part: PartName, action: Action): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/${part}/${action}`, method: 'POST' }, (response) => {
      text(response).then((body) => {
        if (response.statusCode !== 200) return reject(new Error(`${action} ${part}: ${body}`));
        resolve((JSON.parse(body) as { pid?: number }).pid);
      }, reject);
    });
    call.once('error', reject);
    call.end();
  });
}

/** The handles upon a rig that another process of this machine runs. Only that process can end the rig as a whole. */
export function attachRig(coordinates: RigCoordinates): Rig {
  return rigHandles(coordinates, (part, action) => command(coordinates.controlSocket, part, action));
}
