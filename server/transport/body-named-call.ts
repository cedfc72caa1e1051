/** A prediction over HTTP whose body names the model: it is read before it is known whom it asks. */

import type { Buffer } from "node:buffer";
import { ServeError } from "../errors.js";
import { boundName } from "./address.js";
import { codingOf } from "./content-coding.js";
import type { BodyReceiver } from "./http/body-receiver.js";
import type { Exchange } from "./http/transport.js";
import { type CallNeeds, HttpCall } from "./http-call.js";
import type { PredictAddress } from "./router.js";

export class BodyNamedCall implements BodyReceiver {
  readonly #exchange: Exchange;
  readonly #needs: CallNeeds;
  readonly #address: PredictAddress;
  readonly #arrivedMs: number;
  /** Of no model until the body is there. */
  #call: HttpCall;

  constructor(exchange: Exchange, needs: CallNeeds, address: PredictAddress) {
    this.#exchange = exchange;
    this.#needs = needs;
    this.#address = address;
    this.#arrivedMs = needs.now();
    this.#call = new HttpCall(exchange, needs, address, this.#arrivedMs);
  }

  /** @param bytesMax - Of any model's body. */
  receive(bytesMax: number): void {
    const coding = codingOf(this.#exchange.contentEncoding);
    // An encoding that nobody knows is refused by the call, whatever the body is.
    if (coding === undefined) this.#call.receive();
    else
      this.#exchange.readBody(
        bytesMax,
        coding === "identity" ? this : this.#needs.coder.receiver(coding, bytesMax, this),
      );
  }

  onBody(body: Buffer, lasts: boolean): void {
    let names: { name: string; version: string };
    try {
      names = this.#address.namesIn!(body, this.#exchange.contentType);
    } catch (error) {
      this.#call.onBroken(ServeError.from(error));
      return;
    }
    const modelName = names.name === "" ? undefined : boundName(names.name);
    const versionName = names.version === "" ? undefined : boundName(names.version);
    this.#call = new HttpCall(
      this.#exchange,
      this.#needs,
      { ...this.#address, modelName, versionName },
      this.#arrivedMs,
    );
    this.#call.take(body, lasts);
  }

  onTooLarge(gotBytes: number, bytesMax: number): void {
    this.#call.onTooLarge(gotBytes, bytesMax);
  }

  onTooManyChunks(chunkCount: number, gotBytes: number): void {
    this.#call.onTooManyChunks(chunkCount, gotBytes);
  }

  onNoRoom(): void {
    this.#call.onNoRoom();
  }

  onBroken(error: ServeError): void {
    this.#call.onBroken(error);
  }

  onGone(): void {
    this.#call.onGone();
  }
}
