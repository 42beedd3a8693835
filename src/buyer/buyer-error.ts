export type BuyerErrorCode =
  | 'no-provider' // the peer is not on line, or has not told what it takes
  | 'refused' // the provider answered with an error before payment
  | 'bad-quote'
  | 'too-expensive'
  | 'timeout' // no quote in time; nothing was paid
  | 'payment-failed' // nothing was paid
  | 'payment-unknown' // money may have moved
  | 'cancelled'
  | 'failed'; // after payment: the provider says so, or what it sent is not what it announced

/** Why a purchase ended without an answer. `isPaid`: money has moved, or may have. */
export class BuyerError extends Error {
  readonly code: BuyerErrorCode;
  readonly isPaid: boolean;
  /** The name of the provider's error code, when it sent one. */
  readonly providerError: string | undefined;
  /** When the provider says to come back. */
  readonly retryAfterMs: number | undefined;
  constructor(
    code: BuyerErrorCode,
    message: string,
    options: { isPaid?: boolean; providerError?: string; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'BuyerError';
    this.code = code;
    this.isPaid = options.isPaid ?? false;
    this.providerError = options.providerError;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Any error as a BuyerError that knows of the payment. */
  static of(error: unknown, isPaid: boolean): BuyerError {
    if (!(error instanceof BuyerError)) {
      return new BuyerError('failed', error instanceof Error ? error.message : String(error), { isPaid, cause: error });
    }
    if (error.isPaid || !isPaid) return error;
    const { code, message, providerError } = error;
    return new BuyerError(code, message, {
      isPaid,
      ...(providerError === undefined ? {} : { providerError }),
      cause: error,
    });
  }
}
