const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const block = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint(type), ...varint(content.length)]), content]);

/** Hex of a macaroon as lnd bakes it, but for the signature. Permissions of one entity that follow each other share an operation. */
export function macaroonFor(permissions: readonly string[], { location = 'lnd', caveat = '' } = {}): string {
  const ops: [string, string[]][] = [];
  for (const permission of permissions) {
    const [entity = '', action = ''] = permission.split(/:(.*)/s);
    if (ops.at(-1)?.[0] === entity) ops.at(-1)?.[1].push(action);
    else ops.push([entity, [action]]);
  }
  const encoded = ops.map(([entity, actions]) => {
    const fields = [block(10, Buffer.from(entity)), ...actions.map((action) => block(18, Buffer.from(action)))];
    return block(26, Buffer.concat(fields));
  });
  const identifier = [Buffer.from([3]), block(10, Buffer.alloc(16, 9)), block(18, Buffer.from('0')), ...encoded];
  return Buffer.concat([
    Buffer.from([2]),
    location === '' ? Buffer.alloc(0) : block(1, Buffer.from(location)),
    block(2, Buffer.concat(identifier)),
    Buffer.from([0]),
    caveat === '' ? Buffer.alloc(0) : Buffer.concat([block(2, Buffer.from(caveat)), Buffer.from([0])]),
    Buffer.from([0]),
    block(6, Buffer.alloc(32, 7)),
  ]).toString('hex');
}

/** What lnd's own admin.macaroon allows (rpcserver.go: readPermissions and writePermissions). */
export const ADMIN_PERMISSIONS: readonly string[] = [
  ...['onchain', 'offchain', 'address', 'message', 'peers', 'info', 'invoices', 'signer', 'macaroon'].map(
    (entity) => `${entity}:read`,
  ),
  ...['onchain', 'offchain', 'address', 'message', 'peers', 'info', 'invoices'].map((entity) => `${entity}:write`),
  'signer:generate',
  'macaroon:generate',
  'macaroon:write',
];
