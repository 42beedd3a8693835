import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../clock/clock.ts';
import type { LightningNode, NodeId } from '../lightning/lightning.ts';
import { chunkMsgId, decodeMessage, encodeMessage } from '../protocol/codec.ts';
import { kindOf } from '../protocol/message-type.ts';
import type { Manifest, Message, Version } from '../protocol/messages.ts';
import { ReplayWindow } from '../protocol/replay-window.ts';
import { Handshake } from './handshake.ts';
import { Noise } from './noise.ts';
import { SendMemory } from './send-memory.ts';
import { SendWindow } from './send-window.ts';

/** One side of the counter: the storefront or the buyer. Both hear every message; each ignores what is not of its jobs. Must not throw. */
export interface SessionRole {
  /** False: it means nothing to this role. What means nothing to any role is noise, and a peer may make only so much of it. */
  message(peer: NodeId, message: Exclude<Message, Manifest>): boolean;
  /** The peer's connection is up and its manifest, if it has sent one, is known. */
  peerOnline?(peer: NodeId): void;
  peerOffline?(peer: NodeId): void;
  /** A manifest of this peer came. */
  manifest?(peer: NodeId, manifest: Manifest): void;
}

type Envelopeless<M> = M extends Message ? Omit<M, 'protocolVersion' | 'msgId' | 'expiryS'> : never;
/** A message without what the session fills in. */
export type Outgoing = Envelopeless<Exclude<Message, Manifest>> & { readonly expiryS?: bigint };

/** Remembers the limits in the newest manifest of each peer beyond a restart: a peer that knew us already does not send it again. */
export interface ManifestStore {
  load(peer: NodeId): Promise<readonly { type: number; payload: Uint8Array }[]>;
  save(peer: NodeId, type: number, payload: Uint8Array): Promise<void>;
}

export interface SessionOptions {
  readonly node: LightningNode;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: ManifestStore;
  /** Asked anew for each manifest that goes out. */
  readonly ourManifest: (version: Version, peer: NodeId) => Omit<Manifest, 'kind' | 'version' | 'protocolVersion'>;
  /** Peers with whom we have no session, whatever they send. Default: none. */
  readonly isDenied?: (peer: NodeId) => boolean;
}

/** How long our messages may be on their way; the specification allows 600 s. */
const ENVELOPE_LIFETIME_S = 300;
/** Custom messages to one peer that may be in flight at once, and that may wait: a peer that does not read stops nobody else. */
const SENDS_IN_FLIGHT = 16;
const SENDS_WAITING = 1_000;
/** How many messages of one peer may wait while its manifest is recalled. */
const MESSAGES_HELD = 1_000;
const REPLAY_LIMITS = { maxPerPeer: 20_000, maxTotal: 200_000 };

interface HeldMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

const newId = (): string => randomBytes(32).toString('hex');

