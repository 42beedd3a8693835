import type { NodeId } from '../lightning.ts';
import type { GrpcError } from './grpc-call.ts';
import type { GrpcChannel } from './grpc-channel.ts';

/**
 * The two calls that carry messages: of everything that is asked of lnd, these are most of the calls and nearly all of the bytes. Upon a channel of
 * their own, since grpc-js copies each message three times (64 KB: 0.8 ms of CPU; so 0.3).
 */
export class CustomMessages {
  readonly #channel: GrpcChannel;

  constructor(channel: GrpcChannel) {
    this.#channel = channel;
  }

  /** /lnrpc.Lightning/SendCustomMessage (offchain:write). `payload` is not copied: it must stay as it is until this resolves. */
  send(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    return this.#channel.tell('/lnrpc.Lightning/SendCustomMessage', encodeMessage(peer, type, payload));
  }

  /** /lnrpc.Lightning/SubscribeCustomMessages (offchain:read). `ended` once, with the error or undefined. */
  subscribe(
    take: (peer: NodeId, type: number, payload: Uint8Array) => void,
    ended: (error: GrpcError | undefined) => void,
  ): { cancel(): void } {
    const takeMessage = (message: Buffer): void => {
      const { peer, type, payload } = decodeMessage(message);
      take(peer, type, payload);
    };
    return this.#channel.subscribe('/lnrpc.Lightning/SubscribeCustomMessages', takeMessage, ended);
  }

  close(): void {
    this.#channel.close();
  }
}

// lnrpc.SendCustomMessageRequest and lnrpc.CustomMessage are alike: bytes peer = 1, uint32 type = 2, bytes data = 3.

const [VARINT, FIXED_64, LENGTH, FIXED_32] = [0, 1, 2, 5];
const tag = (field: number, wireType: number): number => (field << 3) | wireType;
const [PEER, TYPE, DATA] = [tag(1, LENGTH), tag(2, VARINT), tag(3, LENGTH)];

/** The message in parts, of which the last is `payload` itself. */
export function encodeMessage(peer: NodeId, type: number, payload: Uint8Array): Uint8Array[] {
  const key = Buffer.from(peer, 'hex');
  const head = Buffer.from([
    PEER,
    ...varint(key.length),
    ...key,
    TYPE,
    ...varint(type),
    DATA,
    ...varint(payload.length),
  ]);
  return [head, payload];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** The payload is a part of `message`. Throws RangeError for what is no protobuf; fields that a newer lnd may add are passed over. */
export function decodeMessage(message: Buffer): { peer: NodeId; type: number; payload: Uint8Array } {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const bytes = (length: number) => {
    if (at + length > message.length) throw new RangeError('a message of lnd is cut off');
    return message.subarray(at, (at += length));
  };
  const decoded = { peer: '', type: 0, payload: message.subarray(0, 0) };
  while (at < message.length) {
    const field = number();
    if (field === PEER) decoded.peer = bytes(number()).toString('hex');
    else if (field === TYPE) decoded.type = number();
    else if (field === DATA) decoded.payload = bytes(number());
    else if ((field & 7) === VARINT) number();
    else if ((field & 7) === LENGTH) bytes(number());
    else if ((field & 7) === FIXED_64) bytes(8);
    else if ((field & 7) === FIXED_32) bytes(4);
    else throw new RangeError('a message of lnd is no protobuf');
  }
  return decoded;
}
