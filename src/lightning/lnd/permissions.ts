import { LightningError } from '../lightning.ts';
import { macaroonPermissions } from './macaroon.ts';
import { LND_SELLER_ROLES, methodPermission } from './methods.ts';

/** The macaroon is not the one to sell with: it allows too much, or too little. */
export class MacaroonError extends LightningError {
  constructor(message: string) {
    super('permission-denied', message);
    this.name = 'MacaroonError';
  }
}

/** What the roles of lnd that change something are good for. */
const POWERS: Readonly<Record<string, string>> = {
  'onchain:write': 'send coins, open and close channels',
  'offchain:write': 'pay over Lightning',
  'macaroon:generate': 'bake macaroons that allow anything',
  'macaroon:write': 'delete macaroons',
  'signer:generate': "sign with the node's keys",
  'message:write': 'sign messages as the node',
  'info:write': 'stop the node',
  'address:write': 'make addresses',
  'peers:write': 'connect and disconnect peers',
  'invoices:write': 'make, settle and cancel any invoice',
};

/** How a macaroon differs from what selling needs. Reading more than needed endangers no money, so it is no excess. */
export function compareWithNeeds(permissions: readonly string[]): { lacking: string[]; excess: string[] } {
  const methods = Object.keys(LND_SELLER_ROLES);
  const needed = new Set(methods.map(methodPermission));
  const allowed = new Set(permissions);
  const isAllowed = (method: string) =>
    allowed.has(methodPermission(method)) || allowed.has(LND_SELLER_ROLES[method] ?? '');
  return {
    lacking: methods.filter((method) => !isAllowed(method)),
    excess: permissions.filter((each) => !needed.has(each) && !/^(?!uri:)\w+:read$/.test(each)),
  };
}

const describe = (permission: string): string =>
  POWERS[permission] ? `${POWERS[permission]} (${permission})` : permission.replace(/^uri:/, 'call ');

const BAKE = `Bake one that can sell and nothing else:
    lcp-provider macaroon bake           (or "lcp-provider macaroon permissions": the command for lncli)
and name it in lightning.lnd.macaroon_path.`;

/**
 * Checks a macaroon (hex) before anything is sent to lnd. `name` says where it comes from. Throws MacaroonError when it lacks a
 * method, and when it allows more unless that is `allowed`: then it returns what to warn of at each start.
 */
export function checkSellerMacaroon(hex: string, name: string, isExcessAllowed: boolean): string | undefined {
  let permissions: string[];
  try {
    permissions = macaroonPermissions(hex);
  } catch {
    throw new MacaroonError(`${name} is none of lnd's, or damaged: what it allows cannot be read. ${BAKE}`);
  }
  const { lacking, excess } = compareWithNeeds(permissions);
  const risk = `${name} allows more than selling needs: ${excess.map(describe).join(', ')}`;
  const faults = [
    ...(excess.length === 0 || isExcessAllowed
      ? []
      : [
          `${risk}. Whoever breaks into this program or copies that macaroon can do the same with your node and its money.`,
        ]),
    ...(lacking.length === 0 ? [] : [`${name} does not allow what selling needs: ${lacking.join(', ')}.`]),
  ];
  const override =
    faults.length > 0 && excess.length > 0 && !isExcessAllowed
      ? '\nTo take the risk and start all the same, set lightning.lnd.allow_admin_macaroon: true in the configuration.'
      : '';
  if (faults.length > 0) throw new MacaroonError(`${faults.join('\n')}\n${BAKE}${override}`);
  return excess.length === 0 ? undefined : `${risk}; lightning.lnd.allow_admin_macaroon lets it pass`;
}
