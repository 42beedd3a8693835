/** What the owner sees of a running node; no secrets, no prompts. */
export interface Health {
  readonly status: 'ok' | 'draining' | 'degraded';
  readonly lightning: {
    readonly driver: string;
    readonly nodeId: string;
    readonly isUp: boolean;
    readonly peersOnline: number;
  };
  readonly models: readonly string[];
  readonly jobs: { readonly requests: number; readonly open: number; readonly paid: number };
  /** How near the counts before a job came to what backends said afterwards. */
  readonly counting: readonly {
    readonly model: string;
    readonly estimator: string;
    readonly jobs: number;
    readonly meanError: number;
  }[];
  readonly backends: { readonly running: number; readonly waiting: number };
}
