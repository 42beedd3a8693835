import { describe, expect, it } from 'vitest';
import { LightningError } from '../../src/lightning/lightning.ts';
import { lightningError, startFailure } from '../../src/lightning/lnd/lnd-error.ts';

const grpc = (code: number, details: string): Error =>
  Object.assign(new Error(`${code} STATUS: ${details}`), { code, details });
const library = (name: string, err?: Error): unknown[] => (err ? [503, name, { err }] : [503, name]);

describe('an error of lnd becomes one of the port', () => {
  it.each([
    ['unavailable', grpc(14, 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:10009')],
    ['unavailable', library('UnexpectedErrorSendingMessageToPeer', grpc(14, 'Connection dropped'))],
    ['unavailable', library('AddInvoiceError', grpc(4, 'Deadline exceeded after 20s'))],
    ['unavailable', library('FailedToConnectToDaemon')],
    ['unavailable', library('LndLocked')],
    ['unavailable', grpc(1, 'Cancelled on client')],
    ['unavailable', grpc(13, 'Received RST_STREAM with code 2')],
    ['unavailable', grpc(2, 'wallet locked, unlock it to enable full RPC access')],
    ['unavailable', grpc(2, 'the RPC server is in the process of starting up, but not yet ready to accept calls')],
    ['unavailable', grpc(2, 'chain backend is still syncing, server not active yet')],
    ['unavailable', grpc(2, 'shutdown')],
    ['unavailable', undefined],
    ['not-found', library('UnexpectedLookupInvoiceErr', grpc(5, 'unable to locate invoice'))],
    ['not-found', grpc(2, 'unable to locate invoice')],
    ['not-found', grpc(2, 'there are no existing invoices')],
    ['not-found', grpc(5, "payment isn't initiated")],
    ['permission-denied', grpc(2, 'permission denied')],
    ['permission-denied', grpc(7, 'anything')],
    ['permission-denied', grpc(2, 'verification failed: signature mismatch after caveat verification')],
    ['permission-denied', grpc(2, "cannot get macaroon: root key with id doesn't exist")],
    ['peer-offline', grpc(2, 'peer is not connected')],
    ['peer-offline', grpc(2, `peer 02${'ab'.repeat(32)} disconnected`)],
    ['peer-offline', grpc(2, 'peer exiting')],
    ['peer-offline', grpc(5, 'peer is not connected')],
    ['refused', grpc(2, 'invoice expired. Valid until 2026-11-21')],
    ['refused', library('ExpectedIdToGetInvoiceDetails')],
    ['refused', new TypeError('Cannot read properties of undefined')],
  ])('%s: %j', (code, error) => {
    const converted = lightningError(error, 'doing it');
    expect(converted).toBeInstanceOf(LightningError);
    expect(converted.code).toBe(code);
    expect(converted.message).toMatch(/^doing it: /);
  });

  it('leaves a LightningError as it is', () => {
    const error = new LightningError('payment-failed', 'no route');
    expect(lightningError(error, 'doing it')).toBe(error);
  });

  it('never quotes invoices or preimages, and carries no cause', () => {
    const [secret, invoice] = ['ab'.repeat(32), `lnbcrt250n1${'p'.repeat(200)}`];
    const converted = lightningError(grpc(2, `bad preimage ${secret} of ${invoice}`), 'doing it');
    expect(converted.message).toBe('doing it: bad preimage (32 bytes) of (invoice)');
    expect(converted.cause).toBeUndefined();
  });
});

describe('lnd that cannot be used at start is explained', () => {
  it.each([
    [false, 'unavailable', grpc(14, 'connect ECONNREFUSED 127.0.0.1:10009'), /is it running, unlocked/],
    [false, 'unavailable', library('LndLocked'), /unlock it with "lncli unlock"/],
    [false, 'unavailable', grpc(2, 'wallet not created, create one to enable full RPC access'), /lncli create/],
    [true, 'refused', grpc(14, 'Last error: Error: self-signed certificate'), /give the tls\.cert of this very lnd/],
    [true, 'refused', grpc(14, "Hostname/IP does not match certificate's altnames"), /tlsextradomain/],
    [true, 'refused', grpc(14, 'write EPROTO wrong version number'), /gRPC port/],
    [true, 'permission-denied', grpc(2, 'verification failed: signature mismatch'), /refuses the macaroon/],
  ])('final %s, %s: %j', (final, code, error, words) => {
    const failure = startFailure(error, 'box:10009');
    expect(failure.final).toBe(final);
    expect(failure.error.code).toBe(code);
    expect(failure.error.message).toMatch(words);
    expect(failure.error.message).toContain('lnd at box:10009');
  });
});
