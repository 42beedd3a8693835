import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { loadLndSource } from '../config/load.ts';
import { bakeSellerMacaroon, SELLER_PERMISSIONS } from '../node/bake-macaroon.ts';
import { failWith } from './exit-code.ts';

const EXAMPLES = `
Examples:
  lcp-provider macaroon bake                              with ./config.yaml, or for lnd on this machine
  lcp-provider macaroon bake --socket node.lan:10009 --cert tls.cert --admin-macaroon admin.macaroon --out lcp-provider.macaroon
  lcp-provider macaroon permissions                       the command for lncli, where lnd is out of reach from here
  lncli bakemacaroon $(lcp-provider macaroon permissions --uris)
`;
const LND_DIRECTORY = join(homedir(), '.lnd');
const MACAROON_NAME = 'lcp-provider.macaroon';
const ADMIN_NAME = 'admin.macaroon';

interface BakeOptions {
  readonly config?: string;
  readonly adminMacaroon?: string;
  readonly socket?: string;
  readonly cert?: string;
  readonly out?: string;
  readonly force: boolean;
}

export function macaroonCommand(): Command {
  const bake = new Command('bake')
    .description('Ask your lnd for a macaroon that allows what selling needs and nothing else, and write it to a file.')
    .option('-c, --config <file>', 'configuration that says where lnd is; default: config.yaml if there is one')
    .option('--socket <host:port>', "lnd's gRPC; default: as configured, else 127.0.0.1:10009")
    .option('--cert <file>', "lnd's certificate; default: as configured, else ~/.lnd/tls.cert")
    .option('--admin-macaroon <file>', 'macaroon to bake with; default: admin.macaroon beside the configured one')
    .option(
      '--out <file>',
      'file to write; default: macaroon_path as configured, else beside the macaroon to bake with',
    )
    .option('--force', 'replace that file', false)
    .action((options: BakeOptions) => bakeFor(options).catch(failWith));
  const permissions = new Command('permissions')
    .description('Print the lncli command that bakes such a macaroon.')
    .option('--uris', 'only the permissions, one a line', false)
    .action(({ uris }: { uris: boolean }) => {
      const command = ['lncli bakemacaroon', `--save_to ${MACAROON_NAME}`, ...SELLER_PERMISSIONS].join(' \\\n  ');
      process.stdout.write(`${uris ? SELLER_PERMISSIONS.join('\n') : command}\n`);
    });
  return new Command('macaroon')
    .description("The key to your lnd: one that can sell, and can't pay.")
    .addCommand(bake)
    .addCommand(permissions)
    .addHelpText('after', EXAMPLES);
}

async function bakeFor(options: BakeOptions): Promise<void> {
  const path = options.config ?? (existsSync('config.yaml') ? 'config.yaml' : undefined);
  const { socket, certPath, macaroonPath } = loadLndSource(path, process.env);
  const ownCert = join(LND_DIRECTORY, 'tls.cert');
  const cert = options.cert ?? certPath ?? (existsSync(ownCert) ? ownCert : undefined);
  const macaroons = macaroonPath ? dirname(macaroonPath) : join(LND_DIRECTORY, 'data/chain/bitcoin/mainnet');
  const admin = options.adminMacaroon ?? join(macaroons, ADMIN_NAME);
  const isNamed = macaroonPath !== undefined && basename(macaroonPath) !== ADMIN_NAME;
  const out = resolve(options.out ?? (isNamed ? macaroonPath : join(dirname(admin), MACAROON_NAME)));
  await bakeSellerMacaroon({
    lnd: {
      socket: options.socket ?? socket,
      macaroonPath: admin,
      ...(cert && { certPath: cert }),
    },
    out,
    force: options.force,
  });
  const isConfigured = path !== undefined && out === macaroonPath;
  process.stdout.write(
    `Baked ${out}, for you alone to read: it allows ${SELLER_PERMISSIONS.length} methods of lnd, and paying is none of them.\n${
      isConfigured
        ? `${path} names it already.\n`
        : `Into config.yaml:\n\nlightning:\n  lnd:\n    macaroon_path: ${JSON.stringify(out)}\n`
    }`,
  );
}
