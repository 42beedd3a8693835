/**
 * The lnd methods that the serving provider calls, each with the role of lnd that allows it too. The one list: what
 * `macaroon bake` asks for, what the check at start compares with, what the instructions name.
 * By method and not by role, because `offchain:write`, which custom messages need, also allows paying.
 */
export const LND_SELLER_ROLES: Readonly<Record<string, string>> = {
  '/lnrpc.Lightning/GetInfo': 'info:read',
  '/lnrpc.Lightning/ListPeers': 'peers:read',
  '/lnrpc.Lightning/ListChannels': 'offchain:read',
  '/lnrpc.Lightning/SubscribePeerEvents': 'peers:read',
  '/lnrpc.Lightning/SendCustomMessage': 'offchain:write',
  '/lnrpc.Lightning/SubscribeCustomMessages': 'offchain:read',
  '/lnrpc.Lightning/AddInvoice': 'invoices:write',
  '/lnrpc.Lightning/LookupInvoice': 'invoices:read',
  '/lnrpc.Lightning/ListInvoices': 'invoices:read',
  '/lnrpc.Lightning/SubscribeInvoices': 'invoices:read',
  '/invoicesrpc.Invoices/AddHoldInvoice': 'invoices:write',
  '/invoicesrpc.Invoices/SettleInvoice': 'invoices:write',
  '/invoicesrpc.Invoices/CancelInvoice': 'invoices:write',
  '/invoicesrpc.Invoices/SubscribeSingleInvoice': 'invoices:read',
};
export const LND_SELLER_METHODS: readonly string[] = Object.keys(LND_SELLER_ROLES);

/** What a buyer needs beyond a seller: connecting to peers, and paying. */
export const LND_BUYER_METHODS = [
  '/lnrpc.Lightning/ConnectPeer',
  '/routerrpc.Router/SendPaymentV2',
  '/routerrpc.Router/TrackPaymentV2',
] as const;

/** A method as `lncli bakemacaroon` and lnd's macaroons write it. */
export const methodPermission = (method: string): string => `uri:${method}`;
