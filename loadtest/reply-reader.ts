/**
 * Reads the replies of one kept-alive connection, with as little work for a reply as there can be: its status, its
 * length and Retry-After are read, and the body is counted. The reader itself holds the reply; no object is made for it.
 */

/** The bytes on the connection are not a reply this reader understands. */
export class ReplyError extends Error {}

const headBytesMax = 65_536;

export class ReplyReader {
  /** Status of the reply that was read last. */
  status = 0;
  /** Seconds; -1 where the reply has none. Not looked for in a 200, which is read in less time without the search. */
  retryAfterS = -1;
  /** The server closes the connection after this reply. */
  closes = false;
  /** Bytes of a head that hasn't ended yet. */
  #head = "";
  /** -1 while a head is read. */
  #bodyBytesLeft = -1;

  /**
   * Takes the next bytes: the first `byteCount` of `bytes`.
   *
   * @returns Whether the reply ends with them.
   * @throws ReplyError on anything but an HTTP/1.1 reply with Content-Length, and on bytes after its end: there's one
   *   request at a time.
   */
  push(bytes: Buffer, byteCount = bytes.length): boolean {
    let bodyBytes = byteCount;
    if (this.#bodyBytesLeft < 0) {
      const text = this.#head + bytes.toString("latin1", 0, byteCount);
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) {
        if (text.length > headBytesMax) throw new ReplyError("reply head too long");
        this.#head = text;
        return false;
      }
      this.#head = "";
      this.#readHead(text.slice(0, end + 2));
      bodyBytes = text.length - end - 4;
    }
    this.#bodyBytesLeft -= bodyBytes;
    if (this.#bodyBytesLeft < 0) throw new ReplyError("bytes after the end of the reply");
    if (this.#bodyBytesLeft > 0) return false;
    this.#bodyBytesLeft = -1;
    return true;
  }

  /** @param head - With the line end of its last header. */
  #readHead(head: string): void {
    this.status = Number(head.slice(9, 12));
    if (!head.startsWith("HTTP/1.1 ") || !(this.status >= 100)) throw new ReplyError("not an HTTP/1.1 reply");
    const length = numberAfter(head, "\r\ncontent-length:", "\r\nContent-Length:");
    if (!(length >= 0)) throw new ReplyError("reply without Content-Length");
    this.#bodyBytesLeft = length;
    const retryAfterS = this.status === 200 ? -1 : numberAfter(head, "\r\nretry-after:", "\r\nRetry-After:");
    this.retryAfterS = Math.min(32_767, retryAfterS);
    this.closes = head.includes("onnection: close");
  }
}

/** Servers write a header in lower case or with capitals; a search for both is faster than one that ignores case. */
function numberAfter(head: string, lower: string, capital: string): number {
  let at = head.indexOf(lower);
  if (at < 0) at = head.indexOf(capital);
  if (at < 0) return -1;
  return Number.parseInt(head.slice(at + lower.length, at + lower.length + 16), 10);
}
