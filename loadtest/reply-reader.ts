/**
 * Reads the replies of one kept-alive connection: status line, headers, then as many body bytes as Content-Length says,
 * which are counted and dropped. That is all the load generators need, and it costs a few microseconds a reply.
 */

export interface ReplyHead {
  readonly status: number;
  /** The server closes the connection after this reply. */
  readonly close: boolean;
}

/** The bytes on the connection are not a reply this reader understands. */
export class ReplyError extends Error {}

const headBytesMax = 65_536;
const headEnd = Buffer.from("\r\n\r\n");

export class ReplyReader {
  #head: Buffer | undefined; // bytes of a head that hasn't ended yet
  #reply: ReplyHead | undefined; // whose body is being read
  #bodyBytesLeft = 0;

  /**
   * Takes the next bytes.
   *
   * @returns The reply that ends with these bytes, if one does.
   * @throws ReplyError on anything but an HTTP/1.1 reply with Content-Length, and on bytes after its end: there's one
   *   request at a time.
   */
  push(chunk: Buffer): ReplyHead | undefined {
    if (this.#reply === undefined) return this.#pushHead(chunk);
    return this.#pushBody(chunk.length);
  }

  #pushHead(chunk: Buffer): ReplyHead | undefined {
    const bytes = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      if (bytes.length > headBytesMax) throw new ReplyError("reply head too long");
      this.#head = bytes;
      return undefined;
    }
    this.#head = undefined;
    const head = bytes.toString("latin1", 0, end).toLowerCase();
    const status = /^http\/1\.1 (\d{3})(?: |\r\n|$)/.exec(head)?.[1];
    if (status === undefined) throw new ReplyError("not an HTTP/1.1 reply");
    const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|$)/.exec(head)?.[1];
    if (length === undefined) throw new ReplyError("reply without Content-Length");
    this.#reply = { status: Number(status), close: /\r\nconnection:[ \t]*close[ \t]*(?:\r\n|$)/.test(head) };
    this.#bodyBytesLeft = Number(length);
    return this.#pushBody(bytes.length - end - headEnd.length);
  }

  #pushBody(byteCount: number): ReplyHead | undefined {
    this.#bodyBytesLeft -= byteCount;
    if (this.#bodyBytesLeft < 0) throw new ReplyError("bytes after the end of the reply");
    if (this.#bodyBytesLeft > 0) return undefined;
    const reply = this.#reply;
    this.#reply = undefined;
    return reply;
  }
}
