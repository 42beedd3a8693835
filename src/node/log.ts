import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

export interface LogOptions {
  readonly level: string;
  /** For eyes, not for machines; needs the development package pino-pretty. */
  readonly pretty: boolean;
}

/** Fields that must never be seen, wherever they turn up; messages are written so that they hold none. */
const SECRETS = [
  'macaroon',
  'preimage',
  'payment_request',
  'paymentRequest',
  'api_key',
  'apiKey',
  'prompt',
  'body',
  'input',
  'output',
  'answer',
  'data',
];

/** Logs go to standard error: standard output belongs to what a command answers. */
export function createLog({ level, pretty }: LogOptions): Logger {
  const redact = { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' };
  const options = { level, redact, base: null };
  if (!pretty) return pino(options, standardError());
  try {
    return pino({
      ...options,
      transport: {
        target: 'pino-pretty',
        options: { destination: 2, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' },
      },
    });
  } catch {
    return pino(options, standardError()); // installed without development packages
  }
}

/** A terminal that was closed takes no more lines (EIO): without this the end of the process would wait for ever for it to take the last ones. */
function standardError(): DestinationStream {
  const destination = pino.destination({ dest: 2, sync: false });
  destination.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EIO') throw error;
    destination.write = () => true;
    destination.flushSync = () => undefined;
  });
  return destination;
}
