import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createGateway } from '../buyer/gateway.ts';
import type { Sale } from '../buyer/gateway.ts';
import { DEFAULT_MAX_FEE_MSAT, Requester } from '../buyer/requester.ts';
import { systemClock } from '../clock/clock.ts';
import type { LightningNode, NodeId } from '../lightning/lightning.ts';
import type { Msat } from '../money/msat.ts';
import type { Manifest, Version } from '../protocol/messages.ts';
import { Session } from '../session/session.ts';
import type { ManifestStore } from '../session/session.ts';

export interface BuyerOptions {
  readonly node: LightningNode;
  readonly log: Logger;
  readonly quoteTimeoutMs?: number;
  /** As of the requester. */
  readonly patienceMs?: number;
  readonly maxAnswerBytes?: number;
}

export interface GatewaySettings {
  readonly provider: NodeId;
  readonly version: Version;
  readonly maxPriceMsat: Msat;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly onSale?: (sale: Sale) => void;
}

export interface BuyerNode {
  readonly session: Session;
  readonly requester: Requester;
  /** Resolves when this peer's manifest is here. */
  whenProvider(peer: NodeId, version: Version): Promise<Manifest>;
  /** Serves the OpenAI API; resolves with its base URL. Whoever reaches it spends this node's money. */
  openGateway(settings: GatewaySettings): Promise<string>;
  close(): Promise<void>;
}

const MEGABYTE = 1024 * 1024;
const MAX_REQUEST_BYTES = 16 * MEGABYTE;

/** A buyer keeps no manifests over a restart: providers send theirs again. */
const noStore: ManifestStore = { load: () => Promise.resolve([]), save: () => Promise.resolve() };

/** Puts a buyer together and starts it on a node that is open; the node stays the caller's. */
export async function startBuyer({
  node,
  log,
  quoteTimeoutMs = 30_000,
  patienceMs,
  maxAnswerBytes = 64 * MEGABYTE,
}: BuyerOptions): Promise<BuyerNode> {
  const clock = systemClock;
  const session = new Session({
    node,
    clock,
    log,
    store: noStore,
    ourManifest: () => ({
      maxPayloadBytes: node.maxMessageBytes,
      maxStreamBytes: BigInt(maxAnswerBytes),
      maxJobBytes: BigInt(maxAnswerBytes + MAX_REQUEST_BYTES),
      tasks: [],
    }),
  });
  const requester = new Requester({
    session,
    node,
    clock,
    log,
    maxAnswerBytes,
    maxFeeMsat: DEFAULT_MAX_FEE_MSAT,
    quoteTimeoutMs,
    patienceMs,
    payTimeoutMs: 60_000,
  });
  const waiting = new Set<(peer: NodeId, manifest: Manifest) => void>();
  session.addRole(requester);
  session.addRole({
    message: () => false,
    manifest: (peer, manifest) => waiting.forEach((tell) => tell(peer, manifest)),
  });
  session.listen();
  await node.start(0n);
  const gateways = new Set<ReturnType<typeof createGateway>>();
  return {
    session,
    requester,
    whenProvider: (provider, version) => {
      const known = session.manifestOf(provider, version);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => {
        const tell = (peer: NodeId, manifest: Manifest) => {
          if (peer !== provider || manifest.version !== version) return;
          waiting.delete(tell);
          resolve(manifest);
        };
        waiting.add(tell);
      });
    },
    openGateway: async ({ host, port, ...settings }) => {
      const gateway = createGateway({ ...settings, requester, session, log, maxBodyBytes: MAX_REQUEST_BYTES });
      gateways.add(gateway);
      await gateway.listen({ host, port });
      return `http://${host}:${(gateway.server.address() as AddressInfo).port}/v1`;
    },
    close: async () => {
      for (const gateway of gateways) await gateway.close();
      session.close();
    },
  };
}
