import { z } from 'zod';
import { listen, text } from './fields.ts';

/** Where the embedded node waits for peers when nothing is said. */
export const EMBEDDED_LISTEN = '127.0.0.1:9736';

const lnd = z
  .strictObject({
    socket: text(
      "host:port of lnd's gRPC. Default: LND_GRPC_ENDPOINT or LCPD_LND_RPC_ADDR from the environment, else 127.0.0.1:10009.",
    ).optional(),
    cert_path: text(
      "lnd's tls.cert. Default: LND_TLS_CERT_PATH or LCPD_LND_TLS_CERT_PATH from the environment; without it lnd's certificate must be one that the system trusts.",
    ).optional(),
    macaroon_path: text(
      'A macaroon file. Default: LND_MACAROON_PATH, LCPD_LND_ADMIN_MACAROON_PATH or LCPD_LND_MACAROON_PATH from the environment. Give this or macaroon_hex.',
    ).optional(),
    macaroon_hex: z
      .string()
      .regex(/^\s*([0-9a-fA-F]{2})+\s*$/, { error: 'expected the macaroon in hexadecimal digits' })
      .optional()
      .describe(
        'The macaroon itself in hex; take it from the environment: "${LND_MACAROON_HEX}". Never logged. Give this or macaroon_path.',
      ),
    allow_admin_macaroon: z
      .boolean()
      .default(false)
      .describe(
        'true: start although the macaroon allows more than selling needs, like paying or baking; each start warns. Default: false.',
      ),
  })
  .describe('How to reach lnd.');

const embedded = z
  .strictObject({
    listen: listen('Where the embedded node waits for peers.', EMBEDDED_LISTEN),
  })
  .describe('A node inside this program that holds play money, on regtest only: no key changes that.');

/** The Lightning node, as written. */
export const lightningSchema = z
  .strictObject({
    driver: z
      .enum(['lnd', 'embedded'])
      .optional()
      .describe(
        'lnd: your own lnd node, real money. embedded: a node inside this program with play money, for trying things out. Default: the one that is described here; lnd when the environment names one.',
      ),
    lnd: lnd.optional(),
    embedded: embedded.optional(),
  })
  .describe(
    'The Lightning node that takes the payments. Default: lnd, when the environment names one (LND_GRPC_ENDPOINT or LCPD_LND_RPC_ADDR).',
  );
