/**
 * One end of the channel between primary and serving process. It never waits for the other end: a few messages are kept
 * for one that reads nothing, and further ones are refused.
 */

/** As much as it needs of a child, or of the process itself. */
export interface Port {
  send?: unknown;
  on(event: "message", take: (message: unknown, handle: unknown) => void): unknown;
}

type Send = (
  message: object,
  handle: object | undefined,
  options: { keepOpen: boolean },
  done: (error: Error | null) => void,
) => boolean;

export interface ChannelOptions<In> {
  /** Checks a message; throws for what is none. */
  readonly read: (message: unknown) => In;
  /** @param handle - A socket that came with it. */
  readonly take: (message: In, handle: unknown) => void;
  readonly onBad: (error: Error) => void;
}

/** Messages that the system hasn't taken yet. */
export const unsentMax = 32;

export class Channel<In, Out extends object> {
  readonly #port: Port;
  #unsent = 0;

  constructor(port: Port, { read, take, onBad }: ChannelOptions<In>) {
    this.#port = port;
    port.on("message", (raw, handle) => {
      let message: In;
      try {
        message = read(raw);
      } catch (error) {
        onBad(error as Error);
        return;
      }
      take(message, handle);
    });
  }

  /**
   * @param handle - A socket that goes with it; it stays open here.
   * @param done - Called once the system has taken the message, or it is clear that it never will.
   * @returns Whether the message is on its way.
   */
  send(message: Out, handle?: object, done: () => void = () => {}): boolean {
    if (this.#unsent >= unsentMax) {
      done();
      return false;
    }
    this.#unsent++;
    // With a callback, an end that is gone is no throw.
    (this.#port.send as Send).call(this.#port, message, handle, { keepOpen: true }, () => {
      this.#unsent--;
      done();
    });
    return true;
  }
}
