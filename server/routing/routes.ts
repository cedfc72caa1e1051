/** Which version a call gets, as its path asks; none before the models of the start are loaded. */

import { ServeError } from "../errors.js";
import type { PathParts } from "../path/predict.js";

type Routed = PathParts["routes"];

export class Routes implements Routed {
  readonly #registry: Routed;
  #isOpen = false;

  constructor(registry: Routed) {
    this.#registry = registry;
  }

  open(): void {
    this.#isOpen = true;
  }

  find(modelName: string | undefined, versionName: string | undefined) {
    return this.#isOpen ? this.#registry.find(modelName, versionName) : undefined;
  }

  choose(modelName: string | undefined, versionName: string | undefined) {
    // While models are read, one that isn't there yet must not look like one that doesn't exist: 404 isn't tried again.
    if (!this.#isOpen)
      throw new ServeError("not_ready", "the server is still loading and proving its models; try again shortly");
    return this.#registry.choose(modelName, versionName);
  }

  limits(modelName: string | undefined, versionName: string | undefined) {
    return this.#registry.limits(modelName, versionName);
  }
}
