/**
 * The lnd methods that this driver calls, for a macaroon that allows them and nothing else:
 * `lncli bakemacaroon uri:/lnrpc.Lightning/GetInfo …`. By method, because the role `offchain:write`, which custom messages need,
 * also allows paying.
 */
export const LND_SELLER_METHODS = [
  '/lnrpc.Lightning/GetInfo',
  '/lnrpc.Lightning/ListPeers',
  '/lnrpc.Lightning/ListChannels',
  '/lnrpc.Lightning/SubscribePeerEvents',
  '/lnrpc.Lightning/SendCustomMessage',
  '/lnrpc.Lightning/SubscribeCustomMessages',
  '/lnrpc.Lightning/AddInvoice',
  '/lnrpc.Lightning/LookupInvoice',
  '/lnrpc.Lightning/ListInvoices',
  '/lnrpc.Lightning/SubscribeInvoices',
  '/invoicesrpc.Invoices/AddHoldInvoice',
  '/invoicesrpc.Invoices/SettleInvoice',
  '/invoicesrpc.Invoices/CancelInvoice',
  '/invoicesrpc.Invoices/SubscribeSingleInvoice',
] as const;

/** What a buyer needs beyond a seller: connecting to peers, and paying. */
export const LND_BUYER_METHODS = [
  '/lnrpc.Lightning/ConnectPeer',
  '/routerrpc.Router/SendPaymentV2',
  '/routerrpc.Router/TrackPaymentV2',
] as const;
