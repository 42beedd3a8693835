import * as ldk from 'lightningdevkit';
import { LightningError } from '../lightning.ts';
import type { NodeId } from '../lightning.ts';
import { hex, unhex } from './hex.ts';

/** One byte more than 65,533 would make LDK panic; the protocol stays below this. */
export const MAX_MESSAGE_BYTES = 60_000;
/** BOLT 1: types from here on are for custom use. */
const FIRST_CUSTOM_TYPE = 32_768;
/** What one peer may have waiting before `send` waits too. */
const WINDOW_BYTES = 512 * 1024;
const WINDOW_MESSAGES = 512;
/** Length, type and two tags: what the transport adds to a payload. */
const OVERHEAD_BYTES = 36;

interface Message {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** What waits for one peer, in order. */
interface Lane {
  readonly peer: Uint8Array;
  waiting: Message[];
  waitingBytes: number;
  blocked: { readonly resolve: () => void; readonly reject: (error: LightningError) => void }[];
}

/** What the messages need of the node. All but `room` are told from within LDK, which must not be called back from there. */
export interface MessageHost {
  /** Bytes that the peer's socket takes now. */
  room(peer: NodeId): number;
  arrived(peer: NodeId, type: number, payload: Uint8Array): void;
  online(peer: NodeId): void;
  offline(peer: NodeId): void;
}

/** BOLT 1 custom messages: a bounded lane per peer on the way out, whatever odd type on the way in. */
export class Messages {
  readonly handler: ldk.CustomMessageHandler;
  /** The bindings hold these weakly. */
  readonly held: readonly object[];
  readonly #host: MessageHost;
  readonly #lanes = new Map<NodeId, Lane>();
  /** Type objects are used again and again: each takes a slot of the bindings for ever. */
  readonly #pool: { message: Message; readonly type: ldk.Type }[] = [];

  constructor(host: MessageHost) {
    this.#host = host;
    let read: Message = { type: 0, payload: new Uint8Array() };
    const readType = newType(() => read);
    const decode = ldk.Result_COption_TypeZDecodeErrorZ;
    const taken = decode.constructor_ok(ldk.Option_TypeZ.constructor_some(readType));
    const notOurs = decode.constructor_ok(ldk.Option_TypeZ.constructor_none());
    const handled = ldk.Result_NoneLightningErrorZ.constructor_ok();
    const welcome = ldk.Result_NoneNoneZ.constructor_ok();
    this.handler = ldk.CustomMessageHandler.new_impl(
      {
        // Follows `read` at once: the object that LDK hands over is always the same one.
        handle_custom_message: (_message, sender) => {
          host.arrived(hex(sender), read.type, read.payload);
          return handled;
        },
        get_and_clear_pending_msg: () => this.#takeFitting(),
        peer_connected: (peer) => {
          const id = hex(peer);
          this.#lanes.set(id, { peer: unhex(id), waiting: [], waitingBytes: 0, blocked: [] });
          host.online(id);
          return welcome;
        },
        peer_disconnected: (peer) => {
          const id = hex(peer);
          this.#drop(id, new LightningError('peer-offline', `${id} went off line`));
          host.offline(id);
        },
        provided_node_features: () => ldk.NodeFeatures.constructor_empty(),
        provided_init_features: () => ldk.InitFeatures.constructor_empty(),
      },
      {
        read: (rawType, payload) => {
          const type = rawType & 0xffff; // arrives sign-extended
          if (type < FIRST_CUSTOM_TYPE || type % 2 === 0) return notOurs;
          read = { type, payload };
          return taken;
        },
      },
    );
    this.held = [readType, taken, notOurs, handled, welcome];
  }
  get peers(): NodeId[] {
    return [...this.#lanes.keys()];
  }

  isOnline(peer: NodeId): boolean {
    return this.#lanes.has(peer);
  }

  /** Queues a message; resolves when the peer's lane is below its window, and rejects when the peer goes off line before. */
  send(peer: NodeId, type: number, payload: Uint8Array): Promise<void> {
    const lane = this.#lanes.get(peer);
    if (lane === undefined) throw new LightningError('peer-offline', `${peer} is not connected`);
    if (payload.length > MAX_MESSAGE_BYTES) {
      throw new LightningError('refused', `a message of ${payload.length} bytes: ${MAX_MESSAGE_BYTES} are the most`);
    }
    if (!Number.isInteger(type) || type < FIRST_CUSTOM_TYPE || type > 0xffff) {
      throw new LightningError('refused', `message type ${type} is not a custom one (32768 to 65535)`);
    }
    lane.waiting.push({ type, payload: Uint8Array.from(payload) });
    lane.waitingBytes += payload.length + OVERHEAD_BYTES;
    if (!isFull(lane)) return Promise.resolve();
    return new Promise((resolve, reject) => lane.blocked.push({ resolve, reject }));
  }

  /** True when a message waits that its peer's socket would take. */
  get ready(): boolean {
    for (const [peer, lane] of this.#lanes) if (lane.waiting.length > 0 && this.#host.room(peer) > 0) return true;
    return false;
  }

  /** Lets senders go on whose lane is below its window again. */
  release(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.blocked.length === 0 || isFull(lane)) continue;
      const { blocked } = lane;
      lane.blocked = [];
      for (const { resolve } of blocked) resolve();
    }
  }

  close(error: LightningError): void {
    for (const peer of this.peers) this.#drop(peer, error);
  }

  /** LDK takes all it is given into memory without a bound: give it what the sockets take. */
  #takeFitting(): ldk.TwoTuple_PublicKeyTypeZ[] {
    const taken: ldk.TwoTuple_PublicKeyTypeZ[] = [];
    for (const [id, lane] of this.#lanes) {
      if (lane.waiting.length === 0) continue;
      let room = this.#host.room(id);
      let count = 0;
      while (room > 0 && count < lane.waiting.length) {
        const message = lane.waiting[count++]!;
        const bytes = message.payload.length + OVERHEAD_BYTES;
        room -= bytes;
        lane.waitingBytes -= bytes;
        taken.push(ldk.TwoTuple_PublicKeyTypeZ.constructor_new(lane.peer, this.#pooled(taken.length, message)));
      }
      lane.waiting = count === lane.waiting.length ? [] : lane.waiting.slice(count);
    }
    return taken;
  }

  #pooled(index: number, message: Message): ldk.Type {
    let slot = this.#pool[index];
    if (slot === undefined) {
      const fresh: { message: Message; type: ldk.Type } = { message, type: newType(() => fresh.message) };
      slot = this.#pool[index] = fresh;
    }
    slot.message = message;
    return slot.type;
  }

  #drop(peer: NodeId, error: LightningError): void {
    const lane = this.#lanes.get(peer);
    this.#lanes.delete(peer);
    for (const { reject } of lane?.blocked ?? []) reject(error);
  }
}

const isFull = (lane: Lane): boolean => lane.waitingBytes > WINDOW_BYTES || lane.waiting.length > WINDOW_MESSAGES;

const newType = (message: () => Message): ldk.Type =>
  ldk.Type.new_impl({
    type_id: () => message().type,
    debug_str: () => 'custom message',
    write: () => message().payload,
  });
