import { chunkMsgId, decodeMessage, encodeMessage } from '../../src/protocol/codec.ts';
import type { Message, Quote, Result, Version } from '../../src/protocol/messages.ts';
import { Link } from './link.ts';
import type { End } from './link.ts';
import { describe, orderMessages } from './order.ts';
import type { Draft } from './order.ts';
import { drawPlan, Sale } from './sale.ts';
import type { SimAccount } from './sim-account.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

const PATIENCE_MS = { least: 15_000, most: 120_000 };
const MOST_ASKS = 5;

/** A buyer with many wishes: asks, pays or not, cancels, comes and goes, and asks again where it hears nothing. */
export class SimBuyer implements End {
  readonly name: string;
  readonly link: Link;
  /** Went away for good. */
  isGone = false;
  readonly #id: string;
  readonly #version: Version;
  readonly #world: World;
  readonly #account: SimAccount;
  readonly #witness: Witness;
  readonly #isLimited: boolean;
  readonly #sales: Sale[] = [];
  /** While it lasts, the world is at peace: who paid asks until it has what it paid for. */
  #isPatient = false;

  constructor(number: number, parts: { world: World; account: SimAccount; witness: Witness }) {
    const { world, account, witness } = parts;
    this.name = `b${number}`;
    this.#id = `03${number.toString(16).padStart(64, '0')}`;
    this.#version = world.random.chance(0.5) ? 2 : 3;
    this.#isLimited = world.random.chance(0.08);
    this.#world = world;
    this.#account = account;
    this.#witness = witness;
    this.link = new Link(world, account, this.#id, this);
    account.links.set(this.#id, this.link);
  }

  /** Begins a sale, with a plan of its own. */
  order(): void {
    const { random } = this.#world;
    const sale = new Sale({
      label: `${this.name}j${this.#sales.length + 1}`,
      jobId: random.hex32(),
      peer: this.#id,
      version: this.#version,
      plan: drawPlan(random),
      isLimited: this.#isLimited,
    });
    this.#sales.push(sale);
    this.#witness.add(sale);
    this.#world.count('jobs');
    this.#ask(sale);
    this.#askUntilAnswered(sale, 1);
    if (sale.plan.cancels === 'before the quote') this.#world.soon(150, () => this.#cancel(sale));
  }

  /** The world is at peace now: whoever paid gets what it paid for. */
  makePeace(): void {
    this.#isPatient = true;
    if (this.isGone) return;
    this.link.connect();
    this.link.resume();
    for (const sale of this.#sales) this.#askUntilAnswered(sale, 1);
  }

  /** For ever. */
  vanish(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#world.say(this.name, 'goes away for good');
    this.link.disconnect();
  }

  /** Its program starts anew: it remembers its orders, not the messages. */
  restart(): void {
    this.#world.say(this.name, 'restarts');
    this.#sendManifest();
    for (const sale of this.#sales) if (!this.#isServed(sale) && this.#world.random.chance(0.7)) this.#ask(sale);
  }

  peerTurned(_seller: string, isOnline: boolean): void {
    this.#world.say(this.name, isOnline ? 'is connected' : 'is cut off');
    if (!isOnline) return;
    this.#world.soon(1_000, () => this.#sendManifest());
    for (const sale of this.#sales)
      if (!this.#isServed(sale) && this.#world.random.chance(0.3)) this.#world.soon(5_000, () => this.#ask(sale));
  }

  arrived(_seller: string, type: number, payload: Uint8Array): void {
    const message = decodeMessage(type, payload);
    if (message.kind === 'undecodable' || message.kind === 'not-ours')
      return this.#world.violate('the seller speaks the protocol', message.kind);
    if (message.kind === 'manifest' || message.version !== this.#version) return;
    const sale = this.#sales.find(({ jobId }) => jobId === message.jobId);
    if (sale === undefined) return;
    this.#witness.heard(sale, message);
    if (message.kind !== 'stream-chunk') this.#world.say(this.name, `${sale.label} hears ${describe(message)}`);
    if (message.kind === 'quote') this.#quoted(sale, message);
    if (message.kind === 'result') this.#ended(sale, message);
    if (message.kind === 'stream-chunk' && sale.plan.vanishes) this.vanish();
  }

  #sendManifest(): void {
    this.#send({
      kind: 'manifest',
      maxPayloadBytes: 16_384,
      maxStreamBytes: this.#isLimited ? 2_000n : 10_000_000n,
      maxJobBytes: 20_000_000n,
      tasks: [],
    });
  }

  #askUntilAnswered(sale: Sale, count: number): void {
    const { random } = this.#world;
    this.#world.after(random.between(PATIENCE_MS.least, PATIENCE_MS.most), () => {
      if (this.isGone || this.#isServed(sale) || (sale.errors > 0 && !sale.hasPaid)) return;
      if (this.#isPatient ? !sale.hasPaid : count > MOST_ASKS) return;
      this.#ask(sale);
      this.#askUntilAnswered(sale, count + 1);
    });
  }

  #isServed(sale: Sale): boolean {
    const last = sale.results.at(-1);
    if (last === undefined) return false;
    return (
      last.status !== 'ok' || last.stream === undefined || sale.received().length >= Number(last.stream.totalBytes)
    );
  }

  /** The request and its input, message by message. */
  #ask(sale: Sale): void {
    if (sale.hasCancelled && !sale.hasPaid) return; // it does not want it any more
    const { random } = this.#world;
    let atMs = 0;
    for (const message of orderMessages(sale, random))
      this.#world.after((atMs += random.between(0, 20)), () => this.#send(message));
    sale.hasAsked = true;
  }

  #quoted(sale: Sale, quote: Quote): void {
    const { random } = this.#world;
    const { plan } = sale;
    if (sale.quotes.length > 1) return;
    if (plan.cancels === 'when quoted') this.#world.soon(20_000, () => this.#cancel(sale));
    if (plan.pays === 'never') return;
    const afterMs = plan.pays === 'late' ? random.between(270_000, 330_000) : random.spread(50, 60_000);
    this.#world.after(afterMs, () => this.#pay(sale, quote));
  }

