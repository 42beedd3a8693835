import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import * as ldk from 'lightningdevkit';
import { Backlog } from './backlog.ts';
import { unhex } from './hex.ts';
import type { NodeId } from '../lightning.ts';

/** Bytes that may wait for one peer, in the kept-back output and in Node's socket buffer together. */
const HIGH_WATER_BYTES = 1 << 20;
/** What LDK is given at once: 4 KiB are 113 messages at the most. */
const SLICE_BYTES = 4096;
/** When reading stops for this turn of the event loop: a peer that floods us must not hold up timers, other peers and backends. */
const MESSAGES_PER_TURN = 128;
const READING_MS = 8;
const CONNECT_MS = 10_000;
const CLOSE_MS = 1000;

interface Connection {
  readonly socket: Socket;
  descriptor: ldk.SocketDescriptor;
  /** Output of LDK that waits for the transaction which caused it. */
  kept: Uint8Array[];
  keptBytes: number;
  /** LDK has more than we took: it must be told when there is room again. */
  starved: boolean;
  readonly unread: Backlog;
  /** LDK wants no more input until it has got rid of output. */
  isFull: boolean;
  /** LDK knows that the connection is over, or has asked for its end. */
  over: boolean;
}

const takesMore = ({ unread, isFull, over }: Connection): boolean => !unread.isEmpty && !isFull && !over;

/** What the sockets need of the node. `enter` runs a call into LDK, and fails the node when it throws. */
export interface SocketHost {
  readonly peerManager: () => ldk.PeerManager;
  enter(call: () => void): void;
  schedule(): void;
}

/** BOLT 8 connections over `node:net`. LDK does the handshake and the encryption; bytes leave in `flush` only, which follows a commit. */
export class Sockets {
  readonly #host: SocketHost;
  readonly #connections = new Set<Connection>();
  readonly #online = new Map<NodeId, Connection>();
  #server: Server | undefined;
  #reading: Connection | undefined;
  /** Connections with input that LDK takes, the one that has waited longest first. */
  readonly #waiting = new Set<Connection>();
  #messages = 0;
  #serial = 0n;

  constructor(host: SocketHost) {
    this.#host = host;
  }

