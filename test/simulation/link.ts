import type { World } from './world.ts';

/** Things on their way that cannot overtake each other. */
export class Pipe {
  readonly #world: World;
  #lastMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  push(withinMs: number, happen: () => void): void {
    const { nowMs, random } = this.#world;
    this.#lastMs = Math.max(this.#lastMs, nowMs + random.between(0, withinMs));
    this.#world.after(this.#lastMs - nowMs, happen);
  }
}

/** One end of a connection. */
export interface End {
  arrived(peer: string, type: number, payload: Uint8Array): void;
  peerTurned(peer: string, isOnline: boolean): void;
}

const FLIGHT_MS = 30;
const NOTICE_MS = 1_000;
/** What the sockets take of messages for a peer that does not read. */
const UNREAD_MESSAGES = 8;

/**
 * A BOLT 8 connection between the seller's node and a buyer's: in order while it stands; what is on its way when it breaks is lost, and each end
 * notices in its own time.
 */
export class Link {
  readonly peer: string;
  isUp = false;
  readonly #seller: End;
  readonly #sellerId: string;
  readonly #buyer: End;
  #connection = 0;
  #toSeller: Pipe;
  #toBuyer: Pipe;
  #unread: (() => void)[] | undefined;

  constructor(world: World, seller: End & { readonly nodeId: string }, peer: string, buyer: End) {
    this.#seller = seller;
    this.#sellerId = seller.nodeId;
    this.peer = peer;
    this.#buyer = buyer;
    this.#toSeller = new Pipe(world);
    this.#toBuyer = new Pipe(world);
  }

  /** The buyer does not read at present. */
  get isStalled(): boolean {
    return this.#unread !== undefined;
  }

  /** Neither takes nor refuses: whoever sends now waits. */
  get isFull(): boolean {
    return this.#unread !== undefined && this.#unread.length >= UNREAD_MESSAGES;
  }

  connect(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.#connection++;
    this.#unread = undefined;
    this.#toSeller.push(FLIGHT_MS, () => this.#seller.peerTurned(this.peer, true));
    this.#toBuyer.push(FLIGHT_MS, () => this.#buyer.peerTurned(this.#sellerId, true));
  }

  /** The seller's end notices later than the buyer's, if at all before the next connection. */
  disconnect(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#connection++;
    this.#unread = undefined;
    this.#toSeller.push(NOTICE_MS, () => this.#seller.peerTurned(this.peer, false));
    this.#toBuyer.push(NOTICE_MS, () => this.#buyer.peerTurned(this.#sellerId, false));
  }

  stall(): void {
    if (this.isUp) this.#unread ??= [];
  }

  resume(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    for (const arrive of unread) arrive();
  }

  toSeller(type: number, payload: Uint8Array): void {
    const connection = this.#connection;
    this.#toSeller.push(FLIGHT_MS, () => {
      if (connection === this.#connection) this.#seller.arrived(this.peer, type, payload);
    });
  }

  toBuyer(type: number, payload: Uint8Array): void {
    const connection = this.#connection;
    const arrive = (): void => {
      if (connection === this.#connection) this.#buyer.arrived(this.#sellerId, type, payload);
    };
    if (this.#unread === undefined) this.#toBuyer.push(FLIGHT_MS, arrive);
    else this.#unread.push(() => this.#toBuyer.push(FLIGHT_MS, arrive));
  }
}
