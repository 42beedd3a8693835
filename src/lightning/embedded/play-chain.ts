import { createHash, randomBytes } from 'node:crypto';

/** LDK's Confirm interface checks neither proof of work nor the link to the block before: only the time counts. */
const HEADER_BYTES = 80;

/** A block header of the made-up chain, which carries time to LDK: it has no clock of its own. */
export function playHeader(timeS: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(0x2000_0000, 0);
  randomBytes(32).copy(header, 36);
  header.writeUInt32LE(timeS, 68);
  header.writeUInt32LE(0x207f_ffff, 72);
  return header;
}

/** A funding transaction that spends an output which does not exist. LDK only asks that the witness is not empty. */
export function playFunding(outputScript: Uint8Array, amountSat: bigint): Uint8Array {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(amountSat);
  const spent = createHash('sha256').update(randomBytes(32)).digest();
  return Buffer.concat([
    Buffer.from([2, 0, 0, 0, 0, 1, 1]), // version, segwit marker and flag, one input
    spent,
    Buffer.from([0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1]), // output 0, no script, sequence, one output
    value,
    Buffer.from([outputScript.length]),
    outputScript,
    Buffer.from([1, 1, 0xff, 0, 0, 0, 0]), // witness of one byte, lock time
  ]);
}