  /** Once: a wallet knows what it paid. */
  #pay(sale: Sale, quote: Quote): void {
    const { random } = this.#world;
    const { plan } = sale;
    const amountMsat = plan.overpays ? 2n * quote.priceMsat : quote.priceMsat;
    this.#world.say(this.name, `${sale.label} pays ${amountMsat} msat`);
    const flightMs = random.chance(0.05) ? random.spread(1_000, 200_000) : random.spread(20, 3_000);
    if (plan.cancels === 'while paying') this.#world.soon(2 * flightMs, () => this.#cancel(sale));
    if (plan.cancels === 'while it runs')
      this.#world.after(flightMs + random.spread(10, 60_000), () => this.#cancel(sale));
    const heard = (preimage: string | undefined): void =>
      this.#world.soon(2_000, () => {
        this.#world.say(this.name, `${sale.label} ${preimage === undefined ? 'has its payment back' : 'has paid'}`);
        sale.hasPaid ||= preimage !== undefined;
        if (sale.hasPaid && this.#isPatient) this.#askUntilAnswered(sale, 1);
      });
    const paymentHash = quote.paymentRequest.replace('lnsim1', '');
    this.#world.after(flightMs, () => this.#account.receive(paymentHash, amountMsat, heard));
  }

  #ended(sale: Sale, result: Result): void {
    const { plan } = sale;
    if (plan.cancels === 'when it is over') this.#world.soon(5_000, () => this.#cancel(sale));
    if (plan.asksAgain && result.status === 'ok' && sale.results.length === 1)
      this.#world.soon(600_000, () => this.#ask(sale));
  }

  #cancel(sale: Sale): void {
    sale.hasCancelled = true;
    this.#world.say(this.name, `${sale.label} cancels`);
    this.#send({ kind: 'cancel', jobId: sale.jobId });
  }

  /** What nobody is connected to hear is lost. */
  #send(message: Draft): void {
    if (!this.link.isUp) return;
    const version = this.#version;
    const expiryS = BigInt(Math.floor(this.#world.nowMs / 1000) + 300);
    const isChunk = message.kind === 'stream-chunk';
    const msgId = isChunk
      ? chunkMsgId(String(message['streamId']), Number(message['seq']))
      : this.#world.random.hex32();
    const envelope = message.kind === 'manifest' ? {} : { msgId, expiryS };
    const whole = { version, protocolVersion: version, ...envelope, ...message } as unknown as Message;
    const { type, payload } = encodeMessage(whole);
    this.link.toSeller(type, payload);
  }
}
