import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { LightningError } from '../lightning.ts';
import type { NodeId } from '../lightning.ts';
import { msat } from '../../money/msat.ts';
import type { Msat } from '../../money/msat.ts';
import { hex, unhex } from './hex.ts';
import type { LdkNode } from './ldk-node.ts';
import { playFunding } from './play-chain.ts';

export interface EmbeddedChannel {
  readonly peer: NodeId;
  /** Open, and the peer is on line. */
  readonly usable: boolean;
  readonly outboundMsat: Msat;
  readonly inboundMsat: Msat;
}

interface Opening {
  readonly peer: NodeId;
  readonly resolve: () => void;
  readonly reject: (error: LightningError) => void;
  readonly timer: NodeJS.Timeout;
}

const OPEN_MS = 30_000;

/** Play-money channels: zero-conf, funded by transactions that do not exist, accepted from anyone. */
export class Channels {
  readonly #ldk: LdkNode;
  readonly #warn: (message: string) => void;
  readonly #opening = new Map<bigint, Opening>();

  constructor(node: LdkNode, warn: (message: string) => void) {
    this.#ldk = node;
    this.#warn = warn;
  }

  list(): EmbeddedChannel[] {
    return this.#ldk.manager.list_channels().map((channel) => ({
      peer: hex(channel.get_counterparty().get_node_id()),
      usable: Boolean(channel.get_is_usable()), // the bindings hand out 0 and 1
      outboundMsat: msat(channel.get_outbound_capacity_msat()),
      inboundMsat: msat(channel.get_inbound_capacity_msat()),
    }));
  }

  usablePeers(): Set<NodeId> {
    const usable = this.#ldk.manager.list_usable_channels();
    return new Set(usable.map((channel) => hex(channel.get_counterparty().get_node_id())));
  }

  open(peer: NodeId, capacitySat: bigint, pushMsat: Msat): Promise<void> {
    const id = newChannelId();
    const made = this.#ldk.manager.create_channel(unhex(peer), capacitySat, pushMsat, id, null, null);
    if (made instanceof ldk.Result_ChannelIdAPIErrorZ_Err) {
      throw new LightningError('refused', `LDK opens no such channel: ${reasonOf(made.err)}`);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#opening.delete(id);
        reject(new LightningError('unavailable', `the channel was not usable within ${OPEN_MS} ms`));
      }, OPEN_MS);
      this.#opening.set(id, { peer, resolve, reject, timer });
    });
  }

  onFundingGenerationReady(event: ldk.Event_FundingGenerationReady): void {
    const funding = playFunding(event.output_script, event.channel_value_satoshis);
    const { temporary_channel_id: id, counterparty_node_id: peer } = event;
    this.#ldk.manager.funding_transaction_generated(id, peer, funding);
  }

  onOpenChannelRequest(event: ldk.Event_OpenChannelRequest): void {
    const { temporary_channel_id: id, counterparty_node_id: peer } = event;
    const accepted = this.#ldk.manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, 0n);
    if (!accepted.is_ok()) this.#warn(`a channel from ${hex(peer)} could not be accepted`);
  }

  onClosed(event: ldk.Event_ChannelClosed): void {
    const reason = event.reason.constructor.name.replace('ClosureReason_', '');
    this.#warn(`a channel has been closed: ${reason}`);
    const opening = this.#opening.get(event.user_channel_id);
    if (opening === undefined) return;
    this.#end(event.user_channel_id, opening);
    opening.reject(new LightningError('refused', `the channel was not opened: ${reason}`));
  }

  /** After a commit: answers those whose channel can be used now. */
  settle(): void {
    if (this.#opening.size === 0) return;
    const usable = new Set(this.#ldk.manager.list_usable_channels().map((channel) => channel.get_user_channel_id()));
    for (const [id, opening] of this.#opening) {
      if (!usable.has(id)) continue;
      this.#end(id, opening);
      opening.resolve();
    }
  }

  close(error: LightningError): void {
    for (const [id, opening] of this.#opening) {
      this.#end(id, opening);
      opening.reject(error);
    }
  }

  #end(id: bigint, { timer }: Opening): void {
    clearTimeout(timer);
    this.#opening.delete(id);
  }
}

/**
 * The same read forwards and backwards: the bindings write 128-bit numbers in one byte order and read them in the other.
 * Below 2^124, which they take for the limit.
 */
function newChannelId(): bigint {
  const half = randomBytes(8);
  half[0]! &= 0x0f;
  return BigInt(`0x${hex(Buffer.concat([half, Buffer.from(half).reverse()]))}`);
}

const reasonOf = (error: ldk.APIError): string =>
  'err' in error && typeof error.err === 'string' ? error.err : error.constructor.name.replace('APIError_', '');
