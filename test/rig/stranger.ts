import { openEmbeddedNode } from '../../src/lightning/embedded/embedded-node.ts';
import { removeDirectory, temporaryDirectory } from './guard.ts';
import type { Rig } from './rig.ts';
import { WireBuyer } from './wire-buyer.ts';

/** A buyer without a channel: LDK in this process, connected to the seller's lnd. What it is asked to pay, `payer` pays for it. */
export class Stranger implements AsyncDisposable {
  readonly wire: WireBuyer;
  readonly #directory: string;

  private constructor(wire: WireBuyer, directory: string) {
    this.wire = wire;
    this.#directory = directory;
  }

  static async start(rig: Rig, payer: WireBuyer, port = rig.seller.p2pPort): Promise<Stranger> {
    const directory = temporaryDirectory('lcp-stranger-');
    const node = await openEmbeddedNode({ directory });
    const wire = await WireBuyer.on(node, rig.seller.nodeId, payer.node);
    await node.connectPeer(rig.seller.nodeId, `127.0.0.1:${port}`);
    return new Stranger(wire, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wire[Symbol.asyncDispose]();
    removeDirectory(this.#directory);
  }
}
