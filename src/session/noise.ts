import { TokenBuckets } from '../clock/token-bucket.ts';
import type { NodeId } from '../lightning/lightning.ts';
import type { Kind } from '../protocol/messages.ts';

/**
 * What one peer may send for nothing. Chunks are apart: those of a large input that was refused still come for a while, and must not
 * make us deaf for the peer's next request. Manifests are apart, because each may cost a place in the ledger and an answer.
 */
const RATES = {
  chunk: { perMinute: 12_000, burst: 8_000 },
  manifest: { perMinute: 20, burst: 20 },
  other: { perMinute: 3_000, burst: 1_000 },
} as const;

type Class = keyof typeof RATES;

const classOf = (kind: Kind | undefined): Class =>
  kind === 'stream-chunk' ? 'chunk' : kind === 'manifest' ? kind : 'other';

/** Who is not listened to for a while, because too much of what it sent led to nothing: such a message costs a look into a map, and no decoding. */
export class Noise {
  readonly #spent: Readonly<Record<Class, TokenBuckets>> = {
    chunk: new TokenBuckets(RATES.chunk),
    manifest: new TokenBuckets(RATES.manifest),
    other: new TokenBuckets(RATES.other),
  };

  /** Whether a message of this kind is worth decoding. */
  isHeard(peer: NodeId, kind: Kind | undefined, nowMs: number): boolean {
    return this.#spent[classOf(kind)].waitMs(peer, 1, nowMs) === 0;
  }

  /** A message led to nothing; every manifest counts. */
  count(peer: NodeId, kind: Kind | undefined, nowMs: number): void {
    this.#spent[classOf(kind)].take(peer, 1, nowMs);
  }
}
