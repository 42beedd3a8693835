const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;

/** What an SSE stream says, told while it arrives. Ranges are of the bytes that are being pushed. */
export interface SseListener {
  /** A piece of a data field; the fields of one event may come in many pieces. */
  data(bytes: Uint8Array, from: number, to: number): void;
  /** A line ended just before `at`; `isComment`: it said nothing. */
  line(at: number, isComment: boolean): void;
  /** An event ended with the blank line just before `at`. */
  event(at: number): void;
  /** The line feed at `at` is the second half of the line ending that ended the line, and maybe the event, before it. */
  lineFeed(at: number): void;
}

type Place = 'line-start' | 'field' | 'data-start' | 'data' | 'comment' | 'other';

/**
 * Reads an SSE stream (WHATWG HTML §9.2.6) byte by byte: lines end with CRLF, LF or CR, wherever the network cut. It holds nothing back; the
 * listener does.
 */
export class SseReader {
  #place: Place = 'line-start';
  #field = '';
  #sawCr = false;

  /** Nothing of a line, or of its ending, has been seen yet. */
  get isAtLineStart(): boolean {
    return this.#place === 'line-start' && !this.#sawCr;
  }

  /** Reads from `from` to the end of an event, or of the bytes; gives where it stopped. */
  push(bytes: Uint8Array, from: number, listener: SseListener): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === LF && this.#sawCr) {
        this.#sawCr = false;
        listener.lineFeed(at);
        continue;
      }
      this.#sawCr = byte === CR;
      if (byte === LF || byte === CR) {
        if (this.#endLine(at + 1, listener)) return at + 1;
      } else at = this.#inLine(bytes, at, byte, listener);
    }
    return bytes.length;
  }

  #endLine(at: number, listener: SseListener): boolean {
    const place = this.#place;
    this.#place = 'line-start';
    if (place === 'line-start') {
      listener.event(at);
      return true;
    }
    listener.line(at, place === 'comment');
    return false;
  }

  /** Gives the last byte that it took. */
  #inLine(bytes: Uint8Array, at: number, byte: number, listener: SseListener): number {
    switch (this.#place) {
      case 'line-start':
        this.#field = '';
        this.#place = byte === COLON ? 'comment' : 'field';
        if (byte !== COLON) this.#field = String.fromCharCode(byte);
        return at;
      case 'field':
        if (byte === COLON) this.#place = this.#field === 'data' ? 'data-start' : 'other';
        else if (this.#field.length <= 'data'.length) this.#field += String.fromCharCode(byte);
        return at;
      case 'data-start':
        this.#place = 'data';
        if (byte === SPACE) return at;
        break;
      default:
    }
    let end = at;
    while (end < bytes.length && bytes[end] !== LF && bytes[end] !== CR) end++;
    if (this.#place === 'data') listener.data(bytes, at, end);
    return end - 1;
  }
}
