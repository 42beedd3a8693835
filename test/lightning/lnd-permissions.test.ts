import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { macaroonPermissions } from '../../src/lightning/lnd/macaroon.ts';
import { LND_SELLER_METHODS, LND_SELLER_ROLES, methodPermission } from '../../src/lightning/lnd/methods.ts';
import { checkSellerMacaroon, compareWithNeeds, MacaroonError } from '../../src/lightning/lnd/permissions.ts';
import { ADMIN_PERMISSIONS as admin, macaroonFor } from './sample-macaroon.ts';

const needed = LND_SELLER_METHODS.map(methodPermission);
const check = (permissions: readonly string[], isExcessAllowed = false) =>
  checkSellerMacaroon(macaroonFor(permissions), 'the macaroon /m', isExcessAllowed);

describe('what a macaroon allows', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const permission = fc.oneof(
    fc.tuple(word, word).map(([entity, action]) => `${entity}:${action}`),
    fc.stringMatching(/^[a-z]{1,9}\.[A-Z][a-z]{1,9}\/[A-Za-z]{1,200}$/).map((method) => `uri:/${method}`),
  );

  it('is read from its identifier, whatever its location and caveats', () =>
    fc.assert(
      fc.property(
        fc.array(permission, { minLength: 1, maxLength: 40 }),
        fc.string({ maxLength: 20 }),
        fc.constantFrom('', 'time-before 2030-01-01T00:00:00Z'),
        (permissions, location, caveat) => {
          const hex = macaroonFor(permissions, { location, caveat });
          expect(macaroonPermissions(hex)).toEqual(permissions);
        },
      ),
    ));

  it('is never guessed: any bytes are read, or refused with a RangeError', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        for (const hex of [Buffer.from(bytes).toString('hex'), macaroonFor(admin).slice(0, 2 * cut)]) {
          try {
            for (const each of macaroonPermissions(hex)) expect(typeof each).toBe('string');
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
    ));
});

describe('a macaroon for selling', () => {
  it('passes when it allows each needed method and nothing else', () => expect(check(needed)).toBeUndefined());

  it('may read more than is needed, which endangers no money', () =>
    expect(check([...needed, 'info:read', 'onchain:read'])).toBeUndefined());

  it('may allow a method by the role of lnd that includes it', () =>
    expect(compareWithNeeds(Object.values(LND_SELLER_ROLES)).lacking).toEqual([]));

  it('is refused when it is the admin macaroon, with the risk, the cure and the way around it', () => {
    expect(() => check(admin)).toThrow(MacaroonError);
    for (const words of [
      /^the macaroon \/m allows more than selling needs: send coins, open and close channels \(onchain:write\)/,
      /pay over Lightning \(offchain:write\).*bake macaroons that allow anything \(macaroon:generate\)/,
      /Whoever breaks into this program/,
      /lcp-provider macaroon bake/,
      /lightning\.lnd\.allow_admin_macaroon: true/,
    ])
      expect(() => check(admin)).toThrow(words);
  });

  it.each(['uri:/routerrpc.Router/SendPaymentV2', 'uri:/lnrpc.Lightning/SendCoins', 'uri:read', 'new:power'])(
    'is refused when it also allows %s',
    (more) => expect(() => check([...needed, more])).toThrow(/allows more than selling needs: /),
  );

  it('passes with a warning when the operator took the risk', () =>
    expect(check(admin, true)).toMatch(/allows more than selling needs: .*allow_admin_macaroon lets it pass/));

  it.each(LND_SELLER_METHODS)('is refused without %s, which it names, whatever else is allowed', (method) => {
    const rest = needed.filter((each) => each !== methodPermission(method));
    for (const isExcessAllowed of [false, true])
      expect(() => check(rest, isExcessAllowed)).toThrow(`does not allow what selling needs: ${method}.`);
    expect(() => check(rest)).not.toThrow(/allow_admin_macaroon/);
  });

  it('is told both when it allows too much of one and too little of the other', () =>
    expect(() => check(['invoices:read', 'invoices:write', 'address:write'])).toThrow(
      /make addresses[^]*does not allow what selling needs: .*SendCustomMessage/,
    ));

  it('is refused when nobody can tell what it allows, override or not, and is never quoted', () => {
    const hex = `02${'ab'.repeat(60)}`;
    expect(() => checkSellerMacaroon(hex, 'the macaroon /m', true)).toThrow(/damaged/);
    expect(() => checkSellerMacaroon(hex, 'the macaroon /m', true)).not.toThrow(/abab/);
  });
});
