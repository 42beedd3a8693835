import { createECDH, createHash, createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';

interface Unsigned {
  readonly hrp: string;
  readonly preimage: string;
  readonly tags: number[];
}

/** The half of the package `invoices` that writes BOLT 11. */
const { createSignedRequest, createUnsignedRequest } = createRequire(import.meta.url)('invoices') as {
  createUnsignedRequest: (fields: Readonly<Record<string, unknown>>) => Unsigned;
  createSignedRequest: (parts: { destination: string; hrp: string; signature: string; tags: number[] }) => {
    request: string;
  };
};

/** Half the order of secp256k1: signatures with a larger s have a twin below it. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export interface SigningKey {
  /** Compressed public key: 66 hex digits. */
  readonly nodeId: string;
  readonly key: KeyObject;
}

/** The key of a name; the same name has the same key in every run. */
export function keyNamed(name: string): SigningKey {
  const secret = createHash('sha256').update(`key of ${name}`).digest();
  const ecdh = createECDH('secp256k1');
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  const text = (part: Buffer): string => part.toString('base64url');
  const jwk = {
    kty: 'EC',
    crv: 'secp256k1',
    d: text(secret),
    x: text(point.subarray(1, 33)),
    y: text(point.subarray(33)),
  };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return { nodeId: ecdh.getPublicKey('hex', 'compressed'), key };
}

export interface InvoiceFields {
  readonly paymentHash: string;
  readonly descriptionHash: string;
  /** 0: any amount. */
  readonly amountMsat: bigint;
  readonly createdAtS: number;
  readonly expiresAtS: number;
}

/** A BOLT 11 invoice of the regtest network, signed as its payee would. */
export function signInvoice({ nodeId, key }: SigningKey, fields: InvoiceFields): string {
  const { hrp, preimage, tags } = createUnsignedRequest({
    created_at: new Date(fields.createdAtS * 1000).toISOString(),
    description_hash: fields.descriptionHash,
    expires_at: new Date(fields.expiresAtS * 1000).toISOString(),
    id: fields.paymentHash,
    mtokens: fields.amountMsat.toString(),
    network: 'regtest',
  });
  const signature = lowS(sign('sha256', Buffer.from(preimage, 'hex'), { key, dsaEncoding: 'ieee-p1363' }));
  return createSignedRequest({ destination: nodeId, hrp, signature, tags }).request;
}

function lowS(signature: Buffer): string {
  const s = BigInt(`0x${signature.toString('hex', 32)}`);
  const low = s > ORDER / 2n ? ORDER - s : s;
  return signature.toString('hex', 0, 32) + low.toString(16).padStart(64, '0');
}
