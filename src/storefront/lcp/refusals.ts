import type { Logger } from 'pino';
import type { Clock } from '../../clock/clock.ts';
import type { JobKey } from '../../job/job.ts';
import type { NodeId } from '../../lightning/lightning.ts';
import { errorCode } from '../../protocol/error-code.ts';
import type { ErrorName } from '../../protocol/error-code.ts';
import type { Version } from '../../protocol/messages.ts';
import type { Session } from '../../session/session.ts';
import { RefusalLog } from '../admission/refusal-log.ts';

export interface RefusalsOptions {
  readonly session: Session;
  readonly clock: Clock;
  readonly log: Logger;
}

const REMEMBERED = 4_096;

/** Says no to requests, and remembers the latest few of them, so that what is still on the way for these is swallowed. */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #worthLogging = new RefusalLog();
  readonly #keys = new Set<JobKey>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  send(peer: NodeId, { version, jobId }: { version: Version; jobId: string }, name: ErrorName, message: string): void {
    const { session, clock, log } = this.#options;
    const leftOut = this.#worthLogging.refused(peer, clock.nowMs());
    if (leftOut !== undefined)
      log.info(
        { peer, version, job_id: jobId, error: name, reason: message, ...(leftOut > 0 ? { not_logged: leftOut } : {}) },
        'request refused',
      );
    session
      .send(peer, { kind: 'error', version, jobId, code: errorCode(version, name), message })
      .catch((error: unknown) => log.debug({ peer, reason: String(error) }, 'a refusal was not sent'));
  }

  has(key: JobKey): boolean {
    return this.#keys.has(key);
  }

  /** Refused or repeated. */
  remember(key: JobKey): void {
    this.#keys.add(key);
    if (this.#keys.size <= REMEMBERED) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }

  forget(key: JobKey): void {
    this.#keys.delete(key);
  }
}