  /** Listens; resolves with `host:port`. */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#attach(socket));
      this.#server = server;
      server.once('error', reject);
      server.listen(port, host, () => {
        const { address, port: bound, family } = server.address() as AddressInfo;
        resolve(family === 'IPv6' ? `[${address}]:${bound}` : `${address}:${bound}`);
      });
    });
  }

  /** Dials a peer. `ended` is called once, when the connection is over or was never made. */
  dial(peer: NodeId, host: string, port: number, ended: (reason: string) => void): void {
    const socket = connect({ host, port });
    let reason = 'the peer closed the connection, or is not the node that was expected';
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('no answer')));
    socket.once('error', (error) => (reason = error.message));
    socket.once('close', () => ended(reason));
    socket.once('connect', () => {
      socket.setTimeout(0);
      this.#attach(socket, peer);
    });
  }

  /** LDK has taken a peer's `init`: the connection being read is that peer's. */
  nameReading(peer: NodeId): void {
    if (this.#reading !== undefined) this.#online.set(peer, this.#reading);
  }

  forget(peer: NodeId): void {
    this.#online.delete(peer);
  }

  /** Hands LDK what has arrived, a slice of each connection in turn, for as long as one turn may take; true if some is left. */
  read(): boolean {
    const untilMs = performance.now() + READING_MS;
    this.#messages = 0;
    for (const connection of this.#waiting) {
      this.#waiting.delete(connection);
      if (!connection.over) this.#readSlice(connection);
      // What is added here, the loop comes to again.
      if (takesMore(connection)) this.#waiting.add(connection);
      else if (connection.socket.closed) this.#lost(connection);
      if (this.#messages >= MESSAGES_PER_TURN || performance.now() >= untilMs) break;
    }
    return this.#waiting.size > 0;
  }

  /** A message has been read. */
  count(): void {
    this.#messages++;
  }

  /** Bytes that a peer's socket still takes below the high-water mark. */
  room(peer: NodeId): number {
    const connection = this.#online.get(peer);
    if (connection === undefined || connection.over) return 0;
    return HIGH_WATER_BYTES - connection.keptBytes - connection.socket.writableLength;
  }

  /** Lets the kept-back bytes go; true if there were any. */
  flush(): boolean {
    let any = false;
    for (const connection of this.#connections) {
      const { socket, kept } = connection;
      if (kept.length > 0) {
        any = true;
        connection.kept = [];
        connection.keptBytes = 0;
        socket.cork();
        if (!socket.destroyed) for (const bytes of kept) socket.write(bytes);
        socket.uncork();
      }
      if (connection.over) socket.destroySoon();
      else if (connection.starved && socket.writableLength < HIGH_WATER_BYTES / 2) this.#feed(connection);
    }
    return any;
  }

  /** Ends everything at once; bytes that are still kept back are lost, as in a crash. */
  abort(): void {
    this.#server?.close();
    for (const { socket } of this.#connections) socket.destroy();
  }

  /** Ends everything after the bytes that have been let go. */
  async close(): Promise<void> {
    this.#server?.close();
    const ended = [...this.#connections].map(({ socket }) => {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.setTimeout(CLOSE_MS, () => socket.destroy());
      socket.destroySoon();
      return closed;
    });
    await Promise.all(ended);
  }

  #attach(socket: Socket, peer?: NodeId): void {
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // 'close' follows
    this.#host.enter(() => {
      const connection = this.#describe(socket);
      const manager = this.#host.peerManager();
      const unknown = ldk.Option_SocketAddressZ.constructor_none();
      if (peer === undefined) {
        connection.over = !manager.new_inbound_connection(connection.descriptor, unknown).is_ok();
      } else {
        const made = manager.new_outbound_connection(unhex(peer), connection.descriptor, unknown);
        if (made instanceof ldk.Result_CVec_u8ZPeerHandleErrorZ_OK) this.#keep(connection, made.res);
        else connection.over = true;
      }
      socket.on('data', (bytes) => this.#take(connection, bytes));
      socket.on('drain', () => {
        if (connection.starved) this.#host.enter(() => this.#feed(connection));
        this.#host.schedule();
      });
      socket.once('close', () => {
        if (!this.#waiting.has(connection)) this.#host.enter(() => this.#lost(connection));
        this.#host.schedule();
      });
      this.#host.schedule();
    });
  }

  #describe(socket: Socket): Connection {
    const id = (this.#serial += 1n);
    const connection = {
      socket,
      kept: [],
      keptBytes: 0,
      starved: false,
      unread: new Backlog(socket),
      isFull: false,
      over: false,
    } as unknown as Connection;
    connection.descriptor = ldk.SocketDescriptor.new_impl({
      send_data: (bytes, resumeReading) => {
        if (resumeReading) {
          connection.isFull = false;
          this.#wait(connection);
        }
        if (bytes.length === 0 || connection.over) return 0;
        if (connection.keptBytes + socket.writableLength >= HIGH_WATER_BYTES) {
          connection.starved = true;
          return 0;
        }
        this.#keep(connection, bytes);
        this.#host.schedule();
        return bytes.length;
      },
      disconnect_socket: () => {
        connection.over = true; // its last bytes, an error message perhaps, leave with the next flush
        this.#host.schedule();
      },
      eq: (other) => other.hash() === id,
      hash: () => id,
    });
    this.#connections.add(connection); // the bindings hold descriptors weakly
    return connection;
  }

  #keep(connection: Connection, bytes: Uint8Array): void {
    connection.kept.push(bytes);
    connection.keptBytes += bytes.length;
  }

  #take(connection: Connection, bytes: Uint8Array): void {
    connection.unread.push(bytes);
    this.#wait(connection);
  }

  #wait(connection: Connection): void {
    if (!takesMore(connection)) return;
    this.#waiting.add(connection);
    this.#host.schedule();
  }

  #readSlice(connection: Connection): void {
    this.#reading = connection;
    const read = this.#host.peerManager().read_event(connection.descriptor, connection.unread.take(SLICE_BYTES));
    this.#reading = undefined;
    if (!(read instanceof ldk.Result_boolPeerHandleErrorZ_OK)) connection.over = true;
    else if (read.res) connection.isFull = true;
  }

  /** The socket is closed, and its input has been read as far as LDK takes it. */
  #lost(connection: Connection): void {
    this.#connections.delete(connection);
    if (!connection.over) this.#host.peerManager().socket_disconnected(connection.descriptor);
    connection.over = true;
  }

  #feed(connection: Connection): void {
    connection.starved = false;
    if (!this.#host.peerManager().write_buffer_space_avail(connection.descriptor).is_ok()) connection.over = true;
    this.#host.schedule();
  }
}
