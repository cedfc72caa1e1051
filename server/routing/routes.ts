/** Which version a call gets, as its path asks; none before the models of the start are loaded. */

import { ServeError } from "../errors.js";
import type { PathParts } from "../path/predict.js";

type Routed = PathParts["routes"];

/** What knows the versions. */
interface Known extends Routed {
  /** As `find` and `choose`; and of `demand.onnx`, where no model has that name, the block view of `demand`. */
  findView: Routed["find"];
  chooseView: Routed["choose"];
}

export class Routes implements Routed {
  readonly #registry: Known;
  #isOpen = false;

  constructor(registry: Known) {
    this.#registry = registry;
  }

  open(): void {
    this.#isOpen = true;
  }

  find(modelName: string | undefined, versionName: string | undefined, takesBlocks = false) {
    if (!this.#isOpen) return undefined;
    const registry = this.#registry;
    return takesBlocks ? registry.findView(modelName, versionName) : registry.find(modelName, versionName);
  }

  choose(modelName: string | undefined, versionName: string | undefined, takesBlocks = false) {
    // While models are read, one that isn't there yet must not look like one that doesn't exist: 404 isn't tried again.
    if (!this.#isOpen)
      throw new ServeError("not_ready", "the server is still loading and proving its models; try again shortly");
    const registry = this.#registry;
    return takesBlocks ? registry.chooseView(modelName, versionName) : registry.choose(modelName, versionName);
  }

  limits(modelName: string | undefined, versionName: string | undefined) {
    return this.#registry.limits(modelName, versionName);
  }
}
