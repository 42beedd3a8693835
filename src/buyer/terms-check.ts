import { parseBolt11 } from '../lightning/bolt11.ts';
import type { Bolt11 } from '../lightning/bolt11.ts';
import type { Msat } from '../money/msat.ts';
import type { Quote } from '../protocol/messages.ts';
import { termsHash } from '../protocol/terms.ts';
import type { Order } from './order.ts';
import { BuyerError } from './buyer-error.ts';

/** An invoice may outlive its quote by the clocks' difference. */
const EXPIRY_TOLERANCE_S = 5;

export interface CheckedQuote {
  readonly paymentRequest: string;
  readonly priceMsat: Msat;
}

function readInvoice(paymentRequest: string): Bolt11 | undefined {
  try {
    return parseBolt11(paymentRequest);
  } catch {
    return undefined;
  }
}

/**
 * Checks everything that the payment binds us to, before it: LCP v0.2 §5.3, v0.3 §5.2. Terms hash, description hash, payee, amount, both
 * expiries and our own limit on the price. Throws BuyerError `bad-quote` or `too-expensive`.
 */
export function checkQuote(quote: Quote, order: Order, nowS: number): CheckedQuote {
  const expected = termsHash(order.version, {
    jobId: order.jobId,
    priceMsat: quote.priceMsat,
    quoteExpiryS: quote.quoteExpiryS,
    taskKind: order.taskKind,
    params: order.params,
    inputSha256: order.inputSha256,
    inputBytes: BigInt(order.input.length),
    inputContentType: order.inputContentType,
    inputContentEncoding: order.inputContentEncoding,
    ...(quote.responseContentType === undefined ? {} : { responseContentType: quote.responseContentType }),
    ...(quote.responseContentEncoding === undefined ? {} : { responseContentEncoding: quote.responseContentEncoding }),
  });
  const refuse = (what: string) => new BuyerError('bad-quote', `the provider's quote was refused: ${what}`);
  if (quote.termsHash !== expected) throw refuse('its terms are not those of the request');
  if (quote.priceMsat === 0n) throw refuse('it asks for nothing');
  if (Number(quote.quoteExpiryS) <= nowS) throw refuse('it has expired');
  const invoice = readInvoice(quote.paymentRequest);
  if (invoice === undefined) throw refuse('its invoice is none');
  if (invoice.descriptionHash !== expected) throw refuse('its invoice is for other terms');
  if (invoice.payee !== order.peer) throw refuse('its invoice pays somebody else');
  if (invoice.amountMsat !== quote.priceMsat) throw refuse('its invoice asks for another amount');
  if (invoice.expiresAtS > Number(quote.quoteExpiryS) + EXPIRY_TOLERANCE_S) throw refuse('its invoice outlives it');
  if (quote.priceMsat > order.maxPriceMsat) {
    throw new BuyerError(
      'too-expensive',
      `the provider asks ${quote.priceMsat} msat; the limit is ${order.maxPriceMsat} msat`,
    );
  }
  return { paymentRequest: quote.paymentRequest, priceMsat: invoice.amountMsat };
}
