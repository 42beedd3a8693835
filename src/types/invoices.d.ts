/** The part of the package `invoices` (which has no types of its own) that we use. */
declare module 'invoices' {
  export interface ParsedPaymentRequest {
    readonly id: string;
    readonly destination: string;
    readonly created_at: string;
    readonly expires_at: string;
    readonly mtokens?: string;
    readonly description?: string;
    readonly description_hash?: string;
    readonly network: string;
  }
  /** Throws an Error when the request is not valid BOLT 11; the signature is checked by recovering the payee. */
  export function parsePaymentRequest(args: { request: string }): ParsedPaymentRequest;
}