/** The one LCP session of a node: manifests, decoding, replay window and send queue, for seller and buyer alike. */
export class Session {
  readonly #options: SessionOptions;
  readonly #roles = new Set<SessionRole>();
  readonly #manifests = new Map<NodeId, Map<Version, Manifest>>();
  readonly #online = new Set<NodeId>();
  /** Messages of peers whose manifests are being recalled. */
  readonly #held = new Map<NodeId, HeldMessage[]>();
  readonly #replay = new ReplayWindow(REPLAY_LIMITS);
  readonly #noise = new Noise();
  readonly #windows = new Map<NodeId, SendWindow>();
  readonly #memory = new SendMemory();
  readonly #handshake: Handshake;
  /** Our manifests under way: nothing else may reach a peer before them. */
  readonly #introductions = new Map<NodeId, Promise<unknown>>();
  #stopListening: () => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#handshake = new Handshake(options.clock, (peer) => this.#sendManifests(peer));
  }

  addRole(role: SessionRole): void {
    this.#roles.add(role);
  }

  /** Listens to the node; call before the node is started. */
  listen(): void {
    this.#stopListening = this.#options.node.listen({
      message: (peer, type, payload) => this.#receive(peer, type, payload),
      peerOnline: (peer) => void (this.#isDenied(peer) || this.#peerOnline(peer)),
      peerOffline: (peer) => this.#peerOffline(peer),
    });
  }

  close(): void {
    this.#stopListening();
    this.#handshake.close();
  }

  isOnline(peer: NodeId): boolean {
    return this.#online.has(peer);
  }

  onlinePeers(): NodeId[] {
    return [...this.#online];
  }

  /** The newest manifest that the peer sent in this version. */
  manifestOf(peer: NodeId, version: Version): Manifest | undefined {
    return this.#manifests.get(peer)?.get(version);
  }

  /**
   * Resolves when the node took the message; rejects with LightningError. Messages that must keep their order await each other. The message is
   * encoded before this returns: its bytes are the caller's again.
   */
  async send(peer: NodeId, message: Outgoing): Promise<void> {
    const expiryS = message.expiryS ?? BigInt(Math.floor(this.#options.clock.nowMs() / 1000) + ENVELOPE_LIFETIME_S);
    const msgId = message.kind === 'stream-chunk' ? chunkMsgId(message.streamId, message.seq) : newId();
    const whole = { ...message, protocolVersion: message.version, msgId, expiryS } as Message;
    const memory = message.kind === 'stream-chunk' ? this.#memory.take(message.data.length) : undefined;
    const { type, payload } = encodeMessage(whole, memory);
    const introduction = this.#introductions.get(peer);
    if (introduction !== undefined) await introduction;
    await this.#windowOf(peer).run(() => this.#options.node.sendMessage(peer, type, payload));
    if (memory !== undefined) this.#memory.giveBack(memory);
  }

  /** Sends our manifest anew to these, or to everybody, if on line: what we sell to them has changed. */
  announce(peers: Iterable<NodeId> = this.#online): void {
    for (const peer of peers) if (this.#online.has(peer)) this.#handshake.sendNow(peer);
  }

  #isDenied(peer: NodeId): boolean {
    return this.#options.isDenied?.(peer) === true;
  }

  #receive(peer: NodeId, type: number, payload: Uint8Array): void {
    const kind = kindOf(type)?.kind;
    if (kind === undefined || this.#isDenied(peer)) return;
    if (!this.#noise.isHeard(peer, kind, this.#options.clock.nowMs())) return;
    const held = this.#held.get(peer);
    if (held === undefined) this.#handle(peer, type, payload);
    else if (held.length < MESSAGES_HELD) held.push({ type, payload: payload.slice() });
  }

  #handle(peer: NodeId, type: number, payload: Uint8Array): void {
    const nowMs = this.#options.clock.nowMs();
    if (!this.#take(peer, type, payload, nowMs)) this.#noise.count(peer, kindOf(type)?.kind, nowMs);
  }

  /** False: it led to nothing, or may have (a manifest). */
  #take(peer: NodeId, type: number, payload: Uint8Array, nowMs: number): boolean {
    const message = decodeMessage(type, payload);
    if (message.kind === 'not-ours') return false;
    if (message.kind === 'undecodable') {
      this.#options.log.debug({ peer, type, reason: message.reason }, 'message ignored: undecodable');
      return false;
    }
    if (message.kind === 'manifest') {
      if (message.protocolVersion === message.version) this.#takeManifest(peer, message, type);
      return false;
    }
    // Only a request is answered when it names another version; anything else with one is noise.
    if (message.protocolVersion !== message.version && message.kind !== 'quote-request') return false;
    if (this.#replay.admit(peer, message, BigInt(Math.floor(nowMs / 1000))) !== 'fresh') return false;
    let isTaken = false;
    for (const role of this.#roles) isTaken = role.message(peer, message) || isTaken;
    return isTaken;
  }

  #takeManifest(peer: NodeId, manifest: Manifest, type: number): void {
    // Only the limits are saved: what a stranger sells is not worth a place in the ledger.
    const known = this.manifestOf(peer, manifest.version);
    const { payload } = encodeMessage({ ...manifest, tasks: [] });
    if (known === undefined || !Buffer.from(encodeMessage({ ...known, tasks: [] }).payload).equals(payload)) {
      this.#options.store.save(peer, type, payload).catch((error: unknown) => {
        this.#options.log.warn({ peer, reason: String(error) }, 'a manifest could not be kept');
      });
    }
    this.#remember(peer, manifest);
    this.#handshake.peerSpoke(peer);
    for (const role of this.#roles) role.manifest?.(peer, manifest);
  }

  #remember(peer: NodeId, manifest: Manifest): void {
    const known = this.#manifests.get(peer) ?? new Map<Version, Manifest>();
    this.#manifests.set(peer, known.set(manifest.version, manifest));
  }

  /** The peer's messages wait for the manifest that we may have of it. */
  async #peerOnline(peer: NodeId): Promise<void> {
    this.#online.add(peer);
    const held: HeldMessage[] = [];
    this.#held.set(peer, held);
    await this.#recall(peer);
    if (this.#held.get(peer) !== held) return; // it went off line meanwhile
    this.#held.delete(peer);
    this.#handshake.peerOnline(peer);
    for (const role of this.#roles) role.peerOnline?.(peer);
    for (const { type, payload } of held) this.#handle(peer, type, payload);
  }

  async #recall(peer: NodeId): Promise<void> {
    try {
      for (const { type, payload } of await this.#options.store.load(peer)) {
        const manifest = decodeMessage(type, payload);
        if (manifest.kind === 'manifest' && this.manifestOf(peer, manifest.version) === undefined)
          this.#remember(peer, manifest);
      }
    } catch (error) {
      this.#options.log.warn({ peer, reason: String(error) }, 'a manifest could not be recalled');
    }
  }

  #peerOffline(peer: NodeId): void {
    if (!this.#online.delete(peer)) return;
    this.#held.delete(peer);
    this.#manifests.delete(peer); // recalled from the store when it is back
    this.#windows.delete(peer);
    this.#handshake.peerOffline(peer);
    for (const role of this.#roles) role.peerOffline?.(peer);
  }

  #windowOf(peer: NodeId): SendWindow {
    const known = this.#windows.get(peer);
    if (known !== undefined) return known;
    const window = new SendWindow(SENDS_IN_FLIGHT, SENDS_WAITING);
    this.#windows.set(peer, window);
    return window;
  }

  #sendManifests(peer: NodeId): void {
    const sendings = ([2, 3] as const).map((version) => {
      const { type, payload } = encodeMessage({
        kind: 'manifest',
        version,
        protocolVersion: version,
        ...this.#options.ourManifest(version, peer),
      });
      return this.#windowOf(peer)
        .run(() => this.#options.node.sendMessage(peer, type, payload))
        .catch((error: unknown) => {
          this.#options.log.debug({ peer, reason: String(error) }, 'manifest not sent');
        });
    });
    const introduction = Promise.all(sendings).then(() => {
      if (this.#introductions.get(peer) === introduction) this.#introductions.delete(peer);
    });
    this.#introductions.set(peer, introduction);
  }
}
